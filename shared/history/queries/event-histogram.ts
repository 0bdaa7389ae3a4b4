/** Events over time, failed ones apart; whole hours of a place are read from the hourly counts. */
import type { Database } from '../database.ts';
import { int, type RowOf, rowOf, time } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { type EventFilter, eventFilter } from './event-filter.ts';
import { at, type Filter, placeIs, type Range } from './filter.ts';
import type { Scope } from './scope.ts';

const bucketRow = rowOf({ at: time, ok: int, failed: int });
export type EventBucket = RowOf<typeof bucketRow>;

export interface EventHistogram {
  /** Buckets without Events are left out. */
  readonly buckets: readonly EventBucket[];
  readonly searched: EventFilter['searched'];
}

/** So many rows that counting them takes longer are too many for a chart: then it rejects with code 57014. */
const timeoutMs = 1_000;
const hourMs = 3_600_000;

/** `stepMs` is a divisor or a multiple of an hour. */
export async function eventHistogram(
  database: Database,
  scope: Scope,
  filter: Filter,
  range: Range,
  stepMs: number,
): Promise<EventHistogram> {
  const { condition, searched, isPlace } = await eventFilter(database, scope, filter);
  const isHours = isPlace && [stepMs, range.from / 1_000, range.to / 1_000].every((value) => value % hourMs === 0);
  const query = isHours ? hoursHistogramSql(scope, filter, range, stepMs) : eventsHistogramSql(condition, range, stepMs);
  return { buckets: await database.rows(bucketRow, query, { timeoutMs }), searched };
}

/** From and to are whole hours. */
export function hoursHistogramSql(scope: Scope, filter: Filter, range: Range, stepMs: number): Sql {
  return sql`
    select date_bin(${`${stepMs} milliseconds`}::interval, hours.at, 'epoch') as at, sum(ok) as ok, sum(failed) as failed
    from history.hours as hours
    where hours.at >= ${at(range.from)} and hours.at < ${at(range.to)} and ${placeIs(filter, scope, sql`hours`)}
    group by 1 order by 1`;
}

export function eventsHistogramSql(condition: Sql, range: Range, stepMs: number): Sql {
  return sql`
    select
      date_bin(${`${stepMs} milliseconds`}::interval, events.at, 'epoch') as at, count(*) filter (where not failed) as ok,
      count(*) filter (where failed) as failed
    from history.events as events
    where events.at >= ${at(range.from)} and events.at < ${at(range.to)} and ${condition}
    group by 1 order by 1`;
}
