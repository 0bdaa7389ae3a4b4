/**
 * A history of any size, made by PostgreSQL itself: days of Events of pods and their owners in 40 namespaces, one in nine failed, with
 * objects, hours, traces, spans and what joins them. Shaped like the recordings (a pod's life has 8 Events, a trace 31), the same at each run.
 */
import type { Database } from '../../shared/history/database.ts';
import { Partitions } from '../../shared/history/partitions.ts';
import { sql } from '../../shared/history/sql.ts';
import { timeText } from '../../shared/history/time.ts';

export interface SyntheticOptions {
  readonly days: number;
  readonly eventsPerDay: number;
  /** Of so many Events one has a span: 1 for all. */
  readonly spansOneIn: number;
  readonly onDay?: (day: number) => void;
}

/** 2026-10-01 */
export const syntheticFrom = Date.UTC(2026, 9, 1) * 1_000;
export const dayMicros = 86_400_000_000;
const timeoutMs = 1_800_000;

export async function fillHistory(database: Database, { days, eventsPerDay, spansOneIn, onDay }: SyntheticOptions): Promise<void> {
  const partitions = new Partitions(database);
  const starts = Array.from({ length: days }, (_, day) => syntheticFrom + day * dayMicros);
  for (const table of ['events', 'spans', 'event_spans'] as const) await partitions.ensure(table, starts);
  await database.query(sql`insert into history.clusters (id, name) values (0, 'synthetic') on conflict do nothing`);
  for (const [day, start] of starts.entries()) {
    await fillDay(database, start, day * eventsPerDay, eventsPerDay, spansOneIn);
    onDay?.(day);
  }
  await summarize(database);
  await database.transaction(
    (transaction) => transaction.script("select gin_clean_pending_list('history.traces_text'); analyze"),
    timeoutMs,
  );
}

/** Eight Events per pod, 31 per trace, in the order of their times. */
async function fillDay(database: Database, start: number, offset: number, count: number, spansOneIn: number): Promise<void> {
  await database.query(
    sql`
      insert into history.events (
        at, first_at, version, event_uid, object_uid, n, uncertainty_ms, cluster, failed, warning, merged, namespace, kind, name, reason,
        message, component, rule, api, instance, container, event_name)
      select
        at, case when i % 6 = 0 then at - interval '3 minutes' end, 1000000 + i, md5('event' || i)::uuid, md5('object' || o)::uuid,
        case when i % 6 = 0 then 2 + i % 5 else 1 end, case when i % 2 = 0 then 1000 else 0 end, 0, i % 9 = 0, i % 9 = 0, false,
        'team-' || ns, case when i % 8 < 6 then 'Pod' when i % 8 = 6 then 'ReplicaSet' else 'Deployment' end,
        'web-' || app || '-' || substr(md5('set' || o / 4), 1, 10) || case when i % 8 < 6 then '-' || substr(md5('pod' || o), 1, 5) else '' end,
        case when i % 9 = 0 then (array['BackOff', 'Unhealthy', 'FailedMount', 'FailedScheduling'])[1 + i % 4]
          else (array['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started', 'Killing', 'SuccessfulCreate', 'ScalingReplicaSet'])[1 + i % 8] end,
        case when i % 9 = 0 then 'Back-off restarting failed container app in pod web-' || app || '-' || substr(md5('pod' || o), 1, 5)
          || '_team-' || ns || '(' || md5('object' || o)::uuid || ')'
          else (array['Successfully assigned team-', 'Pulling image registry.example/shop/', 'Successfully pulled image in 1.', 'Created container: app ',
            'Started container app ', 'Stopping container app ', 'Created pod: web-', 'Scaled up replica set web-'])[1 + i % 8]
            || app || '-' || substr(md5('pod' || o), 1, 5) end,
        case when i % 8 < 6 then 'kubelet' else 'replicaset-controller' end, 'kubelet.started', 'v1',
        case when i % 8 < 6 then 'node-' || o % 200 end, case when i % 8 between 1 and 5 then 'app' end, '.' || substr(md5('name' || i), 1, 16)
      from (
        select i, i / 8 as o, (i / 8 * 7) % 40 as ns, (i / 31) % 500 as app,
          ${timeText(start)}::timestamptz + (i - ${offset}) * interval '86399 seconds' / ${count} as at
        from generate_series(${offset}::bigint, ${offset + count - 1}::bigint) as i
      ) as row`,
    { timeoutMs },
  );
  await database.query(
    sql`
      insert into history.spans (
        start, "end", span_id, parent_id, trace_id, object_uid, cluster, failed, service, name, title, kind, namespace, object, phase,
        reporter, rule, evidence, attributes)
      select
        at, at + (1 + hash % 9) * interval '300 milliseconds', ('x' || substr(md5('span' || event_uid), 1, 16))::bit(64)::bigint,
        case when i % 31 <> 0 then ('x' || substr(md5('root' || i / 31), 1, 16))::bit(64)::bigint end, md5('trace' || i / 31)::uuid,
        object_uid, 0, failed, component, reason, message, kind, namespace, name,
        (array['schedule', 'pull', 'container', 'ready', 'stop', 'backoff'])[1 + i % 6], component, rule, event_uid || '#1',
        jsonb_build_object('k8s.event.uid', event_uid, 'k8s.event.message', message, 'k8s.event.reason', reason, 'k8s.pod.name', name)
      from (
        select events.*, version - 1000000 as i, abs(hashtext(event_uid::text)) as hash from history.events as events
        where at >= ${timeText(start)}::timestamptz and at < ${timeText(start + dayMicros)}::timestamptz and version % ${spansOneIn} = 0
      ) as events`,
    { timeoutMs },
  );
  await database.query(
    sql`
      insert into history.event_spans (at, event_uid, trace_id, span_id, n, cluster)
      select start, (attributes ->> 'k8s.event.uid')::uuid, trace_id, span_id, 1, 0 from history.spans
      where start >= ${timeText(start)}::timestamptz and start < ${timeText(start + dayMicros)}::timestamptz`,
    { timeoutMs },
  );
}

/** What the writer keeps beside the rows. */
async function summarize(database: Database): Promise<void> {
  await database.query(
    sql`
      insert into history.hours (at, cluster, namespace, kind, ok, failed)
      select date_bin('1 hour', at, 'epoch'), 0, namespace, kind, count(*) filter (where not failed), count(*) filter (where failed)
      from history.events group by 1, 3, 4`,
    { timeoutMs },
  );
  await database.query(
    sql`
      insert into history.objects (
        first_at, last_at, uid, last_id, last_n, events, failures, restarts, cluster, last_failed, kind, namespace, name, api, last_reason,
        last_message, owner_uid, node)
      select
        min(at), max(at), object_uid, (array_agg(event_uid order by at desc))[1], 1, count(*), count(*) filter (where failed), 0, 0,
        bool_or(failed) and abs(hashtext(object_uid::text)) % 50 = 0, kind, namespace, name, 'v1', (array_agg(reason order by at desc))[1],
        (array_agg(message order by at desc))[1],
        case when kind = 'Pod' then md5('owner' || abs(hashtext(name)) % 10000)::uuid end, max(instance)
      from history.events group by object_uid, kind, namespace, name`,
    { timeoutMs },
  );
  await database.query(
    sql`
      insert into history.traces (
        start, "end", trace_id, root_uid, spans, failures, events, cluster, kind, namespace, name, outcome, change, title, actor, cause)
      select
        min(at), max(at) + interval '5 seconds', md5('trace' || t)::uuid, md5('deployment' || t % 500)::uuid, count(*),
        count(*) filter (where failed), count(*), 0, 'Deployment', 'team-' || t % 40, 'web-' || t % 500,
        case when t % 12 = 0 then 'failed' when t % 12 = 1 then 'recovered' else 'ok' end,
        (array['rollout', 'scale', 'create', 'incident'])[1 + t % 4], 'Deployment team-' || t % 40 || '/web-' || t % 500 || ': rollout',
        'kubectl-' || t % 7, case when t % 12 < 2 then 'Back-off pulling image shop/web:' || t % 90 end
      from (select *, (version - 1000000) / 31 as t from history.events) as events group by t`,
    { timeoutMs },
  );
  await database.query(
    sql`
      insert into history.phases (trace_id, phase, longest_us, total_us, spans)
      select trace_id, phase, (300000 + abs(hashtext(trace_id::text || phase)) % 9000000), 10000000, 5
      from history.traces cross join unnest(array['schedule', 'pull', 'container', 'ready']) as phase`,
    { timeoutMs },
  );
}
