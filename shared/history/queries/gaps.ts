/**
 * Occurrences that were not observed: Kubernetes counts the repeats of an Event, and where the number jumps, those between are known by
 * their number alone. Shown on the axis, so that silence is not taken for calm.
 */
import type { Database } from '../database.ts';
import { int, type RowOf, rowOf, text, time } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { at, type Filter, placeIs, type Range } from './filter.ts';
import type { Scope } from './scope.ts';

/** An Event that has not changed for an hour is forgotten by Kubernetes: the number before a jump was seen within that time. */
const seriesMicros = 2 * 3_600_000_000;
const gapRow = rowOf({ cluster: text, since: time, until: time, missed: int });
export type Gap = RowOf<typeof gapRow>;

/** Together per step, by the end of the jump. */
export function historyGaps(database: Database, scope: Scope, filter: Filter, range: Range, stepMs: number): Promise<Gap[]> {
  return database.rows(gapRow, gapsSql(scope, filter, range, stepMs), { timeoutMs: 1_000 });
}

export function gapsSql(scope: Scope, filter: Filter, range: Range, stepMs: number): Sql {
  return sql`
    select clusters.name as cluster, min(since) as since, max(until) as until, sum(missed) as missed
    from (
      select
        cluster, events.at as until, lag(events.at, 1, first_at) over series as since, n - lag(n, 1, 1) over series - 1 as missed
      from history.events as events
      where events.at >= ${at(range.from - seriesMicros)} and events.at < ${at(range.to)} and n > 1 and ${placeIs(filter, scope, sql`events`)}
      window series as (partition by cluster, event_uid order by n, events.at)
    ) as jumps
    join history.clusters as clusters on clusters.id = jumps.cluster
    where missed > 0 and until >= ${at(range.from)}
    group by clusters.name, date_bin(${`${stepMs} milliseconds`}::interval, until, 'epoch')
    order by until`;
}
