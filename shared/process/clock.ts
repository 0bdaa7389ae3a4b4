/** Time as an argument: the real clock for functions, a manual one for tests and replays. */
import { setTimeout as sleepFor } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects with the signal's reason if that fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** With an offset a simulation gives each replica a different clock error. */
export function systemClock(offsetMs = 0): Clock {
  return {
    now: () => Date.now() + offsetMs,
    sleep: async (ms, signal) => {
      await sleepFor(ms, undefined, signal === undefined ? {} : { signal });
    },
  };
}

/** A monotonic stopwatch: seconds since the call. The global `performance` would load a module of Node at a cold start. */
export function stopwatch(): () => number {
  const began = process.hrtime.bigint();
  return () => Number(process.hrtime.bigint() - began) / 1e9;
}

interface Sleeper {
  readonly until: number;
  wake(): void;
}

/** Stands still until it is moved. Sleepers wake in order of their deadlines, each at its own time. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  /** Number of sleepers: a test waits for them before it moves the clock. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = { until: this.#now + Math.max(0, ms), wake: () => resolve() };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      });
    });
  }

  advance(ms: number): Promise<void> {
    return this.set(this.#now + ms);
  }

  /** Stops at each deadline on the way, so that a woken sleeper may sleep again; resolves when all have run. */
  async set(ms: number): Promise<void> {
    for (let next = this.#earliest(ms); next !== undefined; next = this.#earliest(ms)) {
      const sleeper = next;
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      this.#now = Math.max(this.#now, sleeper.until);
      sleeper.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = ms;
  }

  #earliest(most: number): Sleeper | undefined {
    let earliest: Sleeper | undefined;
    for (const sleeper of this.#sleepers)
      if (sleeper.until <= most && (earliest === undefined || sleeper.until < earliest.until)) earliest = sleeper;
    return earliest;
  }
}
