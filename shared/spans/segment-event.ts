/**
 * Segment <-> CloudEvents `dev.knspan.trace.segment`: sent by the correlator, received by exporter and extensions. A segment changed by an
 * extension has a subtype, such as `dev.knspan.trace.segment.flipped`. The same segment always gives the same bytes, id included, so that
 * a repeated delivery is a duplicate, not a second event.
 */
import { createHash } from 'node:crypto';
import { percentEncoded, type ReceivedEvent } from '../events/cloudevents.ts';
import type { Result } from '../events/json.ts';
import { fitted } from './fit.ts';
import { otlpText, type SpanBatch } from './otlp.ts';
import { parseOtlpRequest } from './parse-otlp.ts';
import type { Segment, Span } from './span.ts';

export const segmentType = 'dev.knspan.trace.segment';
/** Types of changed segments: subtypes, so that a Trigger selects the one or the other. */
export function isSegmentType(type: string): boolean {
  return type === segmentType || (type.startsWith(`${segmentType}.`) && type.length > segmentType.length + 1);
}

/** Max size of one event. CloudEvents guarantees 64 KiB, Kafka's default limit is 1 MiB. */
export const segmentBytesMost = 256 * 1024;

/** Kubernetes allows 253. */
const nameMost = 253;
const partsDigits = '000000';

export interface SegmentEventOptions {
  /** CloudEvents `source`: the sender. */
  readonly source: string;
  /** Replaces `dev.knspan.trace.segment`. */
  readonly type?: string;
  /** Used if the segment's own is empty. */
  readonly cluster?: string;
  readonly bytesMost?: number;
}

export interface SegmentEvent {
  readonly id: string;
  /** The CloudEvent in structured mode: JSON for `application/cloudevents+json`. */
  readonly body: string;
}

export interface ReceivedSegment {
  /** Spans are grouped by service, not parents first. */
  readonly segment: Segment;
  readonly part: number;
  readonly parts: number;
}

export function toSegmentEvents(segment: Segment, options: SegmentEventOptions): readonly SegmentEvent[] {
  if (segment.spans.length === 0) return [];
  const cluster = segment.cluster || options.cluster || '';
  const attributes = attributesOf({ ...segment, cluster }, options);
  // The longest attributes that a part can have.
  const longest = {
    ...attributes,
    id: idOf('', ''),
    time: timeOf(segment.spans) ?? '',
    ...countsOf(partsDigits, partsDigits, partsDigits),
  };
  const room = (options.bytesMost ?? segmentBytesMost) - bytesOf(wrapped(longest, ''));
  const whole = otlpText({ cluster, spans: segment.spans });
  const fits = bytesOf(whole) <= room;
  const parts = fits ? [segment.spans] : cut({ cluster, spans: segment.spans }, room);
  return parts.map((spans, index) => {
    const time = timeOf(spans);
    const head = {
      ...attributes,
      ...(time === undefined ? {} : { time }),
      ...countsOf(spans.length, index + 1, parts.length),
      root: String(segment.root && index === 0),
    };
    const data = fits ? whole : otlpText({ cluster, spans });
    const id = idOf(JSON.stringify(head), data);
    return { id, body: wrapped({ id, ...head }, data) };
  });
}

export function parseSegmentEvent(received: ReceivedEvent): Result<ReceivedSegment> {
  if (!isSegmentType(received.type))
    return refused(`its type is '${received.type.slice(0, 100)}', wanted '${segmentType}' or '${segmentType}.*'`);
  if (received.data === undefined) return refused('it has no JSON data, wanted OTLP/JSON resourceSpans');
  const parsed = parseOtlpRequest(received.data);
  if (!parsed.ok) return refused(parsed.faults.join('; '));
  const { spans } = parsed.data;
  const traceId = spans[0]?.traceId;
  if (traceId === undefined) return refused('it has no spans');
  const text = (name: string) => decoded(Object.hasOwn(received.extensions, name) ? (received.extensions[name] ?? '') : '');
  const segment: Segment = {
    traceId,
    cluster: parsed.data.cluster || text('cluster'),
    namespace: text('namespace'),
    rootKind: text('rootkind'),
    rootName: text('rootname'),
    severity: text('severity') === 'error' ? 'error' : 'ok',
    root: text('root') === 'true',
    spans,
  };
  return { ok: true, value: { segment, part: countOf(text('part')), parts: countOf(text('parts')) } };
}

/** All as text, as a Broker sends them; empty ones are dropped, since an attribute must not be empty. */
function attributesOf(segment: Segment, { source, type = segmentType }: SegmentEventOptions): Record<string, string> {
  const names = { cluster: segment.cluster, namespace: segment.namespace, rootkind: segment.rootKind, rootname: segment.rootName };
  const ascii = Object.entries(names).map(([name, value]) => [name, percentEncoded(shortened(value))] as const);
  const object = [segment.namespace, segment.rootKind, segment.rootName].filter((name) => name !== '').map(shortened);
  return Object.fromEntries(
    [
      ['specversion', '1.0'],
      ['type', type],
      ['source', source],
      ['subject', percentEncoded(object.join('/'))],
      ['datacontenttype', 'application/json'],
      ['traceid', segment.traceId],
      ['severity', segment.severity],
      ['root', String(false)],
      ...ascii,
    ].filter(([, value]) => value !== ''),
  );
}

function countsOf(spancount: number | string, part: number | string, parts: number | string): Record<string, string> {
  return { spancount: String(spancount), part: String(part), parts: String(parts) };
}

/** Joined as text, so that the data is serialised once, for id and body. */
function wrapped(attributes: Readonly<Record<string, string>>, data: string): string {
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${data}}`;
}

function idOf(head: string, data: string): string {
  return createHash('sha256').update(head).update('\n').update(data).digest('hex').slice(0, 32);
}

/** End of the last span; absent if that is not a date. */
function timeOf(spans: readonly Span[]): string | undefined {
  const end = spans.reduce((latest, span) => Math.max(latest, span.end), 0);
  const date = new Date(Math.floor(end / 1000));
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 ? undefined : date.toISOString();
}

/** As many spans per part as surely fit, each measured with a resource of its own. */
function cut(batch: SpanBatch, room: number): readonly (readonly Span[])[] {
  const parts: Span[][] = [];
  let left = 0;
  for (const span of batch.spans) {
    const sizeOf = (one: Span) => bytesOf(otlpText({ cluster: batch.cluster, spans: [one] }));
    const fitting = fitted(span, (one) => sizeOf(one) <= room);
    const size = sizeOf(fitting);
    const part = parts.at(-1);
    if (part === undefined || size > left) {
      parts.push([fitting]);
      left = room - size;
    } else {
      part.push(fitting);
      left -= size;
    }
  }
  return parts;
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

function shortened(name: string): string {
  return [...name].slice(0, nameMost).join('');
}

/** A Broker passes structured attributes on unchanged and headers decoded; no Kubernetes name contains a percent sign. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function countOf(text: string): number {
  return /^[0-9]{1,6}$/.test(text) ? Number(text) : 1;
}

function refused(why: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason: `Cannot read segment: ${why}` };
}
