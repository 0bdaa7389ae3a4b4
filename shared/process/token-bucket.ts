/** A rate limit: a number of tokens per second, after an initial burst. Callers wait for their turn or are refused. */
import type { Clock } from './clock.ts';

export interface Rate {
  readonly perSecond: number;
  /** Max tokens after a pause. */
  readonly burst: number;
}

export class TokenBucket {
  readonly #rate: Rate;
  readonly #clock: Clock;
  /** Negative: the number of waiting callers. */
  #tokens: number;
  #at: number;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.burst;
    this.#at = clock.now();
  }

  /** False, at once, if its turn would come after the deadline (ms of the clock). Rejects if the signal fires first. */
  async take(deadlineAt = Number.POSITIVE_INFINITY, signal?: AbortSignal): Promise<boolean> {
    const now = this.#clock.now();
    const gained = (Math.max(0, now - this.#at) / 1_000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + gained);
    this.#at = now;
    const wait = this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / this.#rate.perSecond) * 1_000;
    if (now + wait > deadlineAt) return false;
    this.#tokens -= 1;
    if (wait > 0) await this.#clock.sleep(Math.ceil(wait), signal);
    return true;
  }
}
