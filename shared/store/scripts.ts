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

export function loadScripts(): Readonly<Record<ScriptName, Script>> {
  const load = (name: ScriptName): Script => {
    const text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
    return { text, sha: createHash('sha1').update(text).digest('hex') };
  };
  return {
    append: load('append'),
    'claim-inbox': load('claim-inbox'),
    'pin-routes': load('pin-routes'),
    routed: load('routed'),
    unseen: load('unseen'),
    'put-index': load('put-index'),
    'add-to-domains': load('add-to-domains'),
    'claim-domains': load('claim-domains'),
    commit: load('commit'),
    'put-in-box': load('put-in-box'),
    'claim-box': load('claim-box'),
    'remove-from-box': load('remove-from-box'),
    postpone: load('postpone'),
    due: load('due'),
    figures: load('figures'),
    hold: load('hold'),
    release: load('release'),
    'set-once': load('set-once'),
  };
}
