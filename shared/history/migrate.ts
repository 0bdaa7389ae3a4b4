/**
 * Brings the schema to the present version: numbered .sql files, each applied once, in one transaction under an advisory lock, however
 * many replicas start at once. A schema that is newer than this release is used as it is: migrations only add.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Database, DatabaseError, type Transaction } from './database.ts';
import { migrationLock } from './locks.ts';
import { int, rowOf } from './row.ts';
import { sql } from './sql.ts';

const folder = fileURLToPath(new URL('./migrations/', import.meta.url));
const timeoutMs = 120_000;
const undefinedTable = '42P01';

/** Names by number; the first is 1. */
export function migrationNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /^\d{4}-[a-z-]+\.sql$/.test(name))
    .sort();
}

/** How many were applied by this call. */
export async function migrate(database: Database): Promise<number> {
  const names = migrationNames();
  if ((await versionOf(database)) >= names.length) return 0;
  return database.transaction(async (transaction) => {
    await transaction.query(sql`select pg_advisory_xact_lock(${migrationLock})`);
    await prepare(transaction);
    const applied = await appliedTo(transaction);
    for (const [index, name] of names.entries()) {
      if (index < applied) continue;
      await transaction.script(readFileSync(`${folder}${name}`, 'utf8'));
      await transaction.query(sql`insert into history.migrations (id, at) values (${index + 1}, now())`);
    }
    await distribute(transaction);
    return Math.max(0, names.length - applied);
  }, timeoutMs);
}

async function versionOf(database: Database): Promise<number> {
  try {
    const [row] = await database.rows(version, sql`select coalesce(max(id), 0) as id from history.migrations`);
    return row?.id ?? 0;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === undefinedTable) return 0;
    throw error;
  }
}

const version = rowOf({ id: int });

async function appliedTo(transaction: Transaction): Promise<number> {
  const [row] = await transaction.rows(version, sql`select coalesce(max(id), 0) as id from history.migrations`);
  return row?.id ?? 0;
}

/** The search path holds the operator classes of pg_trgm, wherever an administrator has put that extension. */
async function prepare(transaction: Transaction): Promise<void> {
  await transaction.script(`
    create schema if not exists history;
    create table if not exists history.migrations (id integer primary key, at timestamptz not null);
    create extension if not exists pg_trgm;
    select set_config('search_path', 'pg_catalog, ' || quote_ident(nspname), true)
      from pg_extension join pg_namespace on pg_namespace.oid = extnamespace where extname = 'pg_trgm'`);
}

/** The hook for Citus: where the extension is there, spreads what is large over its nodes. Tables that are spread already stay as they are. */
async function distribute(transaction: Transaction): Promise<void> {
  await transaction.script(`
    do $$
    declare
      large record;
    begin
      if not exists (select from pg_extension where extname = 'citus') then
        return;
      end if;
      for large in
        select * from (values
          ('history.events', 'event_uid'), ('history.event_spans', 'event_uid'), ('history.spans', 'trace_id'), ('history.traces', 'trace_id'),
          ('history.phases', 'trace_id'), ('history.trace_links', 'trace_id'), ('history.objects', 'uid'), ('history.hours', 'namespace')
        ) as tables (name, key)
      loop
        if not exists (select from pg_dist_partition where logicalrelid = large.name::regclass) then
          perform create_distributed_table(large.name, large.key);
        end if;
      end loop;
      if not exists (select from pg_dist_partition where logicalrelid = 'history.clusters'::regclass) then
        perform create_reference_table('history.clusters');
      end if;
    end
    $$`);
}
