/** Objects by their latest Event: now, or within a range of the past. */
import type { Micros } from '../../events/observation.ts';
import type { Database } from '../database.ts';
import { flag, int, optional, type RowOf, rowOf, text, time } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { eventFilter } from './event-filter.ts';
import { at, type Filter, nameIs, placeIs, type Range } from './filter.ts';
import type { Scope } from './scope.ts';

const objectRow = rowOf({
  cluster: text,
  kind: text,
  namespace: text,
  name: text,
  uid: text,
  at: time,
  reason: text,
  message: text,
  failed: flag,
  /** Since its first Event; null within a range of the past. */
  events: optional(int),
  failures: optional(int),
  restarts: optional(int),
  /** Deleted for certain, or null. */
  deletedAt: optional(time),
  /** A container was stopped for good, and nothing was heard of the object since. */
  isProbablyGone: flag,
});
export type LatestObject = RowOf<typeof objectRow>;

export interface ObjectCursor {
  readonly at: Micros;
  readonly uid: string;
}

export interface ObjectsQuery {
  readonly filter: Filter;
  readonly failedOnly?: boolean;
  /** Those that are gone too. */
  readonly withDeleted: boolean;
  readonly before?: ObjectCursor;
  readonly limit: number;
}

/** By their latest Event of all, since `from`. */
export function latestObjects(database: Database, scope: Scope, query: ObjectsQuery, from: Micros): Promise<LatestObject[]> {
  return database.rows(objectRow, latestObjectsSql(scope, query, from));
}

const objects = sql`objects`;
/** What still comes of a pod after its containers were told to stop. */
const isStopped = sql`coalesce(objects.deleted_at is null and objects.last_at <= objects.stopped_at + interval '2 minutes', false)`;

export function latestObjectsSql(scope: Scope, { filter, failedOnly, withDeleted, before, limit }: ObjectsQuery, from: Micros): Sql {
  const after = before ? sql`(objects.last_at, objects.uid) < (${at(before.at)}, ${before.uid}::uuid)` : sql`true`;
  return sql`
    select
      clusters.name as cluster, objects.kind, objects.namespace, objects.name, objects.uid, objects.last_at as at,
      objects.last_reason as reason, objects.last_message as message, objects.last_failed as failed, objects.events, objects.failures,
      coalesce(objects.restart_count, objects.restarts) as restarts, objects.deleted_at as "deletedAt", ${isStopped} as "isProbablyGone"
    from history.objects as objects join history.clusters as clusters on clusters.id = objects.cluster
    where objects.last_at >= ${at(from)} and ${placeIs(filter, scope, objects)} and ${nameIs(filter, objects)} and ${after}
      and ${failedOnly ? sql`objects.last_failed` : sql`true`}
      and ${withDeleted ? sql`true` : sql`objects.deleted_at is null and not ${isStopped}`}
    order by objects.last_at desc, objects.uid desc limit ${limit}`;
}

const walkedMax = 400;

/**
 * By their latest Event within the range: of its latest Events, so many that they hold a page of objects nearly always. A page ends
 * where the walk does: it goes on before the time of its last object.
 */
export async function objectsWithin(
  database: Database,
  scope: Scope,
  filter: Filter,
  range: Range,
  limit: number,
): Promise<LatestObject[]> {
  const { condition } = await eventFilter(database, scope, filter);
  return database.rows(objectRow, objectsWithinSql(condition, range, limit));
}

export function objectsWithinSql(condition: Sql, range: Range, limit: number): Sql {
  return sql`
    select
      clusters.name as cluster, events.kind, events.namespace, events.name, events.object_uid as uid, events.at, events.reason,
      left(events.message, 1000) as message, events.failed, null::integer as events, null::integer as failures, null::integer as restarts,
      objects.deleted_at as "deletedAt", ${isStopped} as "isProbablyGone"
    from (
      select distinct on (cluster, object_uid) * from (
        select * from history.events as events
        where events.at >= ${at(range.from)} and events.at < ${at(range.to)} and ${condition}
        order by events.at desc limit ${walkedMax}
      ) as walked order by cluster, object_uid, at desc, event_uid desc, n desc
    ) as events
    join history.clusters as clusters on clusters.id = events.cluster
    left join history.objects as objects on (objects.cluster, objects.kind, objects.namespace, objects.name, objects.uid)
      = (events.cluster, events.kind, events.namespace, events.name, events.object_uid)
    order by events.at desc, events.object_uid desc limit ${limit}`;
}
