/** Answers that are remembered for a time each, the latest used ones stay when there are too many. */
import type { Clock } from '../process/clock.ts';
import { RecentMap } from '../process/recent.ts';

export class Memory<T> {
  readonly #clock: Clock;
  readonly #entries: RecentMap<{ readonly value: T; readonly until: number }>;

  constructor(most: number, clock: Clock) {
    this.#clock = clock;
    this.#entries = new RecentMap(most);
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.until <= this.#clock.now()) {
      this.#entries.delete(key);
      return undefined;
    }
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: T, ms: number): void {
    this.#entries.set(key, { value, until: this.#clock.now() + ms });
  }
}
