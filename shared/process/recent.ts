/**
 * A map that forgets: its newest entries are there, the rest goes half by half. Where the oldest of a Map went one by one, the search for
 * each would pass over the holes that those before it have left, which makes a full Map slow.
 */
export class RecentMap<V> {
  readonly #half: number;
  #newer = new Map<string, V>();
  #older: Map<string, V> = new Map();

  /** `most`: entries at most; the newest half of so many surely stays. */
  constructor(most: number) {
    this.#half = Math.max(1, Math.ceil(most / 2));
  }

  get isEmpty(): boolean {
    return this.#newer.size + this.#older.size === 0;
  }

  get(key: string): V | undefined {
    return this.#newer.get(key) ?? this.#older.get(key);
  }

  /** Makes it the newest. */
  set(key: string, value: V): void {
    this.#older.delete(key);
    this.#newer.set(key, value);
    if (this.#newer.size < this.#half) return;
    this.#older = this.#newer;
    this.#newer = new Map();
  }

  delete(key: string): void {
    this.#newer.delete(key);
    this.#older.delete(key);
  }
}
