/** Asks Redis, by script or command. What goes wrong becomes one sentence, without the arguments, which hold what was to be stored. */

import { StoreError } from '../store.ts';
import type { RedisClient } from './connect.ts';
import { Script, type ScriptName } from './scripts.ts';

export interface RedisRunner {
  run(script: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** One command; `what` it does, for the sentence. */
  ask<T>(what: string, command: (client: RedisClient) => Promise<T>): Promise<T>;
}

/** What Redis and its client say, and what that means. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/timed out|Socket timeout/, 'it did not answer in time'],
  [/^LOADING/, 'it still loads its data'],
  [/^OOM/, "it has no memory left, wanted room below its 'maxmemory'"],
  [/^MISCONF/, 'it cannot write to its disk'],
  [/^READONLY/, 'it is a replica, wanted the master'],
  [/^(NOAUTH|WRONGPASS)/, 'it wants another user or password'],
  [/^NOPERM/, 'the user may not do that'],
  [/^(CLUSTERDOWN|MOVED|ASK|TRYAGAIN)|Too many Cluster redirections|Failed to refresh slots/, 'a part of the cluster is away'],
  [/writeable|onnection is closed|connection close|isn't ready|is ended|retries per request|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN/, 'it is away'],
];
const shownMost = 200;

export function sentenceOf(what: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const meaning = meanings.find(([pattern]) => pattern.test(message));
  return `Cannot ${what} in Redis: ${meaning ? meaning[1] : (message.split('\n')[0] ?? '').slice(0, shownMost)}`;
}

export function redisRunner(client: RedisClient): RedisRunner {
  const told = new Map<ScriptName, Script>();
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
        const script = told.get(name) ?? new Script(name);
        const whole = () => client.eval(script.text, keys.length, ...keys, ...args);
        // The first time as a whole: nobody knows whether Redis has it, and to hash it would load node:crypto in a cold start.
        if (!told.has(name)) {
          told.set(name, script);
          return await whole();
        }
        try {
          return await client.evalsha(script.sha, keys.length, ...keys, ...args);
        } catch (error) {
          if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
          return await whole();
        }
      }),
  };
}
