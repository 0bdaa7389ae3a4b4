/** Changes over time: how many have ended in each step, by outcome; and each as a bar of a lane. */
import type { Micros } from '../../events/observation.ts';
import type { Database } from '../database.ts';
import { int, optional, type RowOf, rowOf, text, time, traceId } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { type ChangeFilter, changesMatch } from './changes.ts';
import type { Range } from './filter.ts';
import type { Scope } from './scope.ts';

const stepRow = rowOf({ at: time, outcome: text, count: int });
export type ChangeStep = RowOf<typeof stepRow>;

/** Steps without changes are left out. `stepMs` is a divisor of a day. */
export function changesPerStep(
  database: Database,
  scope: Scope,
  filter: ChangeFilter,
  range: Range,
  stepMs: number,
): Promise<ChangeStep[]> {
  return database.rows(stepRow, changesPerStepSql(scope, filter, range, stepMs));
}

export function changesPerStepSql(scope: Scope, filter: ChangeFilter, range: Range, stepMs: number): Sql {
  return sql`
    select date_bin(${`${stepMs} milliseconds`}::interval, traces."end", 'epoch') as at, outcome, count(*) as count
    from history.traces as traces where ${changesMatch(scope, filter, range)}
    group by 1, 2 order by 1, 2`;
}

const barRow = rowOf({
  traceId,
  cluster: text,
  kind: text,
  namespace: text,
  name: text,
  change: optional(text),
  title: optional(text),
  outcome: text,
  start: time,
  end: time,
});
export type ChangeBar = RowOf<typeof barRow>;

/** One workload and its changes, the earliest first. */
export interface ChangeLane {
  readonly cluster: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly bars: readonly ChangeBar[];
  readonly failed: number;
  readonly last: Micros;
}

/** The lanes of the latest `limit` changes: those with failures first, then those that have changed last. */
export async function changeLanes(
  database: Database,
  scope: Scope,
  filter: ChangeFilter,
  range: Range,
  limit: number,
): Promise<ChangeLane[]> {
  const bars = await database.rows(barRow, changeLanesSql(scope, filter, range, limit));
  const lanes = Map.groupBy(bars, ({ cluster, kind, namespace, name }) => JSON.stringify([cluster, kind, namespace, name]));
  return [...lanes.values()].flatMap(laneOf).sort((a, b) => Number(b.failed > 0) - Number(a.failed > 0) || b.last - a.last);
}

function laneOf(bars: readonly ChangeBar[]): ChangeLane[] {
  const [first] = bars;
  if (first === undefined) return [];
  const { cluster, kind, namespace, name } = first;
  const failed = bars.filter(({ outcome }) => outcome === 'failed' || outcome === 'failing').length;
  const sorted = [...bars].sort((a, b) => a.start - b.start);
  return [{ cluster, kind, namespace, name, bars: sorted, failed, last: Math.max(...bars.map(({ end }) => end)) }];
}

export function changeLanesSql(scope: Scope, filter: ChangeFilter, range: Range, limit: number): Sql {
  return sql`
    select
      traces.trace_id as "traceId", clusters.name as cluster, traces.kind, traces.namespace, traces.name, traces.change, traces.title,
      traces.outcome, traces.start, traces."end"
    from (
      select * from history.traces as traces where ${changesMatch(scope, filter, range)}
      order by traces."end" desc, traces.trace_id desc limit ${limit}
    ) as traces join history.clusters as clusters on clusters.id = traces.cluster
    order by traces.start, traces.trace_id`;
}
