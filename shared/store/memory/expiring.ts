/** Values that are forgotten at a time, in memory: when they are asked for, and in a cleaning now and then. */

interface Kept<T> {
  readonly value: T;
  readonly until: number;
}

/** How many additions pass between two cleanings. */
const cleanEvery = 10_000;

export class Expiring<T> {
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept<T>>();
  #additions = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string): T | undefined {
    const kept = this.#kept.get(key);
    if (kept && kept.until <= this.#now()) this.#kept.delete(key);
    return kept && kept.until > this.#now() ? kept.value : undefined;
  }

  /** `keepFor` in ms, null for good. */
  set(key: string, value: T, keepFor: number | null): void {
    this.#kept.set(key, { value, until: keepFor === null ? Number.POSITIVE_INFINITY : this.#now() + Math.max(1, Math.ceil(keepFor)) });
    this.#additions += 1;
    if (this.#additions % cleanEvery === 0) for (const one of [...this.#kept.keys()]) this.get(one);
  }

  delete(key: string): void {
    this.#kept.delete(key);
  }
}
