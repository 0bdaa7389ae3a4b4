-- Views for people and dashboards: stable names, only ever extended. Clusters by name, span ids as hex; a trace id is found with and
-- without hyphens. `failed` is the verdict of the rules, `type` that of Kubernetes.
create schema if not exists knspan;

create view knspan.events as
select
  events.at, coalesce(events.first_at, events.at) as first_at, clusters.name as cluster, events.namespace, events.kind, events.name,
  events.reason, events.message, case when events.warning then 'Warning' else 'Normal' end as type, events.failed, events.n, events.container,
  events.component, events.instance as host, events.rule, events.uncertainty_ms, events.event_uid, events.object_uid, events.api as api_version,
  events.annotations
from history.events join history.clusters on clusters.id = events.cluster;

comment on view knspan.events is 'One row per occurrence that was seen: an Event (event_uid) and its count (n)';

create view knspan.series as
select
  clusters.name as cluster, events.namespace, events.kind, events.name, events.reason,
  (array_agg(events.message order by events.n desc, events.at desc))[1] as message, max(events.n) as count, count(*) as observed,
  min(coalesce(events.first_at, events.at)) as first_at, max(events.at) as last_at, bool_or(events.failed) as failed,
  events.component, events.event_uid, events.object_uid
from history.events join history.clusters on clusters.id = events.cluster
group by clusters.name, events.namespace, events.kind, events.name, events.reason, events.component, events.event_uid, events.object_uid;

comment on view knspan.series is 'One row per Event: how often it occurred (count), and how many of its occurrences were seen (observed)';

create view knspan.objects as
select
  clusters.name as cluster, objects.kind, objects.namespace, objects.name, objects.uid, objects.api as api_version, objects.owner_uid,
  objects.node, objects.phase, objects.ready, coalesce(objects.restart_count, objects.restarts) as restarts, objects.events,
  objects.failures, objects.created_at, objects.first_at, objects.last_at, objects.deleted_at, objects.last_reason, objects.last_message,
  objects.last_failed, objects.claims
from history.objects join history.clusters on clusters.id = objects.cluster;

comment on view knspan.objects is 'One row per object, each life of a name apart: its latest state';

create view knspan.traces as
select
  traces.trace_id, clusters.name as cluster, traces.kind, traces.namespace, traces.name, traces.change, traces.title, traces.outcome,
  traces.outcome in ('failed', 'failing') as failed, traces.cause, traces.trouble, traces.actor, traces.edited_at,
  traces.start as started_at, traces."end" as ended_at,
  extract(epoch from traces."end" - traces.start)::double precision as seconds, traces.spans, traces.failures as failed_spans, traces.events,
  traces.root_uid
from history.traces join history.clusters on clusters.id = traces.cluster;

comment on view knspan.traces is 'One row per trace: a change of a workload (change: rollout, scale, create, ...) or an incident, and its outcome';

create view knspan.spans as
select
  spans.trace_id, lpad(to_hex(spans.span_id), 16, '0') as span_id, lpad(to_hex(spans.parent_id), 16, '0') as parent_id,
  clusters.name as cluster, spans.start as started_at, spans."end" as ended_at,
  extract(epoch from spans."end" - spans.start)::double precision as seconds, spans.title, spans.phase, spans.failed, spans.kind,
  spans.namespace, spans.object as name, spans.object_uid, workload.kind as workload_kind, workload.name as workload,
  coalesce(spans.attributes ->> 'k8s.node.name', case when spans.reporter = 'kubelet' then spans.attributes ->> 'knspan.reporter.instance' end)
    as node,
  spans.attributes ->> 'k8s.container.name' as container, spans.attributes ->> 'container.image.name' as image, spans.reporter, spans.rule,
  spans.evidence, spans.status_message, spans.attributes
from history.spans
join history.clusters on clusters.id = spans.cluster
left join lateral (
  select kind, spans.attributes ->> key as name
  from (values
    (1, 'Deployment', 'k8s.deployment.name'), (2, 'StatefulSet', 'k8s.statefulset.name'), (3, 'DaemonSet', 'k8s.daemonset.name'),
    (4, 'CronJob', 'k8s.cronjob.name'), (5, 'Job', 'k8s.job.name'), (6, 'ReplicaSet', 'k8s.replicaset.name')
  ) as kinds (place, kind, key)
  where spans.attributes ->> key is not null order by place limit 1
) as workload on true;

comment on view knspan.spans is 'One row per span; phase: schedule, pull, container, ready, stop, backoff, rollout, run';

create view knspan.event_traces as
select
  clusters.name as cluster, events.event_uid, events.n, events.at, told.trace_id, lpad(to_hex(told.span_id), 16, '0') as span_id
from history.event_spans as told
join history.events on events.event_uid = told.event_uid and events.cluster = told.cluster and (events.n = told.n or told.n = 0)
  and events.at between told.at - interval '1 day' and told.at + interval '1 day'
join history.clusters on clusters.id = told.cluster;

comment on view knspan.event_traces is 'Which spans tell of which occurrence of an Event';
