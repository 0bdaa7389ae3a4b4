/**
 * Segment -> OTLP/JSON: one `ExportTraceServiceRequest`, for files, CloudEvents and collectors. The same segment always gives the same
 * bytes. `parse-otlp.ts` is the reverse.
 */
import type { Attributes, AttributeValue, Segment, Span, SpanEvent, SpanLink } from './span.ts';

/** Version of the instrumentation scope; a test compares it with package.json. */
export const knspanVersion = '0.1.0';
export const scope = { name: 'knspan', version: knspanVersion } as const;
/** Attribute that carries `Span.title`. */
export const titleKey = 'knspan.title';
/** All Events of a fold, 16 bytes of base64 each: for the history; too large for a tracing backend. */
export const foldUidsKey = 'knspan.fold.uids';

const kindInternal = 1;
const statusCodes = { unset: 0, ok: 1, error: 2 } as const;

/** The part of a segment that is exported. */
export type SpanBatch = Pick<Segment, 'cluster' | 'spans'>;

/**
 * The request as JSON text. Written directly: the objects that JSON.stringify would need for it, two for each attribute, take longer to
 * make than the text.
 */
export function otlpText({ cluster, spans }: SpanBatch): string {
  const groups = Map.groupBy(spans, ({ service }) => service);
  const resourceSpans = [...groups].map(([service, own]) => {
    const resource = attributesText(resourceAttributes(cluster, service));
    return `{"resource":{"attributes":${resource}},"scopeSpans":[{"scope":${scopeText},"spans":${list(own.map(spanText))}}]}`;
  });
  return `{"resourceSpans":${list(resourceSpans)}}`;
}

/** As it leaves knspan. */
export function exportedBatch({ cluster, spans }: SpanBatch): SpanBatch {
  return {
    cluster,
    spans: spans.map((span) => {
      if (!(foldUidsKey in span.attributes)) return span;
      const { [foldUidsKey]: _, ...attributes } = span.attributes;
      return { ...span, attributes };
    }),
  };
}

export function resourceAttributes(cluster: string, service: string): Readonly<Record<string, string>> {
  return cluster === '' ? { 'service.name': service } : { 'k8s.cluster.name': cluster, 'service.name': service };
}

/** The exported attributes of a span: its own and its title, sorted by key. */
export function exportedAttributes(span: Span): [string, AttributeValue][] {
  const entries = Object.entries(span.attributes).filter(([key]) => key !== titleKey && key !== foldUidsKey);
  if (span.title !== '') entries.push([titleKey, span.title]);
  return entries.sort(byKey);
}

export function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

const scopeText = JSON.stringify(scope);

function spanText(span: Span): string {
  const parent = span.parentSpanId === '' ? '' : `"parentSpanId":${quoted(span.parentSpanId)},`;
  const message = span.statusMessage === '' ? '' : `,"message":${quoted(span.statusMessage)}`;
  return (
    `{"traceId":${quoted(span.traceId)},"spanId":${quoted(span.spanId)},${parent}"name":${quoted(span.name)},"kind":${kindInternal},` +
    `"startTimeUnixNano":"${toNanos(span.start)}","endTimeUnixNano":"${toNanos(span.end)}",` +
    `"attributes":${attributesText(span.attributes, span.title)},"events":${list(span.events.map(eventText))},` +
    `"links":${list(span.links.map(linkText))},"status":{"code":${statusCodes[span.status]}${message}}}`
  );
}

function eventText({ at, name, attributes }: SpanEvent): string {
  return `{"timeUnixNano":"${toNanos(at)}","name":${quoted(name)},"attributes":${attributesText(attributes)}}`;
}

function linkText({ traceId, spanId, attributes }: SpanLink): string {
  return `{"traceId":${quoted(traceId)},"spanId":${quoted(spanId)},"attributes":${attributesText(attributes)}}`;
}

/** In the order of their keys; a title goes by its own key. */
function attributesText(attributes: Attributes, title?: string): string {
  const keys = Object.keys(attributes);
  if (title !== undefined && title !== '' && !Object.hasOwn(attributes, titleKey)) keys.push(titleKey);
  let text = '';
  for (const key of keys.sort()) {
    const value = key === titleKey && title !== undefined ? title : attributes[key];
    if (value === undefined || (key === titleKey && value === '')) continue;
    text += `${text === '' ? '' : ','}${keyText(key)}${valueText(value)}}`;
  }
  return `[${text}]`;
}

function valueText(value: AttributeValue): string {
  if (typeof value === 'string') return `{"stringValue":${quoted(value)}}`;
  if (typeof value === 'boolean') return `{"boolValue":${value}}`;
  if (typeof value === 'number') return numberText(value);
  return `{"arrayValue":{"values":${list(value.map((one) => `{"stringValue":${quoted(one)}}`))}}}`;
}

/** A text for what JSON numbers cannot say: `NaN`, `Infinity`, `-Infinity`. */
function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return `{"intValue":"${value}"}`;
  return `{"doubleValue":${Number.isFinite(value) ? value : quoted(String(value))}}`;
}

/** Appended, not joined: joining would copy the text once more at each level. */
function list(items: readonly string[]): string {
  let text = '';
  for (const item of items) text += text === '' ? item : `,${item}`;
  return `[${text}]`;
}

/** Keys are few and come again with every span. */
const keyTexts = new Map<string, string>();
const keyTextsMost = 1_000;

function keyText(key: string): string {
  const known = keyTexts.get(key);
  if (known !== undefined) return known;
  const text = `{"key":${quoted(key)},"value":`;
  if (keyTexts.size < keyTextsMost) keyTexts.set(key, text);
  return text;
}

/** What JSON escapes; most texts have nothing of it, and need no more than their quotes. */
const escaped = /["\\\u0000-\u001f\ud800-\udfff]/;

function quoted(text: string): string {
  return escaped.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Times are unsigned in OTLP: one before 1970 becomes 0. */
function toNanos(micros: number): string {
  return micros <= 0 ? '0' : `${micros}000`;
}
