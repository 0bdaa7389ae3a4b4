/** Keeps an input of a few bytes from unpacking to more than anyone can have meant, over all its layers. */

/** Input may always unpack to this many bytes ... */
const freeBytes = 256 * 1_024 * 1_024;
/** ... and beyond that to so many times its size: lists of Events unpack to 10 to 100 times. */
const ratioMax = 400;

export class ExpansionError extends Error {}

export class ExpansionGuard {
  #packed = 0;
  #unpacked = 0;

  /** Counts what comes from outside. */
  async *packed(bytes: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
    for await (const chunk of bytes) {
      const buffer = bytesOf(chunk);
      this.#packed += buffer.length;
      yield buffer;
    }
  }

  /** Counts what has been unpacked, in any layer. */
  async *unpacked(bytes: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
    for await (const chunk of bytes) {
      const buffer = bytesOf(chunk);
      this.#unpacked += buffer.length;
      if (this.#unpacked > freeBytes && this.#unpacked > this.#packed * ratioMax)
        throw new ExpansionError(`it unpacks to more than ${ratioMax} times its size`);
      yield buffer;
    }
  }

  /** Of a file that is read in any order. */
  addPacked(size: number): void {
    this.#packed += size;
  }
}

function bytesOf(chunk: unknown): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
}
