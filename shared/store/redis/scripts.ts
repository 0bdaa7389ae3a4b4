/** The Lua scripts of the Redis store, by name: each is one atomic step. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const scriptNames = [
  'append',
  'claim-inbox',
  'pin-routes',
  'complete-routing',
  'unseen',
  'put-index',
  'read-index',
  'add-to-domains',
  'claim-domains',
  'commit',
  'enqueue-deliveries',
  'claim-deliveries',
  'remove-deliveries',
  'postpone-delivery',
  'due',
  'sizes',
  'acquire-lease',
  'release-lease',
  'set-once',
] as const;
export type ScriptName = (typeof scriptNames)[number];

export interface Script {
  readonly text: string;
  /** SHA-1 of the text, by which Redis knows a script that it has loaded. */
  readonly sha: string;
}

export function loadScript(name: ScriptName): Script {
  const text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
