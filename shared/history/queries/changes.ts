/** Changes, the latest end first: what the page /changes lists. */
import type { Database } from '../database.ts';
import { int, optional, type RowOf, rowOf, text, time, traceId } from '../row.ts';
import { allOf, type Sql, sql } from '../sql.ts';
import { hyphenated } from '../write/identity.ts';
import { at, contains, type Filter, nameIs, placeIs, type Range } from './filter.ts';
import type { Scope } from './scope.ts';

export interface ChangeFilter extends Filter {
  readonly changes?: readonly string[];
  readonly outcomes?: readonly string[];
  readonly actors?: readonly string[];
  /** Without those of objects that were deleted since. */
  readonly withoutDeleted?: boolean;
}

/** Where the page before has ended. */
export interface ChangeCursor {
  readonly end: number;
  readonly traceId: string;
}

export interface ChangesQuery {
  readonly filter: ChangeFilter;
  /** Of their ends. */
  readonly range: Range;
  readonly before?: ChangeCursor;
  readonly limit: number;
}

export const changeRow = rowOf({
  traceId,
  cluster: text,
  /** rollout, scale, run, incident, ...; null: the root span is not here yet, as for the other columns that may be null. */
  change: optional(text),
  kind: text,
  namespace: text,
  name: text,
  rootUid: optional(text),
  title: optional(text),
  actor: optional(text),
  editedAt: optional(time),
  start: time,
  end: time,
  /** ok, recovered, incomplete, failing, failed; empty: not told yet. */
  outcome: text,
  cause: optional(text),
  trouble: optional(text),
  spans: int,
  failures: int,
  events: optional(int),
});
export type Change = RowOf<typeof changeRow>;

const traces = sql`traces`;

/** The columns of `changeRow`, of `history.traces as traces join history.clusters as clusters`. */
export const changeColumns = sql`
  traces.trace_id as "traceId", clusters.name as cluster, traces.change, traces.kind, traces.namespace, traces.name,
  traces.root_uid as "rootUid", traces.title, traces.actor, traces.edited_at as "editedAt", traces.start, traces."end", traces.outcome,
  traces.cause, traces.trouble, traces.spans, traces.failures, traces.events`;

export const changeTables = sql`history.traces as traces join history.clusters as clusters on clusters.id = traces.cluster`;

export function listChanges(database: Database, scope: Scope, query: ChangesQuery): Promise<Change[]> {
  return database.rows(changeRow, changesSql(scope, query));
}

export function changesSql(scope: Scope, { filter, range, before, limit }: ChangesQuery): Sql {
  const after = before ? sql`(traces."end", traces.trace_id) < (${at(before.end)}, ${hyphenated(before.traceId)}::uuid)` : sql`true`;
  return sql`
    select ${changeColumns} from ${changeTables}
    where ${changesMatch(scope, filter, range)} and ${after}
    order by traces."end" desc, traces.trace_id desc
    limit ${limit}`;
}

/** On the table or alias `traces`. */
export function changesMatch(scope: Scope, filter: ChangeFilter, { from, to }: Range): Sql {
  const { changes, outcomes, actors, search, withoutDeleted } = filter;
  return allOf([
    sql`traces."end" >= ${at(from)} and traces."end" < ${at(to)}`,
    placeIs(filter, scope, traces),
    nameIs(filter, traces),
    ...(changes ? [sql`traces.change = any(${changes}::text[])`] : []),
    ...(outcomes ? [isOutcome(outcomes)] : []),
    ...(actors ? [sql`traces.actor = any(${actors}::text[])`] : []),
    ...(withoutDeleted
      ? [sql`not exists (select from history.objects as gone where gone.uid = traces.root_uid and gone.deleted_at is not null)`]
      : []),
    ...(search ? [sql`(traces.title ilike ${contains(search)} or traces.cause ilike ${contains(search)})`] : []),
  ]);
}

const bad: readonly string[] = ['failed', 'failing'];

/** Failed ones have an index of their own. */
function isOutcome(outcomes: readonly string[]): Sql {
  const among = sql`traces.outcome = any(${outcomes}::text[])`;
  return outcomes.every((one) => bad.includes(one)) ? sql`traces.outcome in ('failed', 'failing') and ${among}` : among;
}
