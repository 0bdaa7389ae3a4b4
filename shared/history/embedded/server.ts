/**
 * PostgreSQL as a child process, reachable by a Unix socket in its data folder alone. The server belongs to the folder, not to the process
 * that has started it: one that a SIGKILL of knspan left running is used again, several processes share it, and the last one to close it
 * stops it. What arbitrates is PostgreSQL itself: its postmaster.pid against a second server, an advisory lock against a second holder.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Log, messageOf } from '../../process/log.ts';
import { DatabaseError } from '../database.ts';
import type { Binaries } from './binaries.ts';
import type { DataFolder } from './data-folder.ts';

export interface EmbeddedOptions {
  readonly folder: DataFolder;
  readonly binaries: Binaries;
  /** False: fsync off, for data that may be lost with the machine. */
  readonly durable: boolean;
  /** Who uses it, shown to others: `knspan serve`. */
  readonly name: string;
  readonly log: Log;
}

const startTimeoutMs = 60_000;
const superviseMs = 200;
const logBytesMax = 1_000_000;
const superuser = 'knspan';

/** A laptop's share of it: 59 MiB in all after 200,000 rows. */
const parameters = [
  'listen_addresses=',
  'unix_socket_permissions=0700',
  'max_connections=50',
  'shared_buffers=32MB',
  'max_wal_size=256MB',
  'min_wal_size=32MB',
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_parallel_workers_per_gather=0',
  'temp_file_limit=1GB',
  'jit=off',
  'log_checkpoints=off',
  'log_min_error_statement=panic',
  'log_timezone=UTC',
  'timezone=UTC',
];
const volatileParameters = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

export class EmbeddedPostgres {
  readonly #options: EmbeddedOptions;
  #child: ChildProcess | undefined;
  #supervision: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;

  private constructor(options: EmbeddedOptions) {
    this.#options = options;
  }

  /** Running and answering when it resolves. */
  static async open(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const server = new EmbeddedPostgres(options);
    await server.#ensure();
    server.#supervision = setInterval(() => server.#supervise(), superviseMs);
    server.#supervision.unref();
    return server;
  }

  get connection(): pg.PoolConfig {
    return { host: this.#options.folder.socket, port: 5432, user: superuser, database: 'postgres' };
  }

  /** Of the server; null when none runs. */
  get pid(): number | null {
    const file = join(this.#options.folder.data, 'postmaster.pid');
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
    return Number.isSafeInteger(pid) && pid > 1 && isAlive(pid) ? pid : null;
  }

  /** Stops the server, unless other processes use it. Rejects when it has not ended within that time. */
  async close(graceMs: number): Promise<void> {
    clearInterval(this.#supervision);
    await this.#starting?.catch(() => {});
    const pid = this.pid;
    if (pid === null || (await this.#isShared())) return;
    process.kill(pid, 'SIGINT');
    const file = join(this.#options.folder.data, 'postmaster.pid');
    for (const end = Date.now() + graceMs; existsSync(file) && isAlive(pid); await sleep(10))
      if (Date.now() > end) throw new DatabaseError(`Cannot stop PostgreSQL (process ${pid}): it still runs after ${graceMs} ms`, '');
  }

  async #isShared(): Promise<boolean> {
    const client = new pg.Client({ ...this.connection, application_name: this.#options.name });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query(
        "select 1 from pg_stat_activity where backend_type = 'client backend' and application_name <> $1 limit 1",
        [this.#options.name],
      );
      return rows.length > 0;
    } catch {
      // It is on its way down.
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }

  #supervise(): void {
    if (this.#starting !== undefined || this.pid !== null) return;
    const { log, folder } = this.#options;
    log.sampled('postgresql', 6)?.error('PostgreSQL has ended: starting it again', { folder: folder.path });
    this.#starting = this.#ensure()
      .catch((error: unknown) => log.sampled('start', 6)?.error('could not start PostgreSQL', { reason: messageOf(error) }))
      .finally(() => {
        this.#starting = undefined;
      });
  }

  async #ensure(): Promise<void> {
    const { folder, binaries } = this.#options;
    for (const end = Date.now() + startTimeoutMs; ; await sleep(10)) {
      const state = await stateOf(this.connection);
      if (state === 'ready') return;
      if (Date.now() > end) throw new DatabaseError(`Cannot start PostgreSQL in '${folder.path}': ${this.#lastWords() || 'no answer'}`, '');
      if (state === 'busy' || this.#child) continue;
      if (!existsSync(folder.data)) await initialize(folder, binaries);
      const pid = this.pid;
      // After a restart of the machine another program may have the number: PostgreSQL would wait for that one to end.
      if (pid !== null && !(await isPostgres(pid))) rmSync(join(folder.data, 'postmaster.pid'), { force: true });
      this.#spawn();
    }
  }

  #spawn(): void {
    const { folder, binaries, durable } = this.#options;
    if (statSync(folder.log).size > logBytesMax) rmSync(folder.log);
    const log = openSync(folder.log, 'a', 0o600);
    const given = [...parameters, `unix_socket_directories=${folder.socket}`, ...(durable ? [] : volatileParameters)];
    const child = spawn(binaries.postgres, ['-D', folder.data, ...given.flatMap((one) => ['-c', one])], {
      ...spawnOptions(folder),
      // Not in our group: Ctrl-C is for knspan, which still has to write.
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    const ended = () => {
      if (this.#child === child) this.#child = undefined;
    };
    child.once('exit', ended).once('error', ended).unref();
  }

  #lastWords(): string {
    const { log } = this.#options.folder;
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-2) : [];
    return lines.join(' ');
  }
}

function spawnOptions({ path, user }: DataFolder) {
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
  return { cwd: path, env, ...(user ?? {}) };
}

/** Made beside its place and moved there, so that one that was cut short is no data folder. */
async function initialize(folder: DataFolder, { initdb }: Binaries): Promise<void> {
  const fresh = mkdtempSync(join(folder.path, '.knspan-new-'));
  if (folder.user) chownSync(fresh, folder.user.uid, folder.user.gid);
  try {
    const what = ['-D', fresh, '-U', superuser, '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'];
    await promisify(execFile)(initdb, what, spawnOptions(folder));
    renameSync(fresh, folder.data);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process was faster.
    if (existsSync(folder.data)) return;
    const user = folder.user ? ` as user ${folder.user.uid} (it refuses to run as root)` : '';
    throw new DatabaseError(`Cannot set up PostgreSQL in '${folder.path}'${user}: ${lastLine(error)}`, '');
  }
}

/** Of what the program has written. */
function lastLine(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : '';
  return said || messageOf(error);
}

async function stateOf(connection: pg.PoolConfig): Promise<'ready' | 'busy' | 'down'> {
  const client = new pg.Client({ ...connection, application_name: 'knspan probe', connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return 'ready';
  } catch (error) {
    // 57P03: it starts or stops.
    if (error instanceof pg.DatabaseError) return error.code === '57P03' ? 'busy' : Promise.reject(error);
    return 'down';
  } finally {
    await client.end().catch(() => {});
  }
}

/** One that has ended counts as such even before its parent has asked, which an `init` of a container may never do. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = `/proc/${pid}/stat`;
    return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'latin1'));
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function isPostgres(pid: number): Promise<boolean> {
  const comm = `/proc/${pid}/comm`;
  if (existsSync(comm)) return readFileSync(comm, 'utf8').startsWith('postgres');
  const { stdout } = await promisify(execFile)('ps', ['-o', 'comm=', '-p', String(pid)]).catch(() => ({ stdout: 'postgres' }));
  return stdout.includes('postgres');
}
