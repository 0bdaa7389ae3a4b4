/**
 * Reads Events and objects from files, folders and standard input, in every form that kubectl, support bundles and watches give them:
 * lists, single objects, JSON lines, watch notifications, YAML. What can't be read is said, never dropped in silence.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import { field, isJson, textField } from '../../events/json.ts';
import type { Micros, Observation } from '../../events/observation.ts';
import { isEventLike, parseEvent } from '../../events/parse-event.ts';
import { parseTimestamp } from '../../events/time.ts';
import type { ObjectVersion } from '../../kubernetes/object.ts';
import { parseObject } from '../../kubernetes/parse-object.ts';
import { messageOf } from '../../process/log.ts';
import { type Document, documentsOf } from './json-documents.ts';

export type InputItem =
  | { readonly type: 'event'; readonly observation: Observation; readonly receivedAt: Micros | null; readonly raw: unknown }
  | { readonly type: 'object'; readonly version: ObjectVersion; readonly raw: unknown }
  | { readonly type: 'skipped'; readonly where: string; readonly reason: string }
  /** An Event's end of life: nothing happened in the cluster. */
  | { readonly type: 'expired' };

/** Input that can't be read at all. */
export class InputError extends Error {}

const depthMost = 8;
const yamlMost = 256 * 1_024 * 1_024;
const endings = ['.json', '.jsonl', '.ndjson', '.yaml', '.yml'].flatMap((ending) => [ending, `${ending}.gz`]);

export interface InputOptions {
  readonly stdin: Readable;
  /** Called with the number of items read so far. */
  readonly onProgress?: (items: number) => void;
}

export async function* readInputs(paths: readonly string[], options: InputOptions): AsyncGenerator<InputItem> {
  const files: string[] = [];
  for (const path of paths) {
    const found = path === '-' ? ['-'] : await filesOf(path, 0);
    if (found.length === 0) throw new InputError(`Cannot read '${path}': it holds no file that ends in ${endings.join(', ')}`);
    files.push(...found);
  }
  let items = 0;
  for (const file of files) {
    for await (const item of readFile(file, options.stdin)) {
      items += 1;
      if (items % 10_000 === 0) options.onProgress?.(items);
      yield item;
    }
  }
}

async function filesOf(path: string, depth: number): Promise<string[]> {
  const info = await stat(path).catch((error: unknown) => {
    throw new InputError(`Cannot read '${path}': ${messageOf(error)}`);
  });
  if (!info.isDirectory()) return [path];
  if (depth >= depthMost) return [];
  const found: string[] = [];
  for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) found.push(...(await filesOf(inside, depth + 1)));
    else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) found.push(inside);
  }
  return found;
}

async function* readFile(file: string, stdin: Readable): AsyncGenerator<InputItem> {
  const name = file === '-' ? 'standard input' : file;
  const raw = file === '-' ? stdin : createReadStream(file, { highWaterMark: 1 << 18 });
  const peeked = await peek(raw).catch((error: unknown): Peeked => ({ ok: false, reason: messageOf(error) }));
  if (!peeked.ok) return yield { type: 'skipped', where: name, reason: `Cannot read ${name}: ${peeked.reason}` };
  let items = 0;
  let odd = 0;
  let broken = false;
  const documents = peeked.form === 'json' ? documentsOf(peeked.chunks) : yamlOf(peeked.chunks);
  try {
    for await (const document of documents) {
      if (document.type === 'broken') {
        broken = true;
        yield { type: 'skipped', where: name, reason: `Cannot read ${name}: ${document.reason}` };
        continue;
      }
      items += 1;
      const item = toItem(document, `${name} item ${items}`);
      if (item === null) continue;
      // A file of something else (error texts beside a bundle's lists) is said once, not once an element.
      if (item.type === 'skipped' && !isJson(document.value)) odd += 1;
      else yield item;
    }
  } catch (error) {
    broken = true;
    yield { type: 'skipped', where: name, reason: `Cannot read ${name}: ${messageOf(error)}` };
  }
  if (odd > 0)
    yield {
      type: 'skipped',
      where: name,
      reason: `Cannot read ${name}: ${odd === 1 ? '1 item is no Kubernetes object' : `${odd} items are no Kubernetes objects`}`,
    };
  else if (items === 0 && !broken && peeked.form === 'yaml')
    yield { type: 'skipped', where: name, reason: `Cannot read ${name}: it holds no Kubernetes object` };
}

type Peeked =
  | { readonly ok: true; readonly form: 'json' | 'yaml'; readonly chunks: AsyncIterable<string> }
  | { readonly ok: false; readonly reason: string };

/** The form is told by the first bytes, not by the file's name. */
async function peek(raw: Readable): Promise<Peeked> {
  const source: AsyncIterator<unknown> = (await textOf(raw))[Symbol.asyncIterator]();
  let head = '';
  while (head.trim() === '') {
    const next = await source.next();
    if (next.done) return { ok: false, reason: 'it is empty' };
    head += String(next.value).replace(/^\uFEFF/, '');
  }
  if (head.startsWith('PK\u0003\u0004') || head.slice(257, 262) === 'ustar')
    return { ok: false, reason: 'it is an archive, wanted the folder that it unpacks to' };
  if (head.includes('\u0000')) return { ok: false, reason: 'it is no text' };
  const chunks = (async function* () {
    yield head;
    for (let next = await source.next(); !next.done; next = await source.next()) yield String(next.value);
  })();
  return { ok: true, form: /^\s*[[{]/.test(head) ? 'json' : 'yaml', chunks };
}

/** Unpacked where it is gzip, whatever it is called. */
export async function textOf(raw: Readable): Promise<Readable> {
  const source: AsyncIterator<unknown> = raw[Symbol.asyncIterator]();
  const first = await source.next();
  const head = first.done ? Buffer.alloc(0) : bytesOf(first.value);
  const bytes = Readable.from(
    (async function* () {
      if (head.length > 0) yield head;
      for (let next = await source.next(); !next.done; next = await source.next()) yield bytesOf(next.value);
    })(),
    { objectMode: false },
  );
  if (head[0] !== 0x1f || head[1] !== 0x8b) return bytes.setEncoding('utf8');
  const unpacked = createGunzip();
  bytes.on('error', (error: Error) => unpacked.destroy(error)).pipe(unpacked);
  return unpacked.setEncoding('utf8');
}

function bytesOf(chunk: unknown): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
}

async function* yamlOf(chunks: AsyncIterable<string>): AsyncGenerator<Document> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length > yamlMost) {
      yield { type: 'broken', reason: `YAML is longer than ${yamlMost} characters; give a larger one as JSON` };
      return;
    }
  }
  // One document at a time keeps memory low, and one bad document from spoiling the others.
  let at = 0;
  for (const part of text.split(/^---[ \t]*\r?$/m)) {
    at += 1;
    if (part.trim() === '') continue;
    const seen = parseTimestamp(/"time":"([^"]+)"/.exec(/^\s*#.*$/m.exec(part)?.[0] ?? '')?.[1]);
    for (const document of parseAllDocuments(part, { logLevel: 'silent' })) {
      const fault = 'errors' in document ? document.errors[0] : undefined;
      if (fault) yield { type: 'broken', reason: `YAML document ${at}: ${fault.message.split('\n')[0]}` };
      else if ('toJS' in document) yield* valuesOf(document.toJS(), seen);
    }
  }
}

function* valuesOf(value: unknown, seen: Micros | null): Generator<Document> {
  const items = field(value, 'items');
  if (Array.isArray(items)) for (const one of items) yield { type: 'value', value: one, list: textField(value, 'kind') };
  else if (Array.isArray(value)) for (const one of value) yield { type: 'value', value: one, list: '' };
  else if (value !== null && value !== undefined)
    yield { type: 'value', value: seen === null ? value : { type: 'ADDED', object: value, receivedAtMicros: seen }, list: '' };
}

const notificationTypes = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'];

function toItem(document: Document & { type: 'value' }, where: string): InputItem | null {
  const { value } = document;
  const type = textField(value, 'type');
  const notified = notificationTypes.includes(type) && isJson(field(value, 'object'));
  const raw = notified ? field(value, 'object') : value;
  if (type === 'BOOKMARK') return null;
  if (notified && type === 'ERROR')
    return { type: 'skipped', where, reason: `The watch ended with an error: ${textField(raw, 'message') || 'no message'}` };
  const micros = field(value, 'receivedAtMicros');
  const receivedAt = notified ? (typeof micros === 'number' ? micros : parseTimestamp(field(value, 'receivedAt'))) : null;
  const object =
    document.list.endsWith('List') && document.list !== 'List' && isJson(raw) && textField(raw, 'kind') === ''
      ? { ...raw, kind: document.list.slice(0, -4) }
      : raw;
  if (isEventLike(object)) {
    if (type === 'DELETED' && notified) return { type: 'expired' };
    const event = parseEvent(object);
    return event.ok
      ? { type: 'event', observation: event.value, receivedAt, raw: object }
      : { type: 'skipped', where, reason: `${event.reason} (${where})` };
  }
  const parsed = parseObject(object);
  if (!parsed.ok) return { type: 'skipped', where, reason: `${parsed.reason} (${where})` };
  return { type: 'object', version: { object: parsed.value, seenAt: receivedAt, gone: type === 'DELETED' }, raw: object };
}
