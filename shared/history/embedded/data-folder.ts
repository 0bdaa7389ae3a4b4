/**
 * The folder of an embedded PostgreSQL: its data, its log and the folder of its socket, all for one user alone. PostgreSQL refuses to run
 * as root, so where knspan does, an unprivileged user owns the folder and runs the server.
 */

import { createHash } from 'node:crypto';
import { chmodSync, chownSync, closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../../process/log.ts';
import type { Environment } from '../../process/settings.ts';
import { DatabaseError } from '../database.ts';

export interface DataFolder {
  readonly path: string;
  /** PGDATA. */
  readonly data: string;
  readonly log: string;
  readonly socket: string;
  /** As whom the server runs; null: as this process. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

/** Of `nobody` on Linux and of most else. */
const unprivileged = 65_534;
/** `sun_path` has 104 bytes on macOS and 108 on Linux, of which the name of the socket takes 14. */
const socketPathMax = 90;
const own = ['postgresql', 'postgresql.log', 'run', 'pending'];

/** The user's folder for state (XDG), that of the system for root. */
export function defaultDataFolder(environment: Environment): string {
  const state = environment['XDG_STATE_HOME'] ?? '';
  if (state.startsWith('/')) return join(state, 'knspan');
  return process.getuid?.() === 0 ? '/var/lib/knspan' : join(homedir(), '.local/state/knspan');
}

export function holdsHistory(folder: string): boolean {
  return existsSync(join(folder, 'postgresql', 'PG_VERSION'));
}

export function openDataFolder(folder: string): DataFolder {
  const path = resolve(folder);
  const fail = (state: string) => new DatabaseError(`Cannot use data folder '${path}': ${state}`, '');
  if (process.platform === 'win32') throw fail('the embedded PostgreSQL needs Linux or macOS, wanted DATABASE_URL');
  try {
    // The folders above it must stay open to the user who runs the server.
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
    const entries = readdirSync(path);
    if (entries.length > 0 && !entries.some((name) => own.includes(name) || name.startsWith('.knspan-new-')))
      throw fail('it holds files of others, wanted an empty folder or a new one');
    const user = process.getuid?.() === 0 ? ownerOf(path) : null;
    const socket = join(path, 'run').length <= socketPathMax ? join(path, 'run') : shortSocketFolder(path, user?.uid);
    mkdirSync(socket, { recursive: true, mode: 0o700 });
    const log = join(path, 'postgresql.log');
    closeSync(openSync(log, 'a', 0o600));
    if (user) for (const one of [path, socket, log]) chownSync(one, user.uid, user.gid);
    return { path, data: join(path, 'postgresql'), log, socket, user };
  } catch (error) {
    throw error instanceof DatabaseError ? error : fail(`${messageOf(error)}, wanted a folder that can be written`);
  }
}

/** Who owns it already, else nobody. */
function ownerOf(path: string): { uid: number; gid: number } {
  const { uid, gid } = statSync(path);
  return uid === 0 ? { uid: unprivileged, gid: unprivileged } : { uid, gid };
}

/** In the folder for temporary files, where anyone may make one of this name first: it must be ours. */
function shortSocketFolder(path: string, uid = process.getuid?.()): string {
  const folder = join(tmpdir(), `knspan-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || (found.uid !== uid && found.uid !== process.getuid?.()))
    throw new DatabaseError(`Cannot use '${folder}' for the socket of PostgreSQL: another user owns it, wanted a shorter data folder`, '');
  chmodSync(folder, 0o700);
  return folder;
}
