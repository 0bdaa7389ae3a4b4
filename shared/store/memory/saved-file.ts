/**
 * The content of a memory store in a file, from a clean stop to the next start. Whoever loads it takes it: after a sudden end there is
 * none, since what it would hold is older than what was sent meanwhile.
 */
import { hash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { type Log, messageOf } from '../../process/log.ts';
import type { MemoryStore, SavedStore } from './store.ts';

/** Of its form. */
const version = 1;
const digestBytes = 64;

/** The digest and the version before it are what makes it one of ours. */
export function saveStore(store: MemoryStore, file: string): void {
  const body = serialize({ version, saved: store.save() });
  const fresh = `${file}.new`;
  writeFileSync(fresh, Buffer.concat([Buffer.from(hash('sha256', body, 'hex')), body]), { mode: 0o600, flush: true });
  renameSync(fresh, file);
}

/** A file that cannot be used is set aside. */
export function loadStore(store: MemoryStore, file: string, log: Log): void {
  const saved = readSaved(file, log);
  if (saved) store.load(saved);
  rmSync(file, { force: true });
}

function readSaved(file: string, log: Log): SavedStore | null {
  const setAside = (reason: string) => {
    log.warn('cannot use the pending state of the last run: set aside', { file: `${file}.unreadable`, reason });
    renameSync(file, `${file}.unreadable`);
    return null;
  };
  try {
    const bytes = readFileSync(file);
    const body = bytes.subarray(digestBytes);
    if (bytes.toString('latin1', 0, digestBytes) !== hash('sha256', body, 'hex')) return setAside('its digest does not match');
    const content: { readonly version: number; readonly saved: SavedStore } = deserialize(body);
    return content.version === version ? content.saved : setAside(`it has form ${content.version}, wanted ${version}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    return setAside(messageOf(error));
  }
}
