/** How far a long input has been read, on standard error: a line that is written over on a terminal, a line now and then elsewhere. */
import { counted } from '../../events/quantity.ts';

const shownAfterMs = 2_000;
/** A log file wants few lines. */
const everyMs = 10_000;

export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class Progress {
  readonly #stream: ProgressStream;
  readonly #clock: () => number;
  readonly #began: number;
  #shownAt: number | null = null;

  constructor(stream: ProgressStream, clock: () => number) {
    this.#stream = stream;
    this.#clock = clock;
    this.#began = clock();
  }

  at(items: number): void {
    const now = this.#clock();
    if (now - this.#began <= shownAfterMs) return;
    if (this.#stream.isTTY) this.#stream.write(`\r${counted(items, 'item')} read`);
    else if (this.#shownAt === null || now - this.#shownAt >= everyMs) this.#stream.write(`${counted(items, 'item')} read\n`);
    else return;
    this.#shownAt = now;
  }

  /** Leaves a terminal's line to what follows. */
  end(): void {
    if (this.#stream.isTTY && this.#shownAt !== null) this.#stream.write('\r\u001b[K');
  }
}
