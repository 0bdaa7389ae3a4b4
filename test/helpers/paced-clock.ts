/** A clock for tests of retries over real HTTP: pauses end at once and are recorded, timeouts end only on demand. */
import type { Clock } from '../../shared/process/clock.ts';

export class PacedClock implements Clock {
  /** The pauses so far, in milliseconds. */
  readonly pauses: number[] = [];
  readonly #limitMs: number;
  readonly #limits = new Set<() => void>();
  #now: number;

  /** What is `limitMs` or longer is a limit. */
  constructor(now = Date.UTC(2025, 10, 20), limitMs = 9_000) {
    this.#now = now;
    this.#limitMs = limitMs;
  }

  now(): number {
    return this.#now;
  }

  /** How many limits run now. */
  get limits(): number {
    return this.#limits.size;
  }

  /** Ends every limit that runs now. */
  expire(): void {
    for (const end of [...this.#limits]) end();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < this.#limitMs) {
      signal?.throwIfAborted();
      this.pauses.push(ms);
      this.#now += ms;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const end = () => {
        this.#limits.delete(end);
        resolve();
      };
      this.#limits.add(end);
      signal?.addEventListener('abort', () => {
        this.#limits.delete(end);
        reject(signal.reason);
      });
    });
  }
}
