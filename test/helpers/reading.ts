/** What is read out of a file of some content, an item in a line. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { type InputItem, readInputs } from '../../shared/cli/input/read-input.ts';

export async function collect(paths: readonly string[], stdin: Readable = Readable.from([]), now?: number): Promise<InputItem[]> {
  const items: InputItem[] = [];
  for await (const batch of readInputs(paths, { stdin, now })) items.push(...batch);
  return items;
}

/** A file with its content in a folder of its own, which the callback's end removes. */
export async function withFile<T>(
  name: string,
  content: string | Buffer,
  use: (path: string) => Promise<T>,
  modifiedAt?: Date,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'knspan-input-'));
  try {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    if (modifiedAt) await utimes(path, modifiedAt, modifiedAt);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export function read(content: string | Buffer, name = 'file.json'): Promise<string[]> {
  return withFile(name, content, async (path) => (await collect([path])).map((item) => said(item).replaceAll(path, 'FILE')));
}

export function said(item: InputItem): string {
  if (item.type === 'event') return `event ${item.observation.message}${item.receivedAt === null ? '' : ` @${item.receivedAt}`}`;
  if (item.type === 'skipped') return `${item.looksLikeEvents ? 'lost' : 'skipped'}: ${item.reason}`;
  if (item.type === 'text') return item.looksLikeEvents ? 'lost text' : 'text';
  if (item.type === 'write')
    return `write ${item.write.edit.operation} ${item.write.kind}/${item.write.name} by ${item.write.edit.manager}`;
  if (item.type === 'expired' || item.type === 'foreign') return item.type;
  const { object, seenAt, gone } = item.version;
  return `object ${object.kind}/${object.name}${seenAt === null ? '' : ` @${seenAt}`}${gone ? ' gone' : ''}`;
}

/** Without what is between and around the documents. */
export function withoutText(items: readonly string[]): string[] {
  return items.filter((item) => item !== 'text');
}
