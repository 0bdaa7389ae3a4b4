/**
 * One statement per batch of Events: the rows, what they add to the hours, the latest state of their objects, and that this writer has
 * committed. Only rows that were not there count, so a batch may be written again at any time; equal times are ordered by Event and
 * number, so the result does not depend on the order of arrival. Rows, hours and objects are touched in the order of their keys: two
 * writers wait for each other, but never in a circle.
 */
import { type Sql, sql } from '../sql.ts';
import type { EventRow } from './event-row.ts';

const isLater = sql`
  (objects.last_at is null or (excluded.last_at, excluded.last_id, excluded.last_n) > (objects.last_at, objects.last_id, objects.last_n))`;

export function insertEvents(rows: readonly EventRow[], writer: string): Sql {
  return sql`
    with input as (
      select * from json_to_recordset(${JSON.stringify(rows)}::json) as row (
        at timestamptz, first_at timestamptz, version bigint, involved_version bigint, event_uid uuid, object_uid uuid, n integer,
        uncertainty_ms integer, cluster smallint, failed boolean, warning boolean, merged boolean, namespace text, kind text, name text,
        reason text, message text, component text, rule text, api text, instance text, container text, field_path text, action text,
        event_name text, event_namespace text, related jsonb, annotations jsonb, restarts integer, stops boolean)
    ), inserted as (
      insert into history.events (
        at, first_at, version, involved_version, event_uid, object_uid, n, uncertainty_ms, cluster, failed, warning, merged, namespace,
        kind, name, reason, message, component, rule, api, instance, container, field_path, action, event_name, event_namespace, related,
        annotations)
      select
        at, first_at, version, involved_version, event_uid, object_uid, n, uncertainty_ms, cluster, failed, warning, merged, namespace,
        kind, name, reason, message, component, rule, api, instance, container, field_path, action, event_name, event_namespace, related,
        annotations
      from input order by event_uid, n, cluster, at
      on conflict do nothing
      returning at, first_at, event_uid, n, cluster, object_uid, failed, namespace, kind, name, api, reason, message
    ), hour as (
      insert into history.hours as hours (at, cluster, namespace, kind, ok, failed)
      select date_bin('1 hour', at, 'epoch'), cluster, namespace, kind, count(*) filter (where not failed), count(*) filter (where failed)
      from inserted group by 1, 2, 3, 4 order by 2, 1, 3, 4
      on conflict (cluster, at, namespace, kind) do update
      set ok = hours.ok + excluded.ok, failed = hours.failed + excluded.failed
    ), told as (
      -- Once each, also where a batch holds an Event twice.
      select distinct on (event_uid, n, cluster, at) event_uid, n, cluster, at, restarts, stops from input
    ), latest as (
      select distinct on (cluster, kind, namespace, name, object_uid)
        cluster, kind, namespace, name, object_uid, api, at, event_uid, n, failed, reason, message,
        min(least(first_at, at)) over object as first_at, count(*) over object as events,
        count(*) filter (where failed) over object as failures, sum(restarts) over object as restarts,
        max(at) filter (where stops) over object as stopped_at
      from inserted join told using (event_uid, n, cluster, at)
      window object as (partition by cluster, kind, namespace, name, object_uid)
      order by cluster, kind, namespace, name, object_uid, at desc, event_uid desc, n desc
    ), object as (
      insert into history.objects as objects (
        cluster, kind, namespace, name, uid, api, first_at, last_at, last_id, last_n, last_failed, last_reason, last_message, events,
        failures, restarts, stopped_at)
      select
        cluster, kind, namespace, name, object_uid, api, first_at, at, event_uid, n, failed, reason, left(message, 1000), events,
        failures, restarts, stopped_at
      from latest order by cluster, kind, namespace, name, object_uid
      on conflict (cluster, kind, namespace, name, uid) do update set
        api = greatest(objects.api, excluded.api),
        first_at = least(objects.first_at, excluded.first_at),
        events = objects.events + excluded.events,
        failures = objects.failures + excluded.failures,
        restarts = objects.restarts + excluded.restarts,
        stopped_at = greatest(objects.stopped_at, excluded.stopped_at),
        last_at = case when ${isLater} then excluded.last_at else objects.last_at end,
        last_id = case when ${isLater} then excluded.last_id else objects.last_id end,
        last_n = case when ${isLater} then excluded.last_n else objects.last_n end,
        last_failed = case when ${isLater} then excluded.last_failed else objects.last_failed end,
        last_reason = case when ${isLater} then excluded.last_reason else objects.last_reason end,
        last_message = case when ${isLater} then excluded.last_message else objects.last_message end
    )
    insert into history.writers as writers (id, batches, at) values (${writer}, 1, now())
    on conflict (id) do update set batches = writers.batches + 1, at = now()
    returning (select count(*) from inserted) as inserted`;
}
