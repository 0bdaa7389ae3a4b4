/**
 * Deciding gives way to acknowledging. Both run on one thread: without this, a backlog that is decided would let every request wait until
 * whole batches are through, and senders would time out although there is room for what they bring.
 */
/** An answer takes several rounds of the loop: to hear the request, to write, to hear that it is written. */
const sliceMs = 1;

export class Turns {
  readonly #now: () => number;
  #began: number;
  #pause: Promise<void> | null = null;

  /** `now` in ms. */
  constructor(now: () => number) {
    this.#now = now;
    this.#began = now();
  }

  /**
   * To be awaited between pieces of work, and asked again after it, since another may have used up the next slice meanwhile; null while the
   * slice lasts. After it all workers let the loop go round once: requests, answers.
   */
  give(): Promise<void> | null {
    if (this.#pause) return this.#pause;
    if (Math.abs(this.#now() - this.#began) < sliceMs) return null;
    this.#pause = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#pause = null;
      this.#began = this.#now();
    });
    return this.#pause;
  }
}
