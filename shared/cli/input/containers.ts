/** What a file is by its first bytes: packed, an archive, or text to read; containers are opened, also within each other. */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { fromBufferPromise, openPromise, type ZipFile } from 'yauzl';
import { messageOf } from '../../process/log.ts';
import type { ExpansionGuard } from './expansion-guard.ts';
import { mayHoldEvents } from './file-names.ts';

export interface Source {
  /** A path; of an entry of an archive both: `bundle.tar.gz/cluster-resources/events/shop.json`. */
  readonly name: string;
  readonly modifiedAt: number;
  /** Unpacked. */
  readonly bytes: AsyncIterable<Buffer>;
}

export type Opened =
  | ({ readonly ok: true } & Source)
  /** `reason` goes on from `Cannot read NAME: `. */
  | { readonly ok: false; readonly name: string; readonly reason: string };

interface Packed {
  readonly name: string;
  /** Microseconds since the epoch. */
  readonly modifiedAt: number;
  readonly bytes: AsyncIterable<unknown>;
  /** Of a file that may be read in any order. */
  readonly path: string | null;
}

const chunkSize = 1 << 18;
const layersMax = 4;
const entriesMax = 200_000;
/** A zip that is no file, but standard input or within an archive, is held whole. */
const heldZipMax = 512 * 1_024 * 1_024;
/** The name of tar stands at 257. */
const headLength = 262;

const unknownPackers: readonly (readonly [magic: string, name: string])[] = [
  ['28b52ffd', 'zstd'],
  ['fd377a585a00', 'xz'],
  ['425a68', 'bzip2'],
  ['377abcaf271c', '7z'],
  ['526172211a07', 'rar'],
];

export async function* openContainer(packed: Packed, guard: ExpansionGuard, layer = 0): AsyncGenerator<Opened> {
  const { name, modifiedAt } = packed;
  const source = (layer === 0 ? guard.packed(packed.bytes) : guard.unpacked(packed.bytes))[Symbol.asyncIterator]();
  const head = await headOf(source);
  const bytes = chained(head, source);
  const form = formOf(head);
  if (form === 'empty') yield { ok: false, name, reason: 'it is empty' };
  else if (form === 'text') yield { ok: true, name, modifiedAt, bytes };
  else if (layer >= layersMax) yield { ok: false, name, reason: `it is packed more than ${layersMax} times` };
  else if (form === 'gzip') yield* openContainer({ name, modifiedAt, bytes: gunzipped(bytes), path: null }, guard, layer + 1);
  else if (form === 'tar') yield* tarEntries(packed, bytes, guard, layer);
  else if (form === 'zip') yield* zipEntries(packed, bytes, guard, layer);
  else yield { ok: false, name, reason: `it is packed with ${form}, wanted gzip, tar, zip or plain text` };
}

async function headOf(source: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < headLength) {
    const next = await source.next();
    if (next.done) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

async function* chained(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

function formOf(head: Buffer): string {
  if (head.length === 0) return 'empty';
  const magic = head.toString('hex', 0, 8);
  if (magic.startsWith('1f8b')) return 'gzip';
  if (magic.startsWith('504b0304') || magic.startsWith('504b0506')) return 'zip';
  if (head.toString('latin1', 257, 262) === 'ustar') return 'tar';
  return unknownPackers.find(([start]) => magic.startsWith(start))?.[1] ?? 'text';
}

function gunzipped(bytes: AsyncIterable<Buffer>): Readable {
  const unpacked = createGunzip({ chunkSize });
  const packed = Readable.from(bytes);
  packed.on('error', (error) => unpacked.destroy(error)).pipe(unpacked);
  return unpacked;
}

async function* tarEntries({ name }: Packed, bytes: AsyncIterable<Buffer>, guard: ExpansionGuard, layer: number): AsyncGenerator<Opened> {
  const entries = extract();
  const packed = Readable.from(bytes);
  packed.on('error', (error) => entries.destroy(error)).pipe(entries);
  let count = 0;
  try {
    for await (const entry of entries) {
      count += 1;
      if (count > entriesMax) throw new Error(`it holds more than ${entriesMax} files`);
      const { type, name: entryName, mtime } = entry.header;
      if (type === 'file' && mayHoldEvents(entryName)) {
        const modifiedAt = (mtime?.getTime() ?? 0) * 1_000;
        yield* openContainer({ name: `${name}/${entryName}`, modifiedAt, bytes: entry, path: null }, guard, layer + 1);
      }
      // Whatever was left unread of it.
      entry.resume();
    }
  } catch (error) {
    yield { ok: false, name, reason: messageOf(error) };
  } finally {
    packed.destroy();
    entries.destroy();
  }
}

async function* zipEntries(packed: Packed, bytes: AsyncIterable<Buffer>, guard: ExpansionGuard, layer: number): AsyncGenerator<Opened> {
  const { name, path } = packed;
  let zip: ZipFile | null = null;
  try {
    zip = path === null ? await fromBufferPromise(await held(bytes)) : await openPromise(path, { autoClose: false });
    if (path !== null) guard.addPacked(zip.fileSize);
    let count = 0;
    for await (const entry of zip.eachEntry()) {
      count += 1;
      if (count > entriesMax) throw new Error(`it holds more than ${entriesMax} files`);
      const { fileName } = entry;
      if (fileName.endsWith('/') || !mayHoldEvents(fileName)) continue;
      const inside = `${name}/${fileName}`;
      if (entry.isEncrypted()) yield { ok: false, name: inside, reason: 'it is encrypted' };
      else {
        const stream = await zip.openReadStreamPromise(entry);
        yield* openContainer(
          { name: inside, modifiedAt: entry.getLastModDate().getTime() * 1_000, bytes: stream, path: null },
          guard,
          layer + 1,
        );
        stream.destroy();
      }
    }
  } catch (error) {
    yield { ok: false, name, reason: messageOf(error) };
  } finally {
    zip?.close();
  }
}

async function held(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > heldZipMax) throw new Error(`a zip that is not a file may have ${heldZipMax / 1_024 / 1_024} MiB at most`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
