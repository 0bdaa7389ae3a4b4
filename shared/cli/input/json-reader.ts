/** JSON in a window of bytes -> documents: the elements of a list as they come, any other value whole. */
import { field, isJson, type Json, textField } from '../../events/json.ts';
import { counted } from '../../events/quantity.ts';
import { messageOf } from '../../process/log.ts';
import type { ByteWindow } from './byte-window.ts';
import { type Document, listKeys, looksLikeEvents, pushText } from './document.ts';
import { JsonScanner } from './json-scanner.ts';

/** Bytes of an element of a list, or of another value. */
export const valueMax = 64 * 1_024 * 1_024;
const lostMax = 1_024 * 1_024;

export class JsonReader {
  readonly #window: ByteWindow;
  readonly #scanner = new JsonScanner((key) => listKeys.includes(key));
  #items = 0;
  #lastLooksLikeEvent = false;
  /** An element that is too long is scanned, but not kept. */
  #isDropping = false;

  constructor(window: ByteWindow) {
    this.#window = window;
  }

  /** Bytes before this position are not needed any more. */
  get keepFrom(): number {
    return this.#isDropping ? this.#scanner.at : Math.min(this.#scanner.keepFrom, this.#scanner.at);
  }

  /** A value begins at the window's position, with a bracket. */
  begin(): void {
    this.#scanner.begin(this.#window.at);
    this.#items = 0;
    this.#lastLooksLikeEvent = false;
    this.#isDropping = false;
  }

  shift(by: number): void {
    this.#scanner.shift(by);
  }

  /** Reads on. `done`: the value has ended; `fault`: what stands at the window's position is not JSON; then `giveUp`. */
  read(out: Document[]): 'more' | 'done' | 'fault' {
    const window = this.#window;
    const scanner = this.#scanner;
    for (;;) {
      const step = scanner.advance(window.bytes, window.end);
      window.at = scanner.at;
      if (step === 'item') {
        this.#items += 1;
        this.#value('item', out);
      } else if (step === 'value') {
        this.#value('value', out);
        return 'done';
      } else if (step === 'end') {
        out.push({ type: 'list-end', kind: scanner.kind });
        return 'done';
      } else if (step === 'fault') return 'fault';
      else {
        this.#isDropping ||= window.end - this.keepFrom > valueMax;
        return 'more';
      }
    }
  }

  /**
   * Gives up the value, or the rest of the list, up to a position that is at most the window's. A list of Events has lost some then, even
   * where nothing of the next one was read.
   */
  giveUp(to: number, atEnd: boolean, out: Document[]): void {
    const { keepFrom } = this;
    const text = this.#window.text(keepFrom, Math.min(to, keepFrom + lostMax));
    const { inList, kind } = this.#scanner;
    const isEvents = this.#lastLooksLikeEvent || kind === 'EventList' || looksLikeEvents(text);
    if (isEvents || this.#items > 0) {
      const count = counted(this.#items, 'item');
      const reason = atEnd ? `JSON ends in the middle after ${count}; the rest is lost` : `JSON is broken after ${count}`;
      out.push({ type: 'broken', reason, looksLikeEvents: isEvents });
    }
    pushText(out, to - keepFrom, false);
    if (inList) out.push({ type: 'list-end', kind });
  }

  #value(type: 'item' | 'value', out: Document[]): void {
    const { itemStart, at } = this.#scanner;
    if (this.#isDropping) {
      this.#isDropping = false;
      out.push({ type: 'broken', reason: `${this.#place} is longer than ${valueMax / 1_024 / 1_024} MiB`, looksLikeEvents: true });
      return;
    }
    const text = this.#window.text(itemStart, at);
    const parsed = parseJson(text);
    if (parsed.ok) out.push({ type, value: parsed.value });
    else out.push({ type: 'broken', reason: `${this.#place} is not JSON: ${parsed.reason}`, looksLikeEvents: looksLikeEvents(text) });
    this.#lastLooksLikeEvent =
      parsed.ok && (field(parsed.value, 'kind') === 'Event' || field(parsed.value, 'involvedObject') !== undefined);
  }

  get #place(): string {
    return this.#items > 0 ? `item ${this.#items} of a list` : 'a value';
  }
}

export type ParsedJson = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** Also with signs in its strings that JSON does not allow there: tabs and other control signs become blanks. */
export function parseJson(text: string): ParsedJson {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    const cleaned = text.replace(/[\u0000-\u0009\u000b-\u001f]/g, ' ');
    if (cleaned === text) return { ok: false, reason: messageOf(error) };
    try {
      return { ok: true, value: JSON.parse(cleaned) };
    } catch {
      return { ok: false, reason: messageOf(error) };
    }
  }
}

/** A value that was parsed whole, as the scanner would have let it out. */
export function documentsIn(value: unknown): Document[] {
  const lists = Array.isArray(value) ? [value] : isJson(value) ? Object.keys(value).flatMap((key) => listUnder(value, key)) : [];
  if (lists.length === 0) return [{ type: 'value', value }];
  const items = lists.flat(1).map((one: unknown): Document => ({ type: 'item', value: one }));
  return [...items, { type: 'list-end', kind: textField(value, 'kind') || textField(value, 'Kind') }];
}

function listUnder(value: Json, key: string): unknown[][] {
  const list = listKeys.includes(key) ? value[key] : null;
  return Array.isArray(list) ? [list] : [];
}
