/** Runs scripts and commands in Redis. A failure becomes one sentence without the arguments, which hold data. */
import { messageOf } from '../../process/log.ts';
import { StoreError } from '../store.ts';
import type { RedisClient } from './connect.ts';
import { loadScript, type Script, type ScriptName } from './scripts.ts';

export interface RedisRunner {
  run(script: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** One command; `what` names the action in the sentence. */
  ask<T>(what: string, command: (client: RedisClient) => Promise<T>): Promise<T>;
}

/** Messages of Redis and its client, and their meaning. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/timed out|Socket timeout/, 'it did not answer in time'],
  [/^LOADING/, 'it is still loading its data'],
  [/^OOM/, "it is out of memory, wanted room below its 'maxmemory'"],
  [/^MISCONF/, 'it cannot write to its disk'],
  [/^READONLY/, 'it is a replica, wanted the master'],
  [/^(NOAUTH|WRONGPASS)/, 'authentication failed, wanted another user or password'],
  [/^NOPERM/, 'the user lacks the permission'],
  [/^(CLUSTERDOWN|MOVED|ASK|TRYAGAIN)|Too many Cluster redirections|Failed to refresh slots/, 'a part of the cluster is unavailable'],
  [
    /writeable|onnection is closed|connection close|isn't ready|is ended|retries per request|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN/,
    'it is unavailable',
  ],
];
const messageMax = 200;

export function sentenceOf(what: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const meaning = meanings.find(([pattern]) => pattern.test(message));
  return `Cannot ${what} in Redis: ${meaning ? meaning[1] : (message.split('\n')[0] ?? '').slice(0, messageMax)}`;
}

export function redisRunner(client: RedisClient): RedisRunner {
  const scripts = new Map<ScriptName, Script>();
  const ask: RedisRunner['ask'] = async (what, command) => {
    try {
      return await command(client);
    } catch (error) {
      throw new StoreError(sentenceOf(what, error));
    }
  };
  return {
    ask,
    run: (name, keys, args) =>
      ask(name, async () => {
        const script = scripts.get(name) ?? loadScript(name);
        scripts.set(name, script);
        try {
          return await client.evalsha(script.sha, keys.length, ...keys, ...args);
        } catch (error) {
          if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
          return await client.eval(script.text, keys.length, ...keys, ...args);
        }
      }),
  };
}
