/** Queries on the views of schema `knspan` that answer what people ask most; `knspan sql --example NAME` runs one, /insights draws them. */

export interface Example {
  readonly name: string;
  /** What it answers. */
  readonly title: string;
  /** Ready to run; `from` and `to` are SQL expressions of type timestamptz. */
  sql(range: SqlRange): string;
}

export interface SqlRange {
  readonly from: string;
  readonly to: string;
}

/** Up to now. */
export function lastDays(days: number): SqlRange {
  return { from: `now() - interval '${days} days'`, to: 'now()' };
}

export const examples: readonly Example[] = [
  {
    name: 'images',
    title: 'Which image was deployed when, per workload',
    sql: ({ from, to }) => `
select namespace, coalesce(workload_kind, kind) as kind, coalesce(workload, name) as name, container, image,
  min(started_at) as first_used_at, count(distinct object_uid) as pods
from spans
where image is not null and started_at >= ${from} and started_at < ${to}
group by 1, 2, 3, 4, 5
order by 1, 2, 3, first_used_at desc`,
  },
  {
    name: 'restarts',
    title: 'Container restarts per workload and week',
    sql: ({ from, to }) => `
select date_trunc('week', events.at)::date as week, events.namespace, coalesce(top.kind, owner.kind, 'Pod') as kind,
  coalesce(top.name, owner.name, events.name) as name, count(*) as restarts, count(distinct events.object_uid) as pods
from events
left join objects as pod on pod.uid = events.object_uid and pod.kind = 'Pod'
left join objects as owner on owner.uid = pod.owner_uid
left join objects as top on top.uid = owner.owner_uid
where events.reason = 'Started' and events.n > 1 and events.at >= ${from} and events.at < ${to}
group by 1, 2, 3, 4
order by week desc, restarts desc`,
  },
  {
    name: 'phases',
    title: 'How long each phase takes per workload: median and 95th percentile, in seconds',
    sql: ({ from, to }) => `
select namespace, coalesce(workload_kind, kind) as kind, coalesce(workload, name) as name, phase, count(*) as times,
  round(percentile_cont(0.5) within group (order by seconds)::numeric, 1) as p50,
  round(percentile_cont(0.95) within group (order by seconds)::numeric, 1) as p95
from spans
where phase is not null and started_at >= ${from} and started_at < ${to}
group by 1, 2, 3, 4
order by p95 desc`,
  },
  {
    name: 'slow-pulls',
    title: 'The slowest image pulls, per node',
    sql: ({ from, to }) => `
select node, image, count(*) as pulls, round(max(seconds)::numeric, 1) as slowest,
  round(percentile_cont(0.5) within group (order by seconds)::numeric, 1) as p50,
  max((attributes ->> 'knspan.image.bytes')::bigint) as image_bytes
from spans
where phase = 'pull' and image is not null and started_at >= ${from} and started_at < ${to}
group by node, image
order by slowest desc
limit 50`,
  },
  {
    name: 'causes',
    title: 'Failed changes by cause, names and numbers left out',
    sql: ({ from, to }) => `
select regexp_replace(cause, '[0-9a-f]{8,}[0-9a-f-]*|-[a-z0-9]{8,10}-[a-z0-9]{5}|[0-9]+', '…', 'g') as cause, count(*) as changes,
  count(distinct (cluster, namespace, kind, name)) as workloads, max(ended_at) as last_at
from traces
where failed and cause is not null and ended_at >= ${from} and ended_at < ${to}
group by 1
order by changes desc`,
  },
  {
    name: 'evictions',
    title: 'Pods evicted, preempted or drained, per node',
    sql: ({ from, to }) => `
select coalesce(nullif(pod.node, ''), events.host, 'unknown') as node, events.reason, count(*) as pods,
  count(distinct events.namespace) as namespaces, max(events.at) as last_at
from events left join objects as pod on pod.uid = events.object_uid
where events.reason in ('Evicted', 'EvictionByEvictionAPI', 'Preempted', 'TaintManagerEviction', 'Preempting')
  and events.at >= ${from} and events.at < ${to}
group by 1, 2
order by pods desc`,
  },
  {
    name: 'actors',
    title: 'Changes per hour and actor',
    sql: ({ from, to }) => `
select date_trunc('hour', started_at) as hour, coalesce(actor, 'unknown') as actor, count(*) as changes,
  count(*) filter (where failed) as failed
from traces
where change is not null and change not in ('incident', 'digest', 'late') and started_at >= ${from} and started_at < ${to}
group by 1, 2
order by hour desc, changes desc`,
  },
  {
    name: 'recovery',
    title: 'Mean time to recover: from a failed change of a workload to the end of its next good one, in seconds',
    sql: ({ from, to }) => `
select failed.namespace, failed.kind, failed.name, count(*) as failures, count(good.ended_at) as recovered,
  round(avg(extract(epoch from good.ended_at - failed.started_at))) as mean_seconds,
  round(max(extract(epoch from good.ended_at - failed.started_at))) as longest_seconds
from traces as failed
left join lateral (
  select min(ended_at) as ended_at from traces
  where (cluster, namespace, kind, name) = (failed.cluster, failed.namespace, failed.kind, failed.name)
    and change not in ('incident', 'digest', 'late', 'delete') and outcome in ('ok', 'recovered') and started_at > failed.started_at
) as good on true
where failed.failed and failed.change not in ('incident', 'digest', 'late')
  and failed.ended_at >= ${from} and failed.ended_at < ${to}
group by 1, 2, 3
order by mean_seconds desc nulls first`,
  },
  {
    name: 'change-failures',
    title: 'Changes per workload, and the share that failed',
    sql: ({ from, to }) => `
select namespace, kind, name, count(*) as changes, count(*) filter (where failed) as failed,
  round(100.0 * count(*) filter (where failed) / count(*), 1) as failed_percent, max(ended_at) as last_at
from traces
where change not in ('incident', 'digest', 'late') and ended_at >= ${from} and ended_at < ${to}
group by 1, 2, 3
order by failed desc, changes desc`,
  },
  {
    name: 'slower',
    title: 'Changes that took more than twice the median of their workload',
    sql: ({ from, to }) => `
with usual as (
  select cluster, namespace, kind, name, change, percentile_cont(0.5) within group (order by seconds) as p50, count(*) as times
  from traces where ended_at >= ${from} and ended_at < ${to}
  group by 1, 2, 3, 4, 5
)
select namespace, kind, name, change, started_at, round(seconds::numeric, 1) as seconds, round(p50::numeric, 1) as p50, outcome, trace_id
from traces join usual using (cluster, namespace, kind, name, change)
where times >= 3 and seconds > 2 * p50 and seconds > p50 + 2 and ended_at >= ${from} and ended_at < ${to}
order by seconds / greatest(p50, 1) desc
limit 100`,
  },
  {
    name: 'noisy',
    title: 'The Events that repeat most',
    sql: ({ from, to }) => `
select namespace, kind, name, reason, count, observed, first_at, last_at, left(message, 120) as message
from series
where last_at >= ${from} and last_at < ${to} and count > 1
order by count desc
limit 50`,
  },
  {
    name: 'exit-codes',
    title: 'How containers ended: exit code and reason per workload',
    sql: ({ from, to }) => `
select namespace, coalesce(workload_kind, kind) as kind, coalesce(workload, name) as name, container,
  (attributes ->> 'knspan.container.exit_code')::integer as exit_code, attributes ->> 'knspan.container.reason' as reason,
  count(*) as times, max(ended_at) as last_at
from spans
where attributes ? 'knspan.container.exit_code' and started_at >= ${from} and started_at < ${to}
group by 1, 2, 3, 4, 5, 6
order by times desc`,
  },
  {
    name: 'probes',
    title: 'Failed probes per workload and kind of probe',
    sql: ({ from, to }) => `
select events.namespace, coalesce(top.kind, owner.kind, 'Pod') as kind,
  coalesce(top.name, owner.name, events.name) as name, substring(events.message from '^(Liveness|Readiness|Startup) probe') as probe, count(*) as failures,
  count(distinct events.object_uid) as pods, max(events.at) as last_at
from events
left join objects as pod on pod.uid = events.object_uid and pod.kind = 'Pod'
left join objects as owner on owner.uid = pod.owner_uid
left join objects as top on top.uid = owner.owner_uid
where events.reason in ('Unhealthy', 'ProbeWarning') and events.at >= ${from} and events.at < ${to}
group by 1, 2, 3, 4
order by failures desc`,
  },
  {
    name: 'unschedulable',
    title: 'Why pods could not be scheduled',
    sql: ({ from, to }) => `
select namespace, regexp_replace(message, '[0-9]+', '…', 'g') as message, count(*) as times, count(distinct object_uid) as pods,
  max(at) as last_at
from events
where reason = 'FailedScheduling' and at >= ${from} and at < ${to}
group by 1, 2
order by pods desc, times desc`,
  },
  {
    name: 'namespaces',
    title: 'Events per hour and namespace, and the share that failed',
    sql: ({ from, to }) => `
select date_trunc('hour', at) as hour, namespace, count(*) as events, count(*) filter (where failed) as failed,
  round(100.0 * count(*) filter (where failed) / count(*), 1) as failed_percent
from events
where at >= ${from} and at < ${to}
group by 1, 2
order by hour desc, events desc`,
  },
  {
    name: 'nodes',
    title: 'What happened to nodes themselves',
    sql: ({ from, to }) => `
select name as node, reason, count(*) as times, min(at) as first_at, max(at) as last_at, bool_or(failed) as failed
from events
where kind = 'Node' and at >= ${from} and at < ${to}
group by 1, 2
order by last_at desc`,
  },
  {
    name: 'untraced',
    title: 'Events that no span tells of, by reason',
    sql: ({ from, to }) => `
select series.kind, series.reason, count(*) as events, max(series.last_at) as last_at
from series
where series.last_at >= ${from} and series.last_at < ${to}
  and not exists (select from event_traces where event_traces.event_uid = series.event_uid and event_traces.cluster = series.cluster)
group by 1, 2
order by events desc`,
  },
  {
    name: 'views',
    title: 'The views and their columns',
    sql: () => `
select table_name as view, column_name as column, data_type as type
from information_schema.columns
where table_schema = 'knspan'
order by table_name, ordinal_position`,
  },
];

export function exampleCalled(name: string): Example | null {
  return examples.find((example) => example.name === name) ?? null;
}
