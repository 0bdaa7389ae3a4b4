/** The unread end of a stream of bytes, in one piece however it arrived. */
const lineFeed = 0x0a;

export class ByteWindow {
  bytes: Buffer = Buffer.allocUnsafe(1 << 16);
  /** The next byte to read. */
  at = 0;
  end = 0;
  /** No line ends in `[searchedFrom, lineEnd)`; `lineEnd` is one, or where the search has stopped. */
  #searchedFrom = 0;
  #lineEnd = 0;

  /** Appends; what lies before `keepFrom` is dropped. Returns by how much all positions have moved. */
  append(chunk: Buffer, keepFrom: number): number {
    const kept = this.end - keepFrom;
    if (kept + chunk.length > this.bytes.length) {
      // By doubling, so that a long value is not copied with each chunk.
      const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, kept + chunk.length));
      this.bytes.copy(larger, 0, keepFrom, this.end);
      this.bytes = larger;
    } else if (keepFrom > 0) this.bytes.copyWithin(0, keepFrom, this.end);
    chunk.copy(this.bytes, kept);
    this.at -= keepFrom;
    this.#searchedFrom -= keepFrom;
    this.#lineEnd -= keepFrom;
    this.end = kept + chunk.length;
    return keepFrom;
  }

  text(from: number, to: number): string {
    return this.bytes.toString('utf8', from, to);
  }

  /** The end of the line that holds this position, or -1 where it has not come yet. Asked for many times in a line. */
  lineEnd(from: number): number {
    const isKnown = from >= this.#searchedFrom && from <= this.#lineEnd && this.#lineEnd <= this.end;
    const isFound = isKnown && this.#lineEnd < this.end && this.bytes[this.#lineEnd] === lineFeed;
    if (!isFound && !(isKnown && this.#lineEnd === this.end)) {
      const found = this.bytes.indexOf(lineFeed, isKnown ? this.#lineEnd : from);
      this.#searchedFrom = from;
      this.#lineEnd = found < 0 || found > this.end ? this.end : found;
    }
    return this.#lineEnd < this.end ? this.#lineEnd : -1;
  }
}
