/**
 * One statement per batch of object versions. Of each object the version that was written last holds, whatever the order of arrival; a
 * deletion is never undone, since a uid has one life.
 */
import { type Sql, sql } from '../sql.ts';
import type { ObjectRow } from './object-row.ts';

/** The later version of the two. */
const isLater = sql`(objects.version is null or excluded.version >= objects.version)`;

export function insertObjects(rows: readonly ObjectRow[], writer: string): Sql {
  return sql`
    with latest as (
      select distinct on (cluster, kind, namespace, name, uid)
        min(created_at) over object as created_at, min(deleted_at) over object as deleted_at, min(first_at) over object as first_at,
        version, uid, owner_uid, restart_count, cluster, ready, kind, namespace, name, api, phase, node, claims
      from json_to_recordset(${JSON.stringify(rows)}::json) as row (
        first_at timestamptz, created_at timestamptz, deleted_at timestamptz, version bigint, uid uuid, owner_uid uuid,
        restart_count integer, cluster smallint, ready boolean, kind text, namespace text, name text, api text, phase text, node text,
        claims text[])
      window object as (partition by cluster, kind, namespace, name, uid)
      order by cluster, kind, namespace, name, uid, version desc
    ), object as (
      insert into history.objects as objects (
        first_at, created_at, deleted_at, version, uid, owner_uid, restart_count, cluster, ready, kind, namespace, name, api, phase, node,
        claims, events, failures, restarts)
      select
        first_at, created_at, deleted_at, version, uid, owner_uid, restart_count, cluster, ready, kind, namespace, name, api, phase, node,
        claims, 0, 0, 0
      from latest order by cluster, kind, namespace, name, uid
      on conflict (cluster, kind, namespace, name, uid) do update set
        first_at = least(objects.first_at, excluded.first_at),
        created_at = least(objects.created_at, excluded.created_at),
        deleted_at = least(objects.deleted_at, excluded.deleted_at),
        version = greatest(objects.version, excluded.version),
        api = greatest(objects.api, excluded.api),
        owner_uid = greatest(objects.owner_uid, excluded.owner_uid),
        node = greatest(objects.node, excluded.node),
        restart_count = case when ${isLater} then excluded.restart_count else objects.restart_count end,
        ready = case when ${isLater} then excluded.ready else objects.ready end,
        phase = case when ${isLater} then excluded.phase else objects.phase end,
        claims = case when ${isLater} then excluded.claims else objects.claims end
      returning 1
    )
    insert into history.writers as writers (id, batches, at) values (${writer}, 1, now())
    on conflict (id) do update set batches = writers.batches + 1, at = now()
    returning (select count(*) from object) as inserted`;
}
