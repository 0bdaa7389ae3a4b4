/** A map that forgets: entries expire, and where there are too many the least recently used go. */

export interface TtlCacheOptions {
  /** ms. */
  readonly now: () => number;
  /** Entries at most; the half that was used last is sure to stay. Absent: no bound. */
  readonly max?: number;
  /** Of entries that are set without one, ms. Absent: they do not expire. */
  readonly ttlMs?: number;
}

interface Entry<V> {
  readonly value: V;
  readonly until: number;
}

/** Expired entries that nobody asks for are purged after so many additions. */
const purgeEvery = 10_000;

/** Two generations: to evict the oldest of a Map one by one would pass over the holes of those before it, which makes a full Map slow. */
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
