/** Objects whose names begin with what was typed so far. */
import type { Database } from '../database.ts';
import { type RowOf, rowOf, text } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { type Filter, nameIs, placeIs } from './filter.ts';
import type { Scope } from './scope.ts';

const suggestionRow = rowOf({ kind: text, namespace: text, name: text });
export type Suggestion = RowOf<typeof suggestionRow>;

const matchesMax = 1_000;

/** By kind and name, of the first thousand that match. */
export function suggestObjects(database: Database, scope: Scope, filter: Filter, limit: number): Promise<Suggestion[]> {
  return database.rows(suggestionRow, suggestSql(scope, filter, limit));
}

export function suggestSql(scope: Scope, filter: Filter, limit: number): Sql {
  const objects = sql`objects`;
  return sql`
    select distinct kind, namespace, name from (
      select kind, namespace, name from history.objects as objects
      where ${nameIs(filter, objects)} and ${placeIs(filter, scope, objects)} limit ${matchesMax}
    ) as matches order by name, kind, namespace limit ${limit}`;
}
