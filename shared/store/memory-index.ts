/** The shared index in memory: members under keys, each with a score, forgotten when nothing was added for long. */
import type { IndexEntry } from './store.ts';

interface Bucket {
  readonly scores: Map<string, number>;
  until: number;
}

/** How many additions pass between two cleanings. */
const cleanEvery = 10_000;

export class MemoryIndex {
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();
  #additions = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  put({ key, member, score }: IndexEntry, keepFor: number, most: number): void {
    const bucket = this.#alive(key) ?? { scores: new Map<string, number>(), until: 0 };
    this.#buckets.set(key, bucket);
    bucket.scores.set(member, Math.min(score, bucket.scores.get(member) ?? score));
    bucket.until = this.#now() + keepFor;
    if (bucket.scores.size > most) for (const [lowest] of sorted(bucket).slice(0, bucket.scores.size - most)) bucket.scores.delete(lowest);
    this.#additions += 1;
    if (this.#additions % cleanEvery === 0) for (const one of [...this.#buckets.keys()]) this.#alive(one);
  }

  read(key: string): { member: string; score: number }[] {
    const bucket = this.#alive(key);
    return bucket ? sorted(bucket).map(([member, score]) => ({ member, score })) : [];
  }

  #alive(key: string): Bucket | undefined {
    const bucket = this.#buckets.get(key);
    if (!bucket || bucket.until > this.#now()) return bucket;
    this.#buckets.delete(key);
    return undefined;
  }
}

/** By score, then by member, as Redis sorts. */
function sorted(bucket: Bucket): [string, number][] {
  return [...bucket.scores].sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1));
}
