/** How far the history reaches, and whether it has changed. */
import type { Database } from '../database.ts';
import { int, optional, type RowOf, rowOf, text, time } from '../row.ts';
import { type Sql, sql } from '../sql.ts';

const statusRow = rowOf({
  /** Differs from what it was if anything was written since. */
  batches: int,
  /** When something was last written. */
  writtenAt: optional(time),
});
export type HistoryStatus = RowOf<typeof statusRow>;

/** Cheap enough for once a second. */
export async function historyStatus(database: Database): Promise<HistoryStatus> {
  const [status] = await database.rows(statusRow, statusSql());
  return status ?? { batches: 0, writtenAt: null };
}

export function statusSql(): Sql {
  return sql`select coalesce(sum(batches), 0)::bigint as batches, max(at) as "writtenAt" from history.writers`;
}

const beginRow = rowOf({ at: optional(time) });

/** The time of the earliest Event that is kept; null: there is none. */
export async function historyBegins(database: Database): Promise<number | null> {
  const [row] = await database.rows(beginRow, beginsSql());
  return row?.at ?? null;
}

export function beginsSql(): Sql {
  return sql`select min(at) as at from history.hours`;
}

const clusterRow = rowOf({ name: text });

export async function clusterNames(database: Database): Promise<string[]> {
  const rows = await database.rows(clusterRow, sql`select name from history.clusters order by name`);
  return rows.map(({ name }) => name);
}
