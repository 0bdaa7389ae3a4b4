/**
 * Deciding gives way to acknowledging. Both run on one thread: without this, a backlog that is decided would let every request wait until
 * whole batches are through, and senders would time out although there is room for what they bring.
 */
const sliceMs = 4;

export class Turns {
  readonly #isBusy: () => boolean;
  readonly #now: () => number;
  #began = Number.NEGATIVE_INFINITY;
  #pause: Promise<void> | null = null;

  /** `isBusy`: requests wait to be acknowledged. `now` in ms. */
  constructor(isBusy: () => boolean, now: () => number = () => performance.now()) {
    this.#isBusy = isBusy;
    this.#now = now;
  }

  /** To be awaited between pieces of work; null while the slice lasts. After it all workers together pause, as long when requests wait. */
  give(): Promise<void> | null {
    if (this.#pause) return this.#pause;
    if (this.#now() - this.#began < sliceMs) return null;
    this.#pause = (this.#isBusy() ? rest() : new Promise<void>((resolve) => setImmediate(resolve))).then(() => {
      this.#pause = null;
      this.#began = this.#now();
    });
    return this.#pause;
  }
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, sliceMs));
}
