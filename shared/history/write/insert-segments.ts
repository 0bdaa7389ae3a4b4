/**
 * One statement per batch of segments: spans, which Events they tell of, traces, their phases, the objects that they name, and that this
 * writer has committed. Spans are final and copies are identical, so only those that were not there count; what the root span says of its
 * trace holds whenever it comes, the outcome is the worst that any segment tells. All in the order of the keys, as for Events.
 */
import { type Sql, sql } from '../sql.ts';
import { outcomes, type SegmentRows } from './span-rows.ts';

export function insertSegments(segments: readonly SegmentRows[], writer: string): Sql {
  const all = {
    spans: segments.flatMap(({ spans }) => spans),
    eventSpans: segments.flatMap(({ eventSpans }) => eventSpans),
    traces: segments.map(({ trace }) => trace),
    links: segments.flatMap(({ links }) => links),
    objects: segments.flatMap(({ objects }) => objects),
  };
  return sql`
    with input as (
      select * from json_to_recordset(${JSON.stringify(all.spans)}::json) as row (
        start timestamptz, "end" timestamptz, span_id bigint, parent_id bigint, trace_id uuid, object_uid uuid, cluster smallint,
        failed boolean, service text, name text, title text, kind text, namespace text, object text, phase text, reporter text, rule text,
        evidence text, status_message text, attributes jsonb, told jsonb, links jsonb)
    ), inserted as (
      insert into history.spans (
        start, "end", span_id, parent_id, trace_id, object_uid, cluster, failed, service, name, title, kind, namespace, object, phase,
        reporter, rule, evidence, status_message, attributes, told, links)
      select
        start, "end", span_id, parent_id, trace_id, object_uid, cluster, failed, service, name, title, kind, namespace, object, phase,
        reporter, rule, evidence, status_message, attributes, told, links
      from input order by trace_id, span_id, start
      on conflict do nothing
      returning trace_id, start, "end", failed, phase
    ), event_span as (
      insert into history.event_spans (at, event_uid, trace_id, span_id, n, cluster)
      select at, event_uid, trace_id, span_id, n, cluster
      from json_to_recordset(${JSON.stringify(all.eventSpans)}::json) as row (
        at timestamptz, event_uid uuid, trace_id uuid, span_id bigint, n integer, cluster smallint)
      order by event_uid, n, cluster, trace_id, span_id, at
      on conflict do nothing
    ), said as (
      select
        trace_id, min(start) as start, max("end") as "end", min(cluster) as cluster, bool_or(events is not null) as rooted,
        coalesce(min(kind) filter (where events is not null), min(kind)) as kind,
        coalesce(min(namespace) filter (where events is not null), min(namespace)) as namespace,
        coalesce(min(name) filter (where events is not null), min(name)) as name,
        max(array_position(${outcomes}::text[], outcome)) as outcome, max(root_uid::text)::uuid as root_uid, max(edited_at) as edited_at,
        max(events) as events, max(change) as change, max(title) as title, max(actor) as actor, max(cause) as cause,
        max(trouble) as trouble
      from json_to_recordset(${JSON.stringify(all.traces)}::json) as row (
        trace_id uuid, start timestamptz, "end" timestamptz, cluster smallint, kind text, namespace text, name text, outcome text,
        root_uid uuid, edited_at timestamptz, events integer, change text, title text, actor text, cause text, trouble text)
      group by trace_id
    ), counted as (
      select trace_id, count(*) as spans, count(*) filter (where failed) as failures from inserted group by trace_id
    ), trace as (
      insert into history.traces as traces (
        trace_id, start, "end", cluster, kind, namespace, name, outcome, root_uid, edited_at, events, change, title, actor, cause, trouble,
        spans, failures)
      select
        trace_id, start, "end", cluster, kind, namespace, name, (${outcomes}::text[])[outcome], root_uid, edited_at, events, change, title,
        actor, cause, trouble, coalesce(spans, 0), coalesce(failures, 0)
      from said left join counted using (trace_id) order by trace_id
      on conflict (trace_id) do update set
        start = least(traces.start, excluded.start),
        "end" = greatest(traces."end", excluded."end"),
        kind = case when excluded.events is null then traces.kind else excluded.kind end,
        namespace = case when excluded.events is null then traces.namespace else excluded.namespace end,
        name = case when excluded.events is null then traces.name else excluded.name end,
        outcome = (${outcomes}::text[])[greatest(
          array_position(${outcomes}::text[], traces.outcome), array_position(${outcomes}::text[], excluded.outcome))],
        root_uid = coalesce(excluded.root_uid, traces.root_uid),
        edited_at = coalesce(excluded.edited_at, traces.edited_at),
        events = coalesce(excluded.events, traces.events),
        change = coalesce(excluded.change, traces.change),
        title = coalesce(excluded.title, traces.title),
        actor = coalesce(excluded.actor, traces.actor),
        cause = coalesce(excluded.cause, traces.cause),
        trouble = coalesce(excluded.trouble, traces.trouble),
        spans = traces.spans + excluded.spans,
        failures = traces.failures + excluded.failures
    ), link as (
      insert into history.trace_links (trace_id, linked)
      select trace_id, linked from json_to_recordset(${JSON.stringify(all.links)}::json) as row (trace_id uuid, linked uuid)
      order by trace_id, linked
      on conflict do nothing
    ), phase as (
      insert into history.phases as phases (trace_id, phase, longest_us, total_us, spans)
      select trace_id, phase, max(duration), sum(duration), count(*)
      from (select trace_id, phase, (extract(epoch from "end" - start) * 1000000)::bigint as duration from inserted) as one
      where phase is not null group by trace_id, phase order by trace_id, phase
      on conflict (trace_id, phase) do update set
        longest_us = greatest(phases.longest_us, excluded.longest_us),
        total_us = phases.total_us + excluded.total_us,
        spans = phases.spans + excluded.spans
    ), object as (
      insert into history.objects as objects (
        cluster, kind, namespace, name, uid, api, first_at, owner_uid, node, events, failures, restarts)
      select cluster, kind, namespace, name, uid, min(api), min(first_at), max(owner_uid::text)::uuid, max(node), 0, 0, 0
      from json_to_recordset(${JSON.stringify(all.objects)}::json) as row (
        first_at timestamptz, uid uuid, owner_uid uuid, cluster smallint, kind text, namespace text, name text, api text, node text)
      group by cluster, kind, namespace, name, uid order by cluster, kind, namespace, name, uid
      on conflict (cluster, kind, namespace, name, uid) do update set
        api = greatest(objects.api, excluded.api),
        first_at = least(objects.first_at, excluded.first_at),
        owner_uid = greatest(objects.owner_uid, excluded.owner_uid),
        node = greatest(objects.node, excluded.node)
    )
    insert into history.writers as writers (id, batches, at) values (${writer}, 1, now())
    on conflict (id) do update set batches = writers.batches + 1, at = now()
    returning (select count(*) from inserted) as inserted`;
}
