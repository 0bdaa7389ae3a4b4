/**
 * What a trace offers to runtime spans: its spans with their times, and on each of them the Events that it tells, with the objects that
 * they name. Small, so that it can be kept for as long as spans may come, and plain JSON.
 */
import type { Micros } from '../events/observation.ts';
import { parseTimestamp } from '../events/time.ts';
import type { Attributes, Segment, Span } from '../spans/span.ts';
import { eventKey, podKey } from './classify.ts';
import { objectKey, resourceOf } from './request.ts';

export interface OutlineSpan {
  readonly id: string;
  readonly parent: string;
  readonly start: Micros;
  readonly end: Micros;
}

/** One occurrence of an Event that the trace tells, by a span or by a span event on it. */
export interface Anchor {
  /** Its span, by index. */
  readonly span: number;
  /** `events/<namespace>/<name>` */
  readonly event: string;
  readonly uid: string;
  readonly n: number;
  readonly at: Micros;
  /** The truth lies in [at, at + within]. */
  readonly within: Micros;
  readonly reason: string;
  /** What was done, where the Event tells an action: `create`, `delete`, `scale-up`, ... */
  readonly verb: string;
  /** What it was done to, `<resource>/<namespace>/<name>`; empty where the Event tells no action. */
  readonly subject: string;
  /** The object that the Event is about, in the same form. */
  readonly object: string;
  readonly objectUid: string;
  readonly container: string;
  /** Host or instance of whoever told it: whose clock its time is of. */
  readonly instance: string;
}

export interface TraceOutline {
  readonly traceId: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly rootKind: string;
  readonly rootName: string;
  /** The root first. */
  readonly spans: readonly OutlineSpan[];
  readonly anchors: readonly Anchor[];
  /** The object that changed. */
  readonly root: string;
  readonly rootUid: string;
  /** What was done to it: `knspan.change`. */
  readonly change: string;
}

const second = 1_000_000;

/** Of a whole trace, or of as much of it as there is. */
export function outlineOf(segment: Segment): TraceOutline {
  const spans = [...segment.spans].sort((a, b) => compare(a.parentSpanId, b.parentSpanId) || compare(a.spanId, b.spanId));
  const root = spans.find((span) => span.parentSpanId === '') ?? spans[0];
  const { traceId, cluster, namespace, rootKind, rootName } = segment;
  return {
    traceId,
    cluster,
    namespace,
    rootKind,
    rootName,
    spans: spans.map(({ spanId, parentSpanId, start, end }) => ({ id: spanId, parent: parentSpanId, start, end })),
    anchors: spans.flatMap(anchorsOf),
    root: root === undefined ? '' : objectOf(root.attributes, root.attributes),
    rootUid: text(root?.attributes['k8s.object.uid']),
    change: text(root?.attributes['knspan.change']),
  };
}

/** Of one trace, from the outlines of its segments: the same for any order of them and with any repetitions. */
export function mergeOutlines(outlines: readonly TraceOutline[]): TraceOutline | null {
  const [only, ...more] = outlines;
  if (only === undefined || more.length === 0) return only ?? null;
  const sorted = [...outlines].sort((a, b) => compare(JSON.stringify(a), JSON.stringify(b)));
  const byId = new Map(sorted.flatMap(({ spans }) => spans).map((span) => [span.id, span]));
  const spans = [...byId.values()].sort((a, b) => compare(a.parent, b.parent) || compare(a.id, b.id));
  const places = new Map(spans.map(({ id }, place) => [id, place]));
  const anchors = new Map<string, Anchor>();
  for (const outline of sorted)
    for (const anchor of outline.anchors) {
      const moved = { ...anchor, span: places.get(outline.spans[anchor.span]?.id ?? '') ?? 0 };
      anchors.set(`${moved.span} ${moved.uid}#${moved.n} ${moved.at}`, moved);
    }
  const head = sorted.find(({ spans: [first] }) => first?.parent === '') ?? sorted[0] ?? only;
  return {
    ...head,
    spans,
    anchors: [...anchors.values()].sort((a, b) => a.span - b.span || a.at - b.at || a.n - b.n || compare(a.uid, b.uid)),
  };
}

/** The keys by which runtime spans of its objects and Events are found. */
export function keysOf(outline: TraceOutline): string[] {
  const keys = new Set<string>();
  if (outline.root !== '') keys.add(outline.root);
  for (const { event, object, objectUid, subject } of outline.anchors) {
    keys.add(event);
    keys.add(object);
    if (subject !== '') keys.add(subject);
    if (objectUid !== '' && object.startsWith('pods/')) keys.add(podKey(objectUid));
  }
  return [...keys].sort();
}

function anchorsOf(span: Span, index: number): Anchor[] {
  const own = anchorOf(span.attributes, span.attributes, index, span.start, verbOf(span));
  const events = span.events.map((event) => anchorOf(event.attributes, span.attributes, index, event.at, ''));
  return [own, ...events].filter((anchor) => anchor !== null);
}

/** Of a span that an Event made. What folds stand for has no place of its own. */
function anchorOf(attributes: Attributes, span: Attributes, index: number, at: Micros, verb: string): Anchor | null {
  const uid = attributes['k8s.event.uid'];
  if (typeof uid !== 'string') return null;
  const n = Number(attributes['k8s.event.count'] ?? 1);
  const known = parseTimestamp(attributes['k8s.event.time']) ?? at;
  return {
    span: index,
    event: eventKey(text(span['k8s.namespace.name']) || 'default', text(attributes['k8s.event.name'])),
    uid,
    n,
    // The time of a repeat is cut to the second, whatever order was found inside of it.
    at: n > 1 ? known - (known % second) : known,
    within: n > 1 || known % second === 0 ? second : 0,
    reason: text(attributes['k8s.event.reason']),
    verb,
    subject: verb === '' ? '' : subjectOf(text(attributes['knspan.subject'])),
    object: objectOf(attributes, span),
    objectUid: text(attributes['k8s.object.uid']),
    container: text(attributes['k8s.container.name']),
    instance: text(attributes['knspan.reporter.instance']),
  };
}

/** A span with a subject is named by what was done to it: `create Pod`. */
function verbOf(span: Span): string {
  return span.attributes['knspan.subject'] === undefined ? '' : (span.name.split(' ', 1)[0] ?? '');
}

/** `Pod/shop/web-1` -> `pods/shop/web-1` */
function subjectOf(subject: string): string {
  const [kind = '', namespace = '', name = ''] = subject.split('/');
  return objectKey(resourceOf(kind), namespace, name);
}

function objectOf(attributes: Attributes, span: Attributes): string {
  const kind = text(attributes['k8s.object.kind']);
  return kind === '' ? '' : objectKey(resourceOf(kind), text(span['k8s.namespace.name']), text(attributes['k8s.object.name']));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
