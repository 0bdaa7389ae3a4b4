/** The Events that a trace tells of, or some of its spans: each occurrence once, the earliest first. */
import type { Database } from '../database.ts';
import { type Sql, sql } from '../sql.ts';
import { hyphenated, spanNumber } from '../write/identity.ts';
import type { Change } from './changes.ts';
import { type EventListRow, eventListSql, eventRow } from './event-rows.ts';
import { at } from './filter.ts';
import { type Scope, visible } from './scope.ts';

/** `spanIds`: null for all. */
export async function eventsOfTrace(
  database: Database,
  scope: Scope,
  trace: Pick<Change, 'traceId' | 'start' | 'end'>,
  spanIds: readonly string[] | null,
  limit: number,
): Promise<EventListRow[]> {
  return (await database.rows(eventRow, eventsOfTraceSql(scope, trace, spanIds, limit))).reverse();
}

const dayMicros = 86_400_000_000;

/** A fold lists Events without their numbers: then it tells of those within the trace. */
export function eventsOfTraceSql(
  scope: Scope,
  { traceId, start, end }: Pick<Change, 'traceId' | 'start' | 'end'>,
  spanIds: readonly string[] | null,
  limit: number,
): Sql {
  const ofSpans = spanIds === null ? sql`true` : sql`told.span_id = any(${spanIds.map(spanNumber)}::bigint[])`;
  return eventListSql(sql`
    select events.* from (
      select distinct told.event_uid, told.n, told.cluster from history.event_spans as told
      where told.trace_id = ${hyphenated(traceId)}::uuid and ${ofSpans}
        and told.at >= ${at(start - dayMicros)} and told.at <= ${at(end + dayMicros)}
    ) as told
    join history.events as events on events.event_uid = told.event_uid and events.cluster = told.cluster
      and events.at >= ${at(start - dayMicros)} and events.at <= ${at(end + dayMicros)}
      and (events.n = told.n or (told.n = 0 and events.at >= ${at(start)} - interval '1 second' and events.at <= ${at(end)} + interval '1 second'))
    where ${visible(scope, sql`events`)}
    order by events.at, events.event_uid, events.n limit ${limit}`);
}
