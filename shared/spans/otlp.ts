/**
 * Segments as OTLP/JSON: one `ExportTraceServiceRequest`, the form that files, CloudEvents and collectors understand.
 * The same segment always gives the same bytes. `parse-otlp.ts` is the way back.
 */
import type { AttributeValue, Segment, Span, SpanEvent, SpanLink } from './span.ts';

/** Version of the instrumentation scope; a test compares it with package.json. */
export const knspanVersion = '0.1.0';
export const scope = { name: 'knspan', version: knspanVersion } as const;
/** Attribute that carries `Span.title`. */
export const titleKey = 'knspan.title';

const kindInternal = 1;
const statusCodes = { unset: 0, ok: 1, error: 2 } as const;

export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  /** A text only for what JSON numbers cannot say: `NaN`, `Infinity`, `-Infinity`. */
  | { readonly doubleValue: number | string }
  | { readonly arrayValue: { readonly values: readonly OtlpValue[] } };

export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly events: readonly { readonly timeUnixNano: string; readonly name: string; readonly attributes: readonly OtlpAttribute[] }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: readonly OtlpAttribute[] }[];
  readonly status: { readonly code: number; readonly message?: string };
}

export interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

/** What an export needs of a segment. */
export type SpanBatch = Pick<Segment, 'cluster' | 'spans'>;

export function toOtlpRequest(batch: SpanBatch): OtlpRequest {
  const groups = Map.groupBy(batch.spans, (span) => span.service);
  return {
    resourceSpans: [...groups].map(([service, spans]) => ({
      resource: { attributes: toAttributes(resourceAttributes(batch.cluster, service)) },
      scopeSpans: [{ scope, spans: spans.map(toSpan) }],
    })),
  };
}

export function resourceAttributes(cluster: string, service: string): Readonly<Record<string, string>> {
  return cluster === '' ? { 'service.name': service } : { 'k8s.cluster.name': cluster, 'service.name': service };
}

/** The exported attributes of a span: its own and its title, in the order of their keys. */
export function exportedAttributes(span: Span): [string, AttributeValue][] {
  const entries = Object.entries(span.attributes).filter(([key]) => key !== titleKey);
  if (span.title !== '') entries.push([titleKey, span.title]);
  return entries.sort(byKey);
}

export function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

function toSpan(span: Span): OtlpSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === '' ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: kindInternal,
    startTimeUnixNano: toNanos(span.start),
    endTimeUnixNano: toNanos(span.end),
    attributes: exportedAttributes(span).map(toAttribute),
    events: span.events.map(toEvent),
    links: span.links.map(toLink),
    status: { code: statusCodes[span.status], ...(span.statusMessage === '' ? {} : { message: span.statusMessage }) },
  };
}

function toEvent(event: SpanEvent): OtlpSpan['events'][number] {
  return { timeUnixNano: toNanos(event.at), name: event.name, attributes: toAttributes(event.attributes) };
}

function toLink(link: SpanLink): OtlpSpan['links'][number] {
  return { traceId: link.traceId, spanId: link.spanId, attributes: toAttributes(link.attributes) };
}

function toAttributes(attributes: Readonly<Record<string, AttributeValue>>): OtlpAttribute[] {
  return Object.entries(attributes).sort(byKey).map(toAttribute);
}

function toAttribute([key, value]: [string, AttributeValue]): OtlpAttribute {
  return { key, value: toValue(value) };
}

function toValue(value: AttributeValue): OtlpValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return toNumber(value);
  return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } };
}

function toNumber(value: number): OtlpValue {
  if (Number.isSafeInteger(value)) return { intValue: String(value) };
  return { doubleValue: Number.isFinite(value) ? value : String(value) };
}

/** Unsigned in OTLP: a time before 1970 becomes 0. */
function toNanos(micros: number): string {
  return micros <= 0 ? '0' : `${micros}000`;
}
