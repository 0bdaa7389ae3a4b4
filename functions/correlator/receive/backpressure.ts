/** Whether there is room for more, as the last write has shown it: a pod that can only turn events away should not be sent any. */
import type { Clock } from '../../../shared/process/clock.ts';

/** What a sender that is turned away is told to wait; then it is tried again. */
export const retryAfterSeconds = 5;

export class Backpressure {
  readonly #clock: Pick<Clock, 'now'>;
  #fullAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get isFull(): boolean {
    return Math.abs(this.#clock.now() - this.#fullAt) < retryAfterSeconds * 1_000;
  }

  turnedAway(): void {
    this.#fullAt = this.#clock.now();
  }

  /** One shard that is full must not keep away what belongs to the others. */
  taken(): void {
    this.#fullAt = Number.NEGATIVE_INFINITY;
  }
}
