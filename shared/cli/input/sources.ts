/**
 * Paths -> streams of bytes: files, the files of folders that may hold Events, standard input; unpacked, and out of archives, which are
 * read as they are. Nothing is written to the disk, so names in archives are only shown.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { messageOf } from '../../process/log.ts';
import { type Opened, openContainer } from './containers.ts';
import { ExpansionGuard } from './expansion-guard.ts';
import { mayHoldEvents } from './file-names.ts';
import { InputError } from './input-error.ts';

const depthMax = 12;
const chunkSize = 1 << 18;

/** In the order of the paths, each folder in the order of its names. A source is to be read before the next one is asked for. */
export async function* sourcesOf(paths: readonly string[], stdin: Readable): AsyncGenerator<Opened> {
  const files: string[] = [];
  for (const path of paths) {
    const found = path === '-' ? ['-'] : await filesOf(path, 0);
    if (found.length === 0)
      throw new InputError(`Cannot read '${path}': no file in it is named like a dump (.json, .yaml, .zip, events.txt, ...)`);
    for (const file of found) files.push(file);
  }
  for (const file of files) yield* open(file, stdin);
}

async function* open(file: string, stdin: Readable): AsyncGenerator<Opened> {
  const name = file === '-' ? 'standard input' : file;
  try {
    const modifiedAt = file === '-' ? Date.now() : (await stat(file)).mtimeMs;
    const raw: Readable = file === '-' ? stdin : createReadStream(file, { highWaterMark: chunkSize });
    yield* openContainer({ name, modifiedAt: modifiedAt * 1_000, bytes: raw, path: file === '-' ? null : file }, new ExpansionGuard());
  } catch (error) {
    yield { ok: false, name, reason: messageOf(error) };
  }
}

async function filesOf(path: string, depth: number): Promise<string[]> {
  const info = await stat(path).catch((error: unknown) => {
    throw new InputError(`Cannot read '${path}': ${messageOf(error)}`);
  });
  if (!info.isDirectory()) return [path];
  if (depth >= depthMax) return [];
  const found: string[] = [];
  for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) for (const file of await filesOf(inside, depth + 1)) found.push(file);
    // A link to a folder may lead back.
    else if (mayHoldEvents(entry.name) && (entry.isFile() || (entry.isSymbolicLink() && (await isFile(inside))))) found.push(inside);
  }
  return found;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}
