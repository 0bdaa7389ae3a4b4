/** Writes Events, objects and segments into a history as fast as it takes them. */

import type { OpenedDatabase } from '../../history/open.ts';
import { type HistoryItem, HistoryWriter, type Written } from '../../history/writer.ts';
import { InputError } from '../input/input-error.ts';

const inFlightMax = 1_500;

export class HistoryFeed {
  readonly #writer: HistoryWriter;
  readonly #inFlight = new Set<Promise<void>>();
  #fault: string | null = null;

  constructor({ database }: OpenedDatabase) {
    this.#writer = new HistoryWriter({ database, keepSince: () => null });
  }

  /** Waits while too many are on their way. */
  async push(item: HistoryItem): Promise<void> {
    const written = this.#writer.write(item).then((outcome) => this.#note(outcome));
    this.#inFlight.add(written);
    void written.finally(() => this.#inFlight.delete(written));
    if (this.#inFlight.size >= inFlightMax) await Promise.race(this.#inFlight);
  }

  /** Rejects where something could not be written. */
  async finish(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.#fault !== null) throw new InputError(`Cannot write the history: ${this.#fault}`);
  }

  #note(written: Written): void {
    if ('reason' in written) this.#fault ??= written.reason;
  }
}
