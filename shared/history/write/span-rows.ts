/** A segment as rows: its spans, which Events they tell of, what it adds to its trace, and the objects that its spans name. */
import type { Micros } from '../../events/observation.ts';
import { parseTimestamp } from '../../events/time.ts';
import { foldUidsKey } from '../../spans/otlp.ts';
import type { Attributes, AttributeValue, Segment, Span, SpanEvent } from '../../spans/span.ts';
import { timeText } from '../time.ts';
import type { ClusterRef } from './event-row.ts';
import { hyphenated, nameText, spanNumber, storable, uuidOf } from './identity.ts';
import { type NamedObject, objectsOf } from './span-objects.ts';

export interface SpanRow {
  readonly start: string;
  readonly end: string;
  readonly span_id: string;
  readonly parent_id: string | null;
  readonly trace_id: string;
  readonly object_uid: string | null;
  readonly cluster: number;
  readonly failed: boolean;
  readonly service: string;
  readonly name: string;
  readonly title: string;
  readonly kind: string;
  readonly namespace: string;
  readonly object: string;
  readonly phase: string | null;
  readonly reporter: string | null;
  readonly rule: string | null;
  readonly evidence: string | null;
  readonly status_message: string | null;
  readonly attributes: Attributes;
  readonly told: readonly ToldEvent[] | null;
  readonly links: readonly LinkedSpan[] | null;
}

export interface ToldEvent {
  readonly name: string;
  readonly at: string;
  readonly attributes: Attributes;
}

export interface LinkedSpan {
  readonly trace: string;
  readonly span: string;
  readonly attributes: Attributes;
}

/** That a span tells of an occurrence; n = 0: of all that no other span of its trace tells of. */
export interface EventSpanRow {
  readonly at: string;
  readonly event_uid: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly n: number;
  readonly cluster: number;
}

/** What one segment says of its trace; what only the root span knows is null without it. */
export interface TraceRow {
  readonly trace_id: string;
  readonly start: string;
  readonly end: string;
  readonly cluster: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly outcome: string;
  readonly root_uid: string | null;
  readonly edited_at: string | null;
  readonly events: number | null;
  readonly change: string | null;
  readonly title: string | null;
  readonly actor: string | null;
  readonly cause: string | null;
  readonly trouble: string | null;
}

export interface TraceLinkRow {
  readonly trace_id: string;
  readonly linked: string;
}

export interface SegmentRows {
  readonly trace: TraceRow;
  readonly links: readonly TraceLinkRow[];
  readonly spans: readonly SpanRow[];
  readonly eventSpans: readonly EventSpanRow[];
  readonly objects: readonly NamedObject[];
  /** Start of each span, and time of each Event told: what partitions are needed for. */
  readonly spanTimes: readonly Micros[];
  readonly eventTimes: readonly Micros[];
}

/** From the best to the worst; the first: not told yet. */
export const outcomes = ['', 'ok', 'recovered', 'incomplete', 'failing', 'failed'];

const linkedMax = 100;
const columns = [
  foldUidsKey,
  'knspan.phase',
  'knspan.reporter',
  'knspan.rule',
  'knspan.evidence',
  'k8s.object.kind',
  'k8s.object.name',
  'k8s.object.uid',
  'k8s.namespace.name',
];
const clusterScoped = ['Node', 'PersistentVolume', 'Namespace'];

export function segmentRows(cluster: ClusterRef, segment: Segment): SegmentRows {
  const { spans } = segment;
  const trace = traceRow(cluster, segment);
  const told = spans.flatMap(eventsOf);
  return {
    trace,
    links: linksOf(trace.trace_id, spans),
    spans: spans.map((span) => spanRow(cluster, segment, span)),
    eventSpans: told.map(({ uid, n, at, span }) => ({
      at: timeText(at),
      event_uid: uuidOf(uid),
      trace_id: hyphenated(span.traceId),
      span_id: spanNumber(span.spanId),
      n,
      cluster: cluster.id,
    })),
    objects: objectsOf(cluster, spans),
    spanTimes: spans.map(({ start }) => start),
    eventTimes: told.map(({ at }) => at),
  };
}

function traceRow(cluster: ClusterRef, segment: Segment): TraceRow {
  const root = segment.spans.find(({ parentSpanId, attributes }) => parentSpanId === '' && 'knspan.change' in attributes);
  const { attributes = {} } = root ?? {};
  const edited = parseTimestamp(attributes['knspan.edit.time']);
  return {
    trace_id: hyphenated(segment.traceId),
    start: timeText(Math.min(...segment.spans.map(({ start }) => start))),
    end: timeText(Math.max(...segment.spans.map(({ end }) => end))),
    cluster: cluster.id,
    kind: nameText(segment.rootKind),
    namespace: nameText(segment.namespace),
    name: nameText(segment.rootName),
    outcome: outcomeOf(attributes, segment),
    root_uid: uidOf(attributes, 'k8s.object.uid'),
    edited_at: edited === null ? null : timeText(edited),
    events: root === undefined ? null : countOf(attributes, 'knspan.events', 0),
    change: nameOf(attributes, 'knspan.change'),
    title: root === undefined ? null : storable(root.title),
    actor: nameOf(attributes, 'knspan.actor'),
    cause: textOf(attributes, 'knspan.cause'),
    trouble: textOf(attributes, 'knspan.trouble'),
  };
}

function linksOf(trace_id: string, spans: readonly Span[]): TraceLinkRow[] {
  const linked = new Set(spans.flatMap(({ links }) => links.map((link) => hyphenated(link.traceId))));
  return [...linked].slice(0, linkedMax).map((one) => ({ trace_id, linked: one }));
}

function outcomeOf(attributes: Attributes, { severity }: Segment): string {
  const outcome = textOf(attributes, 'knspan.outcome') ?? (severity === 'error' ? 'failed' : '');
  return outcomes.includes(outcome) ? outcome : '';
}

function spanRow(cluster: ClusterRef, segment: Segment, span: Span): SpanRow {
  const { attributes } = span;
  const kind = nameOf(attributes, 'k8s.object.kind') ?? ('k8s.pod.uid' in attributes ? 'Pod' : '');
  return {
    start: timeText(span.start),
    end: timeText(span.end),
    span_id: spanNumber(span.spanId),
    parent_id: span.parentSpanId === '' ? null : spanNumber(span.parentSpanId),
    trace_id: hyphenated(span.traceId),
    object_uid: uidOf(attributes, 'k8s.object.uid') ?? uidOf(attributes, 'k8s.pod.uid'),
    cluster: cluster.id,
    failed: span.status === 'error',
    service: storable(span.service),
    name: storable(span.name),
    title: storable(span.title),
    kind,
    namespace: nameOf(attributes, 'k8s.namespace.name') ?? (clusterScoped.includes(kind) ? '' : nameText(segment.namespace)),
    object: nameOf(attributes, 'k8s.object.name') ?? nameOf(attributes, 'k8s.pod.name') ?? '',
    phase: nameOf(attributes, 'knspan.phase'),
    reporter: textOf(attributes, 'knspan.reporter'),
    rule: textOf(attributes, 'knspan.rule'),
    evidence: textOf(attributes, 'knspan.evidence'),
    status_message: span.statusMessage === '' ? null : storable(span.statusMessage),
    attributes: storableAttributes(attributes, columns),
    told: span.events.length === 0 ? null : span.events.map(toldEvent),
    links: span.links.length === 0 ? null : span.links.map(linkedSpan),
  };
}

function toldEvent({ name, at, attributes }: SpanEvent): ToldEvent {
  return { name: storable(name), at: timeText(at), attributes: storableAttributes(attributes) };
}

function linkedSpan({ traceId, spanId, attributes }: Span['links'][number]): LinkedSpan {
  return { trace: traceId, span: spanId, attributes: storableAttributes(attributes) };
}

interface Told {
  readonly uid: string;
  readonly n: number;
  readonly at: Micros;
  readonly span: Span;
}

/** The occurrences that a span tells of: by itself, by span events, or all that it has folded. */
function eventsOf(span: Span): Told[] {
  const told: Told[] = [];
  for (const { attributes, at } of [{ attributes: span.attributes, at: span.start }, ...span.events]) {
    const uid = attributes['k8s.event.uid'];
    const time = parseTimestamp(attributes['k8s.event.time']) ?? at;
    if (typeof uid === 'string') told.push({ uid, n: countOf(attributes, 'k8s.event.count', 1), at: time, span });
    if (typeof uid === 'object')
      for (const one of foldedUids(uid, attributes[foldUidsKey])) told.push({ uid: one, n: 0, at: span.start, span });
  }
  return told;
}

/** Those that are listed and those that are packed, 16 bytes each. */
function foldedUids(listed: readonly string[], packed: AttributeValue | undefined): ReadonlySet<string> {
  const hex = typeof packed === 'string' ? Buffer.from(packed, 'base64').toString('hex') : '';
  return new Set([...listed, ...(hex.match(/.{32}/g) ?? []).map(hyphenated)]);
}

function storableAttributes(attributes: Attributes, without: readonly string[] = []): Attributes {
  const entries = Object.entries(attributes).filter(([key]) => !without.includes(key));
  return Object.fromEntries(entries.map(([key, value]) => [storable(key), storableValue(value)]));
}

function storableValue(value: AttributeValue): AttributeValue {
  if (typeof value === 'string') return storable(value);
  if (typeof value === 'object') return value.map(storable);
  // JSON has no word for what is no finite number.
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function textOf(attributes: Attributes, key: string): string | null {
  const value = attributes[key];
  return typeof value === 'string' && value !== '' ? storable(value) : null;
}

function nameOf(attributes: Attributes, key: string): string | null {
  const name = textOf(attributes, key);
  return name === null ? null : nameText(name);
}

function uidOf(attributes: Attributes, key: string): string | null {
  const uid = textOf(attributes, key);
  return uid === null ? null : uuidOf(uid);
}

function countOf(attributes: Attributes, key: string, fallback: number): number {
  const value = attributes[key];
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31 ? value : fallback;
}
