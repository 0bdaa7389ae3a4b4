/**
 * Deciding gives way to acknowledging. Both run on one thread: without this, a backlog that is decided would let every request wait until
 * whole batches are through, and senders would time out although there is room for what they bring. So deciding works in slices, and
 * goes on when the loop has gone round without a request that moved: in the time that acknowledging leaves over.
 */
const sliceMs = 1;
/** However many requests come: what is never decided would fill the store. */
const pauseMostMs = 10;

export class CooperativeYield {
  readonly #now: () => number;
  #began: number;
  #pause: Promise<void> | null = null;
  #moved = 0;

  /** `now` in ms. */
  constructor(now: () => number) {
    this.#now = now;
    this.#began = now();
  }

  /** A request has come a step further. */
  moved(): void {
    this.#moved += 1;
  }

  /**
   * To be awaited between pieces of work, and asked again after it, since another may have used up the next slice meanwhile; null while the
   * slice lasts.
   */
  give(): Promise<void> | null {
    if (this.#pause) return this.#pause;
    if (this.#sinceBegun() < sliceMs) return null;
    this.#began = this.#now();
    this.#pause = this.#quiet().then(() => {
      this.#pause = null;
      this.#began = this.#now();
    });
    return this.#pause;
  }

  /** Runs each, and gives way in between. */
  async map<In, Out>(inputs: Iterable<In>, run: (input: In, place: number) => Out): Promise<Out[]> {
    const results: Out[] = [];
    for (const input of inputs) {
      for (let pause = this.give(); pause; pause = this.give()) await pause;
      results.push(run(input, results.length));
    }
    return results;
  }

  async #quiet(): Promise<void> {
    for (let before = -1; before !== this.#moved && this.#sinceBegun() < pauseMostMs; ) {
      before = this.#moved;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** A clock may be set back. */
  #sinceBegun(): number {
    return Math.abs(this.#now() - this.#began);
  }
}
