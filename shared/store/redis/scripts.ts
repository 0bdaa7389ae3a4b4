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

export class Script {
  readonly text: string;
  #sha: string | undefined;

  constructor(name: ScriptName) {
    this.text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  }

  /** By which Redis knows a script that it has been told. */
  get sha(): string {
    this.#sha ??= createHash('sha1').update(this.text).digest('hex');
    return this.#sha;
  }
}
