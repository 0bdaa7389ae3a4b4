/** The whole history as one hash per table, whatever the order in which rows were written. */
import type { Database } from '../../shared/history/database.ts';
import { int, optional, rowOf, text } from '../../shared/history/row.ts';
import { Sql, sql } from '../../shared/history/sql.ts';

/** All but what counts the writers' commits. */
export const historyTables = ['clusters', 'events', 'hours', 'objects', 'event_spans', 'spans', 'traces', 'trace_links', 'phases'] as const;
export type HistoryTable = (typeof historyTables)[number];

export interface TableDigest {
  readonly rows: number;
  readonly digest: string | null;
}

const row = rowOf({ rows: int, digest: optional(text) });

export async function digestOf(database: Database): Promise<Record<string, TableDigest>> {
  const digests: Record<string, TableDigest> = {};
  for (const table of historyTables) {
    const [found] = await database.rows(
      row,
      sql`select count(*) as rows, md5(string_agg(line, ',' order by line)) as digest
        from (select md5(one::text) as line from ${nameOf(table)} as one) as lines`,
    );
    if (found) digests[table] = found;
  }
  return digests;
}

export async function countOf(database: Database, table: HistoryTable): Promise<number> {
  return (await digestOf(database))[table]?.rows ?? 0;
}

function nameOf(table: HistoryTable): Sql {
  return new Sql([`history.${table}`], []);
}
