/**
 * Real PostgreSQL for tests: the embedded one in a folder of its own, gone after; or, with KNSPAN_TEST_DATABASE_URL, any other server, in
 * databases of random names that are dropped after.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Database } from '../../shared/history/database.ts';
import { findBinaries } from '../../shared/history/embedded/binaries.ts';
import { openDataFolder } from '../../shared/history/embedded/data-folder.ts';
import { EmbeddedPostgres } from '../../shared/history/embedded/server.ts';
import { temporaryFolder } from '../../shared/history/embedded/temporary.ts';
import { migrate } from '../../shared/history/migrate.ts';
import { Log } from '../../shared/process/log.ts';

export interface TestPostgres {
  /** A fresh database with the schema; `blank`: without. */
  database(blank?: 'blank'): Promise<Database>;
  /** Its address, as DATABASE_URL. */
  urlOf(database: Database): string;
  /** SIGKILL of the server that the test has started; it is started again as in production. Null for another server. */
  readonly kill: (() => void) | null;
  stop(): Promise<void>;
}

const graceMs = 10_000;

/** `durable`: what is committed outlives a SIGKILL of the server. */
export async function startPostgres({ durable = false } = {}): Promise<TestPostgres> {
  const given = process.env['KNSPAN_TEST_DATABASE_URL'];
  return given === undefined ? startEmbedded(durable) : databasesOf({ connectionString: given }, null, async () => {});
}

async function startEmbedded(durable: boolean): Promise<TestPostgres> {
  const binaries = findBinaries();
  if (binaries === null) throw new Error('Cannot start PostgreSQL for the tests: wanted the optional dependencies of npm ci');
  const temporary = temporaryFolder();
  const log = new Log({ function: 'test', level: 'off' });
  const server = await EmbeddedPostgres.open({
    folder: openDataFolder(temporary.path),
    binaries,
    durable,
    name: `test (process ${process.pid})`,
    log,
  });
  const kill = () => {
    if (server.pid !== null) process.kill(server.pid, 'SIGKILL');
  };
  return databasesOf(server.connection, kill, async () => {
    await server.close(graceMs);
    temporary.remove();
  });
}

function databasesOf(connection: pg.PoolConfig, kill: (() => void) | null, stop: () => Promise<void>): TestPostgres {
  const opened = new Map<Database, string>();
  return {
    kill,
    database: async (blank) => {
      const name = `knspan_test_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
      await administer(connection, `create database ${name}`);
      const target = toDatabase(connection, name);
      const database = new Database({ connection: target, name: `test (process ${process.pid})`, connectionsMax: 8, timeoutMs: 30_000 });
      opened.set(database, name);
      if (blank === undefined) await migrate(database);
      return database;
    },
    urlOf: (database) => {
      const { connectionString, host, port, user } = database.connection;
      const name = opened.get(database) ?? '';
      return connectionString ?? `postgres://${user}@${encodeURIComponent(host ?? '')}:${port}/${name}`;
    },
    stop: async () => {
      for (const [database, name] of opened) {
        await database.close();
        await administer(connection, `drop database if exists ${name} with (force)`);
      }
      await stop();
    },
  };
}

function toDatabase({ connectionString, ...connection }: pg.PoolConfig, database: string): pg.PoolConfig {
  if (connectionString === undefined) return { ...connection, database };
  const url = new URL(connectionString);
  url.pathname = `/${database}`;
  return { connectionString: url.href };
}

/** Again when another test file clones the same template at this moment, or the server starts again. */
async function administer(connection: pg.PoolConfig, statement: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const client = new pg.Client(connection);
    try {
      await client.connect();
      await client.query(statement);
      return;
    } catch (error) {
      if (attempt >= 50) throw error;
      await sleep(100);
    } finally {
      await client.end().catch(() => {});
    }
  }
}
