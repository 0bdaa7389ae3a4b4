/** What was read of the input and what was not, for the last lines on standard error and for the exit code. */
import { bytesText, counted } from '../../events/quantity.ts';
import { clean } from '../output/terminal.ts';
import { InputError } from './input-error.ts';
import type { InputItem } from './read-input.ts';

const reasonsMax = 5;

export class InputCounts {
  events = 0;
  /** Of the Events, those from tables. */
  rows = 0;
  /** Rows of tables whose Events are there in another form. */
  repeatedRows = 0;
  #foreign = 0;
  #textBytes = 0;
  /** Of these, what may have been Events. */
  #eventBytes = 0;
  #skipped = 0;
  #missing = 0;
  readonly #reasons: string[] = [];

  /** What is neither an Event nor an object. */
  add(item: Exclude<InputItem, { type: 'event' | 'object' | 'write' }>): void {
    if (item.type === 'expired') return;
    if (item.type === 'foreign') this.#foreign += 1;
    else if (item.type === 'text') {
      this.#textBytes += item.bytes;
      if (item.looksLikeEvents) this.#eventBytes += item.bytes;
    } else {
      this.#skipped += 1;
      if (item.looksLikeEvents) this.#missing += 1;
      if (this.#reasons.length < reasonsMax) this.#reasons.push(item.reason);
    }
  }

  /** Something that looked like Events was left out. */
  get isIncomplete(): boolean {
    return this.#missing > 0 || this.#eventBytes > 0;
  }

  /** Throws `InputError` where there is no Event although there is input: an empty list is none. */
  requireEvents(): void {
    if (this.events > 0 || this.#skipped + this.#foreign + this.#textBytes === 0) return;
    throw new InputError(
      "Cannot find an Event in the input: wanted the output of 'kubectl get events -A' (JSON, YAML or table), a dump, or a support bundle",
    );
  }

  /** `2 events read; 1 trace shown, ...`, and what was not read, a line each; ends with a line feed. */
  summary(shown: string): string {
    const lines = [`${counted(this.events, 'event')} read; ${shown}`];
    if (this.rows > 0)
      lines.push(`${this.rows} of them from a table of kubectl, without uids, times rounded down: use -o json for exact traces`);
    if (this.repeatedRows > 0)
      lines.push(`${counted(this.repeatedRows, 'table row')} not used: their namespace has Events in another form`);
    if (this.#skipped > 0) lines.push(`${counted(this.#skipped, 'item')} skipped:`, ...this.#reasons.map((reason) => `  ${clean(reason)}`));
    if (this.#skipped > this.#reasons.length) lines.push(`  and ${this.#skipped - this.#reasons.length} more`);
    if (this.#textBytes > 0) lines.push(`${bytesText(this.#textBytes)} of text not understood${this.#eventText()}`);
    return `${lines.join('\n')}\n`;
  }

  #eventText(): string {
    return this.#eventBytes === 0 ? '' : `, of which ${bytesText(this.#eventBytes)} look like Events`;
  }
}
