/** The Lua scripts of the Redis store, by name: each is one atomic step. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const scriptNames = [
  'append',
  'claim-inbox',
  'pin-routes',
  'routed',
  'unseen',
  'put-index',
  'read-index',
  'add-to-domains',
  'claim-domains',
  'commit',
  'put-in-box',
  'claim-box',
  'remove-from-box',
  'postpone',
  'due',
  'figures',
  'hold',
  'release',
  'set-once',
] as const;
export type ScriptName = (typeof scriptNames)[number];

export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** Read when it is run first. */
export function loadScript(name: ScriptName): Script {
  const text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
