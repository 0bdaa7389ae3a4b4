/**
 * SQL of a person on the views of schema `knspan`: one query at a time, as a role that may read those views and nothing else, on a
 * connection of its own that is gone afterwards. What the role may not do, PostgreSQL refuses; what takes too much is cut off.
 */
import { createHmac } from 'node:crypto';
import { Socket } from 'node:net';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { Semaphore } from '../../process/semaphore.ts';
import { type Database, DatabaseError, databaseError } from '../database.ts';
import { migrationLock } from '../locks.ts';
import { sql } from '../sql.ts';

export interface ReaderLimits {
  readonly rows: number;
  readonly timeoutMs: number;
  /** Of all that the server sends. */
  readonly bytes: number;
}

/** As PostgreSQL writes it, trace ids as tracing backends do; null: SQL's null. */
export type Cell = string | null;

export interface ReaderColumn {
  readonly name: string;
  readonly type: 'number' | 'time' | 'flag' | 'json' | 'text';
}

export interface ReaderRows {
  readonly kind: 'rows';
  readonly columns: readonly ReaderColumn[];
  readonly rows: readonly (readonly Cell[])[];
  /** There are more rows than the limit. */
  readonly truncated: boolean;
  readonly tookMs: number;
}

/** A sentence for whoever wrote the query. */
export interface ReaderRefusal {
  readonly kind: 'refused';
  readonly reason: string;
}

export const readerLimits: ReaderLimits = { rows: 10_000, timeoutMs: 10_000, bytes: 64 * 1024 * 1024 };

const role = 'knspan_reader';
const schema = 'knspan';
const tempFileMegabytes = 256;
const batchRows = 500;
/** Beyond the statement's own time-out: an answer that never comes. */
const answerGraceMs = 2_000;
const watchMs = 50;
const concurrentMax = 4;

const types: Readonly<Record<number, ReaderColumn['type']>> = {
  16: 'flag',
  20: 'number',
  21: 'number',
  23: 'number',
  700: 'number',
  701: 'number',
  1700: 'number',
  114: 'json',
  3802: 'json',
  1114: 'time',
  1184: 'time',
};

export class Reader {
  readonly #database: Database;
  readonly #slots = new Semaphore(concurrentMax);
  #prepared: Promise<void> | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Rejects only while PostgreSQL is away, or when its user may not make the role. */
  async run(text: string, limits: ReaderLimits = readerLimits): Promise<ReaderRows | ReaderRefusal> {
    const word = firstWord(text);
    if (!readingWords.includes(word))
      return {
        kind: 'refused',
        reason: `Cannot run ${word === '' ? 'an empty text' : `'${word.slice(0, 30)}'`}: wanted a query (${readingWords.join(', ')})`,
      };
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = null;
      throw error;
    });
    await this.#prepared;
    const wait = AbortSignal.timeout(limits.timeoutMs);
    try {
      return await this.#slots.run(() => this.#query(text, limits), wait);
    } catch (error) {
      if (error === wait.reason) return refusal(`${concurrentMax} others ran for ${limits.timeoutMs / 1_000} s, wanted another attempt`);
      throw error;
    }
  }

  async #query(text: string, limits: ReaderLimits): Promise<ReaderRows | ReaderRefusal> {
    const socket = new Socket();
    const client = new pg.Client({ ...readerConnection(this.#database.connection), application_name: 'knspan sql', stream: () => socket });
    client.on('error', () => {});
    const began = performance.now();
    let excess = '';
    const watch = setInterval(() => {
      if (socket.bytesRead > limits.bytes) excess = `its rows hold more than ${limits.bytes >> 20} MiB, wanted fewer columns or rows`;
      else if (performance.now() - began > limits.timeoutMs + answerGraceMs) excess = tooLong(limits);
      if (excess !== '') socket.destroy();
    }, watchMs);
    try {
      await client.connect();
      await client.query(
        `begin read only; set local statement_timeout = ${Math.ceil(limits.timeoutMs)}; set local search_path = ${schema}; set local timezone = 'UTC'`,
      );
      const { columns, rows } = await readRows(client, text, limits.rows);
      const truncated = rows.length > limits.rows;
      return { kind: 'rows', columns, rows: rows.slice(0, limits.rows), truncated, tookMs: performance.now() - began };
    } catch (error) {
      if (excess !== '') return refusal(excess);
      if (error instanceof pg.DatabaseError) return refusal(sentenceOf(error, limits));
      throw databaseError(error);
    } finally {
      clearInterval(watch);
      // Nothing that a query has set outlives it.
      await client.end().catch(() => {});
    }
  }

  /** Makes the role once, for all databases of the server; each time gives it what was added to the schema since. */
  async #prepare(): Promise<void> {
    const password = passwordOf(this.#database.connection);
    await this.#database
      .transaction(async (transaction) => {
        await transaction.query(sql`select pg_advisory_xact_lock(${migrationLock})`);
        await transaction.script(`
          do $$ begin
            if not exists (select from pg_roles where rolname = '${role}') then create role ${role} login; end if;
          exception when duplicate_object or unique_violation then null; end $$;
          grant usage on schema ${schema} to ${role};
          grant select on all tables in schema ${schema} to ${role};
          ${password === null ? '' : `alter role ${role} password '${password}';`}
          do $$ begin
            alter role ${role} set temp_file_limit = '${tempFileMegabytes}MB';
          exception when insufficient_privilege then null; end $$`);
      })
      .catch((error: unknown) => {
        if (error instanceof DatabaseError && error.code === insufficientPrivilege)
          throw new DatabaseError(
            `Cannot make the role ${role} that reads the views: ${error.message}, wanted the right CREATEROLE`,
            error.code,
          );
        throw error;
      });
  }
}

const insufficientPrivilege = '42501';
const readingWords = ['select', 'with', 'values', 'table', 'explain', 'show'];

/** In lower case, without comments and brackets before it. */
function firstWord(text: string): string {
  const bare = text.replace(/^(?:\s|\(|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, '');
  return (/^[^\s(;]*/.exec(bare)?.[0] ?? '').toLowerCase();
}

async function readRows(client: pg.Client, text: string, rowsMax: number) {
  const asText = { getTypeParser: () => (value: string) => value };
  const cursor = client.query(new Cursor<Cell[]>(text, [], { rowMode: 'array', types: asText }));
  const rows: Cell[][] = [];
  let fields: readonly pg.FieldDef[] = [];
  for (let more = true; more && rows.length <= rowsMax; ) {
    const count = Math.min(batchRows, rowsMax + 1 - rows.length);
    const batch = await new Promise<Cell[][]>((resolve, reject) => {
      cursor.read(count, (error, read, result) => {
        if (error) return reject(error);
        fields = result.fields;
        resolve(read);
      });
    });
    for (const row of batch) rows.push(row);
    more = batch.length === count;
  }
  const columns = fields.map(({ name, dataTypeID }): ReaderColumn => ({ name, type: types[dataTypeID] ?? 'text' }));
  const traceIds = columns.map(({ name }) => name === 'trace_id');
  return { columns, rows: rows.map((row) => row.map((cell, place) => (traceIds[place] ? (cell?.replaceAll('-', '') ?? null) : cell))) };
}

function refusal(why: string): ReaderRefusal {
  return { kind: 'refused', reason: `Cannot run the query: ${why}` };
}

function tooLong({ timeoutMs }: ReaderLimits): string {
  return `it ran for more than ${timeoutMs / 1_000} s, wanted a shorter range of time or fewer rows`;
}

function sentenceOf({ code = '', message, hint, position }: pg.DatabaseError, limits: ReaderLimits): string {
  if (code === '57014') return tooLong(limits);
  if (code === '53400') return `it sorts or joins more than ${tempFileMegabytes} MB at once, wanted fewer rows`;
  if (code === insufficientPrivilege) return `${message}, wanted the views of schema ${schema}`;
  if (message.startsWith('cannot insert multiple commands')) return 'it has several statements, wanted one';
  return `${message}${position === undefined ? '' : ` (at character ${position})`}${hint === undefined ? '' : `. ${hint}`}`;
}

/** The same server and database, as the role. */
function readerConnection(connection: pg.PoolConfig): pg.ClientConfig {
  const { connectionString } = connection;
  if (connectionString === undefined) return { host: connection.host, port: connection.port, database: connection.database, user: role };
  const url = new URL(connectionString);
  url.username = role;
  url.password = passwordOf(connection) ?? '';
  return { connectionString: url.href };
}

/** Made of the owner's, so that all replicas know it and nobody else does; null where the owner needs none. */
function passwordOf({ connectionString }: pg.PoolConfig): string | null {
  const own = connectionString === undefined ? '' : decodeURIComponent(new URL(connectionString).password);
  return own === '' ? null : createHmac('sha256', own).update(role).digest('hex');
}
