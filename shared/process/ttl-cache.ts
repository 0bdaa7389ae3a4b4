/** A map whose entries expire; beyond its maximum the least recently used are dropped. */

export interface TtlCacheOptions {
  /** ms. */
  readonly now: () => number;
  /** Max entries; at least the more recently used half stays. Absent: no bound. */
  readonly max?: number;
  /** Default time to live, ms. Absent: entries do not expire. */
  readonly ttlMs?: number;
}

interface Entry<V> {
  readonly value: V;
  readonly until: number;
}

/** Expired entries are purged after this many additions. */
const purgeEvery = 10_000;

/** Two generations: evicting the oldest entries of a Map one by one iterates over the holes of earlier ones, which is slow when full. */
export class TtlCache<V> {
  readonly #now: () => number;
  readonly #generationMax: number;
  readonly #ttlMs: number;
  #newer = new Map<string, Entry<V>>();
  #older = new Map<string, Entry<V>>();
  #additions = 0;

  constructor({ now, max = Number.POSITIVE_INFINITY, ttlMs = Number.POSITIVE_INFINITY }: TtlCacheOptions) {
    this.#now = now;
    this.#generationMax = Math.max(1, Math.ceil(max / 2));
    this.#ttlMs = ttlMs;
  }

  get(key: string): V | undefined {
    const entry = this.#newer.get(key) ?? this.#older.get(key);
    if (entry === undefined) return undefined;
    if (entry.until <= this.#now()) {
      this.delete(key);
      return undefined;
    }
    if (this.#older.delete(key)) this.#add(key, entry);
    return entry.value;
  }

  /** What has not expired, with the ms that are left. */
  *entries(): Generator<readonly [key: string, value: V, ttlMs: number]> {
    const now = this.#now();
    for (const generation of [this.#older, this.#newer])
      for (const [key, { value, until }] of generation) if (until > now) yield [key, value, until - now];
  }

  /** A time to live of less than 1 ms counts as 1 ms. */
  set(key: string, value: V, ttlMs: number = this.#ttlMs): void {
    this.#older.delete(key);
    this.#add(key, { value, until: this.#now() + Math.max(1, Math.ceil(ttlMs)) });
    this.#additions += 1;
    if (this.#additions % purgeEvery === 0) this.#purge();
  }

  delete(key: string): void {
    this.#newer.delete(key);
    this.#older.delete(key);
  }

  #add(key: string, entry: Entry<V>): void {
    this.#newer.set(key, entry);
    if (this.#newer.size < this.#generationMax) return;
    this.#older = this.#newer;
    this.#newer = new Map();
  }

  #purge(): void {
    const now = this.#now();
    for (const generation of [this.#newer, this.#older])
      for (const [key, { until }] of generation) if (until <= now) generation.delete(key);
  }
}
