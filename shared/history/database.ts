/**
 * A PostgreSQL as knspan sees it: statements in, rows out, over a pool of connections. Times come as text with microseconds, large
 * integers as text; `row.ts` parses them. Statements are never named, so that a pooler in transaction mode may stand in between.
 */
import pg from 'pg';
import { messageOf } from '../process/log.ts';
import type { RowParser } from './row.ts';
import { type Sql, type Statement, toStatement } from './sql.ts';

/** What a call rejects with when PostgreSQL is away or refuses: one sentence without the values of the statement. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  /** SQLSTATE; empty when no answer came. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export interface DatabaseOptions {
  /** How to reach it: `{ connectionString }` or `{ host, user, database }`. */
  readonly connection: pg.PoolConfig;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  readonly connectionsMax: number;
  /** Of one statement, ms. */
  readonly timeoutMs: number;
}

export interface QueryOptions {
  /** In place of the pool's. */
  readonly timeoutMs?: number;
}

const connectTimeoutMs = 5_000;
/** Beyond the statement's own time-out: an answer that never comes. */
const answerGraceMs = 5_000;
const microsecondTypes = [1082, 1083, 1114, 1184, 1186, 1266] as const;

/** Dates as text, also in arrays: a `Date` has no microseconds. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    microsecondTypes.some((type) => type === oid) ? (value: string) => value : pg.types.getTypeParser(oid, format),
};

export class Database {
  readonly #pool: pg.Pool;
  readonly #options: DatabaseOptions;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#pool = new pg.Pool({
      ...options.connection,
      application_name: options.name,
      max: options.connectionsMax,
      statement_timeout: options.timeoutMs,
      query_timeout: options.timeoutMs + answerGraceMs,
      connectionTimeoutMillis: connectTimeoutMs,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      allowExitOnIdle: true,
      types,
    });
    // Of an idle connection: the next call finds out by itself.
    this.#pool.on('error', () => {});
  }

  get connection(): pg.PoolConfig {
    return this.#options.connection;
  }

  async rows<R>(parse: RowParser<R>, query: Sql, options: QueryOptions = {}): Promise<R[]> {
    return (await this.query(query, options)).map(parse);
  }

  async query(query: Sql, { timeoutMs }: QueryOptions = {}): Promise<readonly unknown[]> {
    if (timeoutMs === undefined) return run(this.#pool, toStatement(query));
    return this.transaction(async (transaction) => transaction.query(query), timeoutMs);
  }

  /** All statements of `work` or none. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, timeoutMs?: number): Promise<T> {
    return this.connected(async (client) => {
      const limit = timeoutMs === undefined ? '' : `; set local statement_timeout = ${Math.ceil(timeoutMs)}`;
      await run(client, { text: `begin${limit}`, values: [] });
      try {
        const result = await work(new Transaction(client, timeoutMs ?? this.#options.timeoutMs));
        await run(client, { text: 'commit', values: [] });
        return result;
      } catch (error) {
        // The first error is the one that tells; a connection that cannot even do this is thrown away.
        await run(client, { text: 'rollback', values: [] }).catch(() => client.release(true));
        throw error;
      }
    });
  }

  /** A connection of the pool for one piece of work. */
  async connected<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw databaseError(error);
    });
    let released = false;
    const release = client.release.bind(client);
    client.release = (destroy) => {
      if (!released) release(destroy);
      released = true;
    };
    // A connection that breaks in between rejects the statement that runs.
    const ignore = () => {};
    client.on('error', ignore);
    try {
      return await work(client);
    } finally {
      client.off('error', ignore);
      client.release();
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

export class Transaction {
  readonly #client: pg.PoolClient;
  readonly #timeoutMs: number;

  constructor(client: pg.PoolClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  query(query: Sql): Promise<readonly unknown[]> {
    return run(this.#client, toStatement(query), this.#timeoutMs);
  }

  async rows<R>(parse: RowParser<R>, query: Sql): Promise<R[]> {
    return (await this.query(query)).map(parse);
  }

  /** Several statements without parameters, such as a migration. */
  async script(text: string): Promise<void> {
    await run(this.#client, { text, values: [] }, this.#timeoutMs);
  }
}

/** `timeoutMs`: of the statement, in place of the pool's. */
async function run(on: pg.Pool | pg.PoolClient, { text, values }: Statement, timeoutMs?: number): Promise<readonly unknown[]> {
  const config = { text, values: [...values], ...(timeoutMs === undefined ? {} : { query_timeout: timeoutMs + answerGraceMs }) };
  try {
    const result: pg.QueryResult | readonly pg.QueryResult[] = await on.query(config);
    // Several statements have several results.
    return 'rows' in result ? result.rows : [];
  } catch (error) {
    throw databaseError(error);
  }
}

/** Whether a statement was cut off by its time-out. */
export function isTooMuch(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '57014';
}

export function databaseError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  if (error instanceof pg.DatabaseError) return new DatabaseError(`PostgreSQL says: ${error.message}`, error.code ?? '');
  return new DatabaseError(`PostgreSQL does not answer: ${messageOf(error)}`, '');
}
