/**
 * Reads Events and objects from files, folders, archives and standard input, in every form in which they reach a person. What cannot be
 * read is reported and spoils nothing else.
 */
import type { Readable } from 'node:stream';
import { isJson, textField } from '../../events/json.ts';
import type { Micros, Observation } from '../../events/observation.ts';
import { isEventLike, parseEvent } from '../../events/parse-event.ts';
import type { ObjectVersion } from '../../kubernetes/object.ts';
import { parseObject } from '../../kubernetes/parse-object.ts';
import { messageOf } from '../../process/log.ts';
import { type AuditedWrite, parseAuditRecord } from './audit-record.ts';
import type { Source } from './containers.ts';
import { decodeText } from './decode-text.ts';
import type { Document } from './document.ts';
import { DocumentReader } from './document-reader.ts';
import { kindByShape, kindInPath } from './kinds.ts';
import { type Found, recordsIn, withKind } from './records.ts';
import { sourcesOf } from './sources.ts';

export type InputItem =
  /** `isRow`: from a table. */
  | {
      readonly type: 'event';
      readonly observation: Observation;
      readonly receivedAt: Micros | null;
      readonly raw: unknown;
      readonly isRow: boolean;
    }
  | { readonly type: 'object'; readonly version: ObjectVersion; readonly raw: unknown }
  | { readonly type: 'write'; readonly write: AuditedWrite }
  /** `looksLikeEvents`: Events may be missing from what was read. */
  | { readonly type: 'skipped'; readonly reason: string; readonly looksLikeEvents: boolean }
  /** JSON or YAML of something else. */
  | { readonly type: 'foreign' }
  | { readonly type: 'text'; readonly bytes: number; readonly looksLikeEvents: boolean }
  /** An Event's end of life: nothing happened in the cluster. */
  | { readonly type: 'expired' };

export interface InputOptions {
  readonly stdin: Readable;
  /** From when ages in tables count back; default: the date of their file. */
  readonly now?: Micros | undefined;
  /** Called with the number of items read so far. */
  readonly onProgress?: (items: number) => void;
}

/** Items of a list whose kind stands behind them wait for it, so many. */
const heldMax = 20_000;

/** In batches: asking for each of a million items would take its time. */
export async function* readInputs(paths: readonly string[], options: InputOptions): AsyncGenerator<readonly InputItem[]> {
  let items = 0;
  for await (const opened of sourcesOf(paths, options.stdin)) {
    if (!opened.ok) {
      yield [{ type: 'skipped', reason: `Cannot read ${opened.name}: ${opened.reason}`, looksLikeEvents: /event/i.test(opened.name) }];
      continue;
    }
    for await (const batch of readSource(opened, options.now ?? opened.modifiedAt)) {
      items += batch.length;
      options.onProgress?.(items);
      yield batch;
    }
  }
}

async function* readSource(source: Source, printedAt: Micros): AsyncGenerator<readonly InputItem[]> {
  const reader = new DocumentReader(printedAt);
  const converter = new Converter(source.name);
  try {
    const decoded = await decodeText(source.bytes);
    if (!decoded.ok) return yield [{ type: 'skipped', reason: `Cannot read ${source.name}: ${decoded.reason}`, looksLikeEvents: false }];
    for await (const chunk of decoded.bytes) yield converter.convert(reader.push(chunk));
    const rest = converter.convert(reader.end());
    yield reader.isBlank ? [{ type: 'skipped', reason: `Cannot read ${source.name}: it is empty`, looksLikeEvents: false }] : rest;
  } catch (error) {
    const rest = converter.convert(reader.end());
    const looksLikeEvents = converter.events > 0 || /event/i.test(source.name);
    yield [...rest, { type: 'skipped', reason: `Cannot read ${source.name}: ${messageOf(error)}`, looksLikeEvents }];
  }
}

/** The documents of one source -> what is in them. */
class Converter {
  events = 0;
  readonly #name: string;
  #items = 0;
  /** Items without a kind, until that of their list is known. */
  #held: unknown[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  convert(documents: readonly Document[]): InputItem[] {
    const out: InputItem[] = [];
    for (const document of documents) this.#convert(document, out);
    return out;
  }

  #convert(document: Document, out: InputItem[]): void {
    if (document.type === 'text') return void out.push(document);
    if (document.type === 'list-end') return this.#endList(document.kind, out);
    if (document.type === 'broken') {
      const { reason, looksLikeEvents } = document;
      return void out.push({ type: 'skipped', reason: `Cannot read ${this.#name}: ${reason}`, looksLikeEvents });
    }
    this.#items += 1;
    const { value } = document;
    const waits = document.type === 'item' && this.#held.length < heldMax && isJson(value) && !hasKind(value) && !isEventLike(value);
    if (waits) this.#held.push(value);
    else this.#value(value, '', document.type === 'row', out);
  }

  #endList(kind: string, out: InputItem[]): void {
    const held = this.#held;
    this.#held = [];
    for (const value of held) this.#value(value, kind, false, out);
  }

  #value(value: unknown, listKind: string, isRow: boolean, out: InputItem[]): void {
    const found = recordsIn(withKind(value, listKind), listKind);
    if (found.length === 0) out.push({ type: 'foreign' });
    for (const one of found) if (one.type !== 'nothing') out.push(this.#item(one, isRow));
  }

  #item(found: Exclude<Found, { type: 'nothing' }>, isRow: boolean): InputItem {
    if (found.type === 'watch-error')
      return { type: 'skipped', reason: `The watch in ${this.#name} ended with an error: ${found.message}`, looksLikeEvents: false };
    if (found.type === 'audit') {
      const write = parseAuditRecord(found.record);
      return write === null ? { type: 'foreign' } : { type: 'write', write };
    }
    const { object: raw, isDeleted, receivedAt } = found;
    const where = `${this.#name} item ${this.#items}`;
    if (isEventLike(raw)) {
      if (isDeleted) return { type: 'expired' };
      const event = parseEvent(raw);
      if (!event.ok) return { type: 'skipped', reason: `${event.reason} (${where})`, looksLikeEvents: true };
      this.events += 1;
      return { type: 'event', observation: event.value, receivedAt, raw, isRow };
    }
    const object = hasKind(raw) ? raw : { ...raw, kind: kindByShape(raw) || kindInPath(this.#name) };
    const parsed = parseObject(object);
    if (!parsed.ok) return { type: 'foreign' };
    return { type: 'object', version: { object: parsed.value, seenAt: receivedAt, gone: isDeleted }, raw: object };
  }
}

function hasKind(value: unknown): boolean {
  return textField(value, 'kind') !== '' || textField(value, 'Kind') !== '';
}
