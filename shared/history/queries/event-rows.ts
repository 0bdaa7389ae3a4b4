/** Events as rows, the latest first: the table of /events, and the Events of some objects or of a trace. */
import type { Micros } from '../../events/observation.ts';
import type { Database } from '../database.ts';
import { flag, int, optional, type RowOf, rowOf, spanId, text, time, traceId } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { type EventFilter, eventFilter } from './event-filter.ts';
import { at, type Filter, type Range } from './filter.ts';
import type { Scope } from './scope.ts';
import { visible } from './scope.ts';

export const eventRow = rowOf({
  cluster: text,
  uid: text,
  n: int,
  at: time,
  /** Of occurrence 1. */
  firstAt: time,
  uncertaintyMs: int,
  failed: flag,
  warning: flag,
  merged: flag,
  kind: text,
  namespace: text,
  name: text,
  objectUid: text,
  container: optional(text),
  reason: text,
  message: text,
  component: text,
  instance: optional(text),
  /** A span that tells of it; null: none does yet. */
  traceId: optional(traceId),
  spanId: optional(spanId),
});
export type EventListRow = RowOf<typeof eventRow>;

/** Where the page before has ended: the next one goes on in its order. */
export interface EventCursor {
  readonly at: Micros;
  readonly uid: string;
  readonly n: number;
}

export interface EventsQuery {
  readonly filter: Filter;
  readonly failedOnly?: boolean;
  readonly range: Range;
  readonly before?: EventCursor;
  /** Absent: the latest first. */
  readonly oldestFirst?: boolean;
  readonly limit: number;
}

export interface EventList {
  readonly events: readonly EventListRow[];
  readonly searched: EventFilter['searched'];
}

export async function listEvents(database: Database, scope: Scope, query: EventsQuery): Promise<EventList> {
  const { condition, searched } = await eventFilter(database, scope, query.filter, query.failedOnly);
  return { events: await database.rows(eventRow, eventsSql(condition, query)), searched };
}

/** Of objects by their uids, such as an object and its children. */
export function eventsOfObjects(
  database: Database,
  scope: Scope,
  uids: readonly string[],
  query: Pick<EventsQuery, 'range' | 'before' | 'limit'>,
): Promise<EventListRow[]> {
  return database.rows(eventRow, eventsSql(sql`events.object_uid = any(${uids}::uuid[]) and ${visible(scope, sql`events`)}`, query));
}

/** `condition`: on the table `events`. */
export function eventsSql(
  condition: Sql,
  { range, before, oldestFirst = false, limit }: Pick<EventsQuery, 'range' | 'before' | 'oldestFirst' | 'limit'>,
): Sql {
  const cursor = before ? sql`(${at(before.at)}, ${before.uid}::uuid, ${before.n})` : null;
  const place = sql`(events.at, events.event_uid, events.n)`;
  const next = cursor === null ? sql`true` : oldestFirst ? sql`${place} > ${cursor}` : sql`${place} < ${cursor}`;
  return eventListSql(
    sql`
    select * from history.events as events
    where events.at >= ${at(range.from)} and events.at < ${at(range.to)} and ${condition} and ${next}
    order by ${eventOrder(oldestFirst)} limit ${limit}`,
    oldestFirst,
  );
}

function eventOrder(oldestFirst: boolean): Sql {
  return oldestFirst ? sql`events.at, events.event_uid, events.n` : sql`events.at desc, events.event_uid desc, events.n desc`;
}

/**
 * With a span for each. The span that tells of occurrence n lists n itself, else the greatest number below it: repeats that were not
 * listed belong there. 0: a fold, which comes first where nothing lists the occurrence in its own right.
 */
export function eventListSql(events: Sql, oldestFirst = false): Sql {
  return sql`
    select
      clusters.name as cluster, events.event_uid as uid, events.n, events.at, coalesce(events.first_at, events.at) as "firstAt",
      events.uncertainty_ms as "uncertaintyMs", events.failed, events.warning, events.merged, events.kind, events.namespace, events.name,
      events.object_uid as "objectUid", events.container, events.reason, events.message, events.component, events.instance,
      told.trace_id as "traceId", told.span_id as "spanId"
    from (${events}) as events
    join history.clusters as clusters on clusters.id = events.cluster
    left join lateral (
      select trace_id, span_id from history.event_spans as told
      where told.event_uid = events.event_uid and told.n <= events.n and told.cluster = events.cluster
        and told.at between events.at - interval '1 day' and events.at + interval '1 hour'
      order by told.n desc, told.at desc, told.trace_id, told.span_id limit 1
    ) as told on true
    order by ${eventOrder(oldestFirst)}`;
}
