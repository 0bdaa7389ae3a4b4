/** The shared index in memory: members under keys, each with a score, forgotten when nothing was added for long. */

import type { IndexEntry } from '../store.ts';
import { Expiring } from './expiring.ts';

export class MemoryIndex {
  readonly #buckets: Expiring<Map<string, number>>;

  constructor(now: () => number) {
    this.#buckets = new Expiring(now);
  }

  put({ key, member, score }: IndexEntry, keepFor: number, most: number): void {
    const bucket = this.#buckets.get(key) ?? new Map<string, number>();
    bucket.set(member, Math.min(score, bucket.get(member) ?? score));
    if (bucket.size > most) for (const [lowest] of sorted(bucket).slice(0, bucket.size - most)) bucket.delete(lowest);
    this.#buckets.set(key, bucket, keepFor);
  }

  read(key: string): { member: string; score: number }[] {
    return sorted(this.#buckets.get(key) ?? new Map()).map(([member, score]) => ({ member, score }));
  }
}

/** By score, then by member, as Redis sorts. */
function sorted(bucket: ReadonlyMap<string, number>): [string, number][] {
  return [...bucket].sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1));
}
