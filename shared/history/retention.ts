/**
 * Drops what is older than the retention: whole partitions, and the rows of the tables that have none. One process at a time does it;
 * what a reader keeps busy waits for the next time.
 */
import type { Micros } from '../events/observation.ts';
import { type Database, DatabaseError } from './database.ts';
import { retentionLock } from './locks.ts';
import { endOfPartition, partitionedTables, partitionsOf } from './partitions.ts';
import { flag, rowOf } from './row.ts';
import { sql } from './sql.ts';
import { timeText } from './time.ts';

export interface Dropped {
  readonly partitions: number;
  /** Those that somebody read for longer than the drop waits. */
  readonly busy: number;
}

const lockTimeoutMs = 500;
const timeoutMs = 60_000;
const lockNotAvailable = '55P03';
const lockRow = rowOf({ mine: flag });

/** Null: another process is at it. */
export async function dropBefore(database: Database, before: Micros): Promise<Dropped | null> {
  let partitions = 0;
  let busy = 0;
  for (const table of partitionedTables) {
    for (const name of await partitionsOf(database, table)) {
      const end = endOfPartition(table, name);
      if (end === null || end > before) continue;
      const dropped = await dropPartition(database, name);
      if (dropped === null) return null;
      if (dropped) partitions += 1;
      else busy += 1;
    }
  }
  await deleteRows(database, before);
  return { partitions, busy };
}

/** False when it is busy; null when another process drops partitions. */
async function dropPartition(database: Database, name: string): Promise<boolean | null> {
  try {
    return await database.transaction(async (transaction) => {
      const [lock] = await transaction.rows(lockRow, sql`select pg_try_advisory_xact_lock(${retentionLock}) as mine`);
      if (!lock?.mine) return null;
      // Its name is one that `endOfPartition` has taken apart.
      await transaction.script(`set local lock_timeout = ${lockTimeoutMs}; drop table if exists history.${name}`);
      return true;
    }, timeoutMs);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === lockNotAvailable) return false;
    throw error;
  }
}

/** What was not touched since. Rows that writers lock at this moment are in use, and skipped by their time. */
async function deleteRows(database: Database, before: Micros): Promise<void> {
  const at = timeText(before);
  const limited = { timeoutMs };
  await database.query(sql`delete from history.hours where at < ${at}::timestamptz`, limited);
  for (const table of [sql`history.phases`, sql`history.trace_links`])
    await database.query(
      sql`delete from ${table} as part using history.traces where part.trace_id = traces.trace_id and traces."end" < ${at}::timestamptz`,
      limited,
    );
  await database.query(sql`delete from history.traces where "end" < ${at}::timestamptz`, limited);
  await database.query(
    sql`delete from history.objects where coalesce(last_at, first_at) < ${at}::timestamptz and first_at < ${at}::timestamptz`,
    limited,
  );
  await database.query(sql`delete from history.writers where at < now() - interval '1 day'`, limited);
}
