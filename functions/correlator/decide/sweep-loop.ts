/** When to sweep: each second while the process lives, at any request, and at the tick, which is what counts when nobody lives. */
import type { FunctionContext } from '../../../shared/process/run-function.ts';
import type { Sweeper } from './sweep.ts';

const everyMs = 1_000;
const afterFailureMs = 5_000;

export class SweepLoop {
  readonly #sweeper: Sweeper;
  readonly #surroundings: FunctionContext;
  readonly #stop = new AbortController();
  #lastNudge = Number.NEGATIVE_INFINITY;

  constructor(sweeper: Sweeper, surroundings: FunctionContext) {
    this.#sweeper = sweeper;
    this.#surroundings = surroundings;
  }

  start(): void {
    void this.#beat();
  }

  /** At most once a second: thousands of requests are no reason to look thousands of times. */
  trigger(): void {
    const now = this.#surroundings.clock.now();
    if (now - this.#lastNudge < everyMs && now >= this.#lastNudge) return;
    this.#lastNudge = now;
    void this.#sweep();
  }

  /** Waits for a sweep, but no longer than that: the rest goes on in the background. False when the store is away. */
  async sweepFor(ms: number): Promise<boolean> {
    const swept = this.#sweep();
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(true), ms);
    });
    const done = await Promise.race([swept, timeUp]);
    clearTimeout(timer);
    return done;
  }

  /** Nothing new is begun: what is due stays in the store. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#sweeper.stop();
  }

  /** The first beat comes later: what a start is for is a request, which nudges. */
  async #beat(): Promise<void> {
    const { clock } = this.#surroundings;
    for (let swept = true; !this.#stop.signal.aborted; swept = await this.#sweep()) {
      try {
        await clock.sleep(swept ? everyMs : afterFailureMs, this.#stop.signal);
      } catch {
        return;
      }
    }
  }

  async #sweep(): Promise<boolean> {
    try {
      await this.#sweeper.sweep();
      return true;
    } catch (error) {
      this.#surroundings.log.sampled('sweep', 5)?.error('could not look after what is due', { reason: String(error) });
      return false;
    }
  }
}
