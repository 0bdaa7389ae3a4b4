/** A dead letter as text in the store: an event that a Broker could not deliver, to whom, and why. */
import { field, isJson, type Json, numberField, type Result, textField } from '../events/json.ts';

export interface DeadLetter {
  /** The subscriber that failed, as the Broker names it (`knativeerrordest`). */
  readonly dest: string;
  /** Its response (`knativeerrorcode`); empty if there was none. */
  readonly code: string;
  /** Store clock, ms: when it arrived or was last re-sent by an operator. */
  readonly since: number;
  /** The event in structured form. */
  readonly event: Json;
}

export function deadLetterText(letter: DeadLetter): string {
  return JSON.stringify(letter);
}

export function parseDeadLetter(text: string): Result<DeadLetter> {
  try {
    const value: unknown = JSON.parse(text);
    const event = field(value, 'event');
    const since = numberField(value, 'since');
    if (!isJson(event) || since === null) return { ok: false, reason: 'Cannot read dead letter: wanted an event and a time' };
    return { ok: true, value: { dest: textField(value, 'dest', 8_192), code: textField(value, 'code', 100), since, event } };
  } catch {
    return { ok: false, reason: 'Cannot read dead letter: it is not JSON' };
  }
}
