/** A bound on how often something is done: so many a second, after a first burst. Who comes later waits its turn or hears no. */
import type { Clock } from './clock.ts';

export interface Rate {
  readonly perSecond: number;
  /** So many at once after a pause. */
  readonly burst: number;
}

export class TokenBucket {
  readonly #rate: Rate;
  readonly #clock: Clock;
  /** Below zero by those who wait. */
  #tokens: number;
  #at: number;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.burst;
    this.#at = clock.now();
  }

  /** False, at once, when its turn would come only after the deadline (ms of the clock). Rejects when the signal fires first. */
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
