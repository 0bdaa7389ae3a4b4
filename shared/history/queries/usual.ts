/**
 * Slower than last time: how long each phase of a change took, against the last 20 changes of the same workload and kind before it. The
 * phase `total` is the whole change.
 */
import type { Database } from '../database.ts';
import { int, optional, type RowOf, real, rowOf, text, traceId } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { hyphenated } from '../write/identity.ts';
import { type ChangeFilter, changesMatch } from './changes.ts';
import type { Range } from './filter.ts';
import { type Scope, visible } from './scope.ts';

const usualRow = rowOf({
  traceId,
  phase: text,
  /** The longest of its spans, ms. */
  tookMs: real,
  spans: int,
  /** Of the changes before it that had the phase; null where none had. */
  p50Ms: optional(real),
  p95Ms: optional(real),
  /** How many of them had the phase, of `before`. */
  samples: int,
  before: int,
});
export type UsualPhase = RowOf<typeof usualRow>;

const comparedMax = 20;

/** For each trace its phases, the longest first. */
export function usualPhases(database: Database, scope: Scope, traceIds: readonly string[]): Promise<UsualPhase[]> {
  return database.rows(
    usualRow,
    usualPhasesSql(
      sql`select * from history.traces as traces
        where traces.trace_id = any(${traceIds.map(hyphenated)}::uuid[]) and ${visible(scope, sql`traces`)}`,
    ),
  );
}

/** `compared`: a query of rows of `history.traces`. */
export function usualPhasesSql(compared: Sql): Sql {
  return sql`
    select
      traces.trace_id as "traceId", took.phase, took.longest_us / 1000.0 as "tookMs", took.spans, usual.p50 / 1000 as "p50Ms",
      usual.p95 / 1000 as "p95Ms", coalesce(usual.samples, 0) as samples, coalesce(usual.before, 0) as before
    from (${compared}) as traces
    cross join lateral (
      select phase, longest_us, spans from history.phases as phases where phases.trace_id = traces.trace_id
      union all select 'total', ${durationOf(sql`traces`)}, traces.spans
    ) as took
    left join lateral (
      select phase, percentile_cont(0.5) within group (order by longest_us) as p50,
        percentile_cont(0.95) within group (order by longest_us) as p95, count(*) as samples, max(before) as before
      from (
        select *, count(*) over () as before from (
          select trace_id, start, "end" from history.traces as earlier
          where (earlier.namespace, earlier.kind, earlier.name, earlier.change, earlier.cluster)
              = (traces.namespace, traces.kind, traces.name, traces.change, traces.cluster)
            and earlier."end" < traces.start
          order by earlier."end" desc limit ${comparedMax}
        ) as latest
      ) as earlier
      cross join lateral (
        select phase, longest_us from history.phases as phases where phases.trace_id = earlier.trace_id
        union all select 'total', ${durationOf(sql`earlier`)}
      ) as phases
      group by phase
    ) as usual on usual.phase = took.phase
    order by traces."end" desc, traces.trace_id desc, took.longest_us desc, took.phase`;
}

function durationOf(table: Sql): Sql {
  return sql`(extract(epoch from ${table}."end" - ${table}.start) * 1000000)::bigint`;
}

const slowRow = rowOf({
  traceId,
  /** The phase that stands out most, and how many times its usual p95 it took. */
  phase: text,
  times: real,
  tookMs: real,
  p50Ms: real,
  p95Ms: real,
  samples: int,
});
export type SlowChange = RowOf<typeof slowRow>;

/** So many of the latest changes of the range are compared. */
export const slowComparedMax = 500;
export const samplesMin = 3;
/** Less is noise: Kubernetes cuts most times to the second. */
export const slowerByMs = 2_000;

/** The changes of a range that took longer than usual, the most conspicuous first. */
export function slowChanges(database: Database, scope: Scope, filter: ChangeFilter, range: Range, limit: number): Promise<SlowChange[]> {
  return database.rows(slowRow, slowChangesSql(scope, filter, range, limit), { timeoutMs: 2_000 });
}

export function slowChangesSql(scope: Scope, filter: ChangeFilter, range: Range, limit: number): Sql {
  const latest = sql`
    select * from history.traces as traces where ${changesMatch(scope, filter, range)} order by traces."end" desc limit ${slowComparedMax}`;
  return sql`
    select "traceId", phase, times, "tookMs", "p50Ms", "p95Ms", samples from (
      select distinct on ("traceId") *, "tookMs" / greatest("p95Ms", 1) as times
      from (${usualPhasesSql(latest)}) as phases
      where samples >= ${samplesMin} and "tookMs" > "p95Ms" + ${slowerByMs}
      order by "traceId", "tookMs" / greatest("p95Ms", 1) desc
    ) as slow order by times desc, "traceId" limit ${limit}`;
}
