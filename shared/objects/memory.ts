/** Answers that are remembered for a time each, the latest used ones stay when there are too many. */
import type { Clock } from '../runtime/clock.ts';

export class Memory<T> {
  readonly #most: number;
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#clock.now()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: T, ms: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: this.#clock.now() + ms });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#most) break;
      this.#entries.delete(oldest);
    }
  }
}
