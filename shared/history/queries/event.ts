/** One Event whole, as Kubernetes had it, with all its occurrences that were seen and the spans that tell of them. */
import type { Database } from '../database.ts';
import { flag, int, json, optional, type RowOf, rowOf, spanId, text, time, traceId } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { timeText } from '../time.ts';
import { isDerived } from '../write/identity.ts';
import { type Scope, visible } from './scope.ts';

const wholeRow = rowOf({
  cluster: text,
  uid: text,
  n: int,
  at: time,
  firstAt: time,
  uncertaintyMs: int,
  failed: flag,
  warning: flag,
  merged: flag,
  version: optional(text),
  involvedVersion: optional(text),
  kind: text,
  namespace: text,
  name: text,
  objectUid: text,
  api: text,
  fieldPath: optional(text),
  container: optional(text),
  reason: text,
  message: text,
  component: text,
  instance: optional(text),
  action: optional(text),
  rule: text,
  eventName: text,
  eventNamespace: text,
  related: optional(json),
  annotations: optional(json),
});
export type WholeEvent = RowOf<typeof wholeRow>;

const occurrencesMax = 1_000;

/** All its occurrences that were seen, the last one first; none where the reader may not see it. `cluster`: its name. */
export function readEvent(database: Database, scope: Scope, cluster: string, uid: string): Promise<WholeEvent[]> {
  return database.rows(wholeRow, readEventSql(scope, cluster, uid));
}

export function readEventSql(scope: Scope, cluster: string, uid: string): Sql {
  return sql`
    select
      clusters.name as cluster, event_uid as uid, n, at, coalesce(first_at, at) as "firstAt", uncertainty_ms as "uncertaintyMs", failed,
      warning, merged, version::text, involved_version::text as "involvedVersion", kind, namespace, events.name, object_uid as "objectUid",
      api, coalesce(field_path, 'spec.containers{' || container || '}') as "fieldPath", container, reason, message, component, instance,
      action, rule, case when event_name like '.%' then events.name || event_name else event_name end as "eventName",
      coalesce(event_namespace, namespace) as "eventNamespace", related, annotations
    from history.events as events join history.clusters as clusters on clusters.id = events.cluster
    where event_uid = ${uid}::uuid and clusters.name = ${cluster} and ${visible(scope, sql`events`)}
    order by n desc, at desc limit ${occurrencesMax}`;
}

const tellingRow = rowOf({ n: int, traceId, spanId, title: optional(text), change: optional(text), outcome: text });
export type TellingSpan = RowOf<typeof tellingRow>;

/** The spans that tell of it, by number of occurrence; 0: of all that no other span tells of. */
export function spansOfEvent(database: Database, scope: Scope, cluster: string, uid: string): Promise<TellingSpan[]> {
  return database.rows(tellingRow, spansOfEventSql(scope, cluster, uid));
}

export function spansOfEventSql(scope: Scope, cluster: string, uid: string): Sql {
  return sql`
    select told.n, told.trace_id as "traceId", told.span_id as "spanId", traces.title, traces.change, traces.outcome
    from history.event_spans as told
    join history.clusters as clusters on clusters.id = told.cluster
    join history.traces as traces on traces.trace_id = told.trace_id
    where told.event_uid = ${uid}::uuid and clusters.name = ${cluster} and ${visible(scope, sql`traces`)}
    order by told.n, told.at, told.trace_id, told.span_id limit ${occurrencesMax}`;
}

/** The Event as core/v1 writes it, for YAML: without labels and managed fields, which are not kept. */
export function asKubernetesEvent(event: WholeEvent): Readonly<Record<string, unknown>> {
  const { n, at, firstAt, uncertaintyMs, annotations, related } = event;
  const stamp = (micros: number) => (uncertaintyMs > 0 ? `${timeText(micros).slice(0, 19)}Z` : timeText(micros));
  return withoutEmpty({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: withoutEmpty({
      name: event.eventName,
      namespace: event.eventNamespace,
      uid: isDerived(event.uid) ? null : event.uid,
      resourceVersion: event.version,
      annotations,
    }),
    involvedObject: withoutEmpty({
      apiVersion: event.api,
      kind: event.kind,
      namespace: event.namespace,
      name: event.name,
      uid: isDerived(event.objectUid) ? null : event.objectUid,
      resourceVersion: event.involvedVersion,
      fieldPath: event.fieldPath,
    }),
    related,
    reason: event.reason,
    message: event.merged ? `(combined from similar events): ${event.message}` : event.message,
    type: event.warning ? 'Warning' : 'Normal',
    action: event.action,
    count: n,
    firstTimestamp: stamp(firstAt),
    lastTimestamp: stamp(at),
    source: withoutEmpty({ component: event.component, host: event.instance }),
  });
}

function withoutEmpty(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== ''));
}
