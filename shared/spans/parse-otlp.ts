/**
 * The gate for OTLP/JSON that comes from outside: `ExportTraceServiceRequest` -> spans, or what is wrong with it. Takes what
 * `otlpText` makes and what an extension may have changed or added within the OTLP/JSON encoding.
 */
import { titleKey } from './otlp.ts';
import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink } from './span.ts';

const maxFaults = 5;
const maxSpans = 100_000;
const maxDepth = 8;
const nanosPerMicro = 1000n;
const statuses = ['unset', 'ok', 'error'] as const;

export interface TraceData {
  /** `k8s.cluster.name` of the resources; empty if they have none. */
  readonly cluster: string;
  /** In the order of the request: grouped by service, not parents first. */
  readonly spans: readonly Span[];
}

export type ParsedRequest = { readonly ok: true; readonly data: TraceData } | { readonly ok: false; readonly faults: readonly string[] };

export function parseOtlpRequest(value: unknown): ParsedRequest {
  const reader = new Reader();
  const spans: Span[] = [];
  let cluster = '';
  for (const [resourceSpans, path] of reader.items(reader.record(value, 'request').resourceSpans, 'resourceSpans', true)) {
    const resource = reader.attributes(
      reader.optionalRecord(resourceSpans.resource, `${path}.resource`).attributes,
      `${path}.resource.attributes`,
    );
    cluster ||= textOf(resource['k8s.cluster.name']);
    const service = textOf(resource['service.name']);
    for (const [scopeSpans, scopePath] of reader.items(resourceSpans.scopeSpans, `${path}.scopeSpans`)) {
      for (const [span, spanPath] of reader.items(scopeSpans.spans, `${scopePath}.spans`)) {
        if (spans.length < maxSpans) spans.push(reader.span(span, spanPath, service));
        else reader.fault(spanPath, `one of at most ${maxSpans} spans`, 'one more');
      }
    }
  }
  return reader.faults.length > 0 ? { ok: false, faults: reader.faults } : { ok: true, data: { cluster, spans } };
}

type Json = Readonly<Record<string, unknown>>;

/** Reads field by field; records faults (the first few) and continues with an empty value. */
class Reader {
  readonly faults: string[] = [];

  fault(path: string, wanted: string, current: unknown): void {
    if (this.faults.length < maxFaults)
      this.faults.push(`Cannot read OTLP request: '${path}' must be ${wanted}: current value is ${show(current)}`);
  }

  record(value: unknown, path: string): Json {
    if (isRecord(value)) return value;
    this.fault(path, 'an object', value);
    return {};
  }

  optionalRecord(value: unknown, path: string): Json {
    return value === undefined || value === null ? {} : this.record(value, path);
  }

  /** The objects of a list with their paths; an absent list is empty, as in protobuf. */
  *items(value: unknown, path: string, required = false): Generator<[Json, string]> {
    if (!required && (value === undefined || value === null)) return;
    if (!Array.isArray(value)) {
      this.fault(path, 'a list', value);
      return;
    }
    for (const [index, item] of value.entries()) yield [this.record(item, `${path}[${index}]`), `${path}[${index}]`];
  }

  span(value: Json, path: string, service: string): Span {
    const { [titleKey]: title, ...attributes } = this.attributes(value.attributes, `${path}.attributes`);
    const name = this.text(value.name, `${path}.name`);
    const start = this.micros(value.startTimeUnixNano, `${path}.startTimeUnixNano`);
    const end = this.micros(value.endTimeUnixNano, `${path}.endTimeUnixNano`);
    if (end < start) this.fault(`${path}.endTimeUnixNano`, 'no earlier than the start', value.endTimeUnixNano);
    const status = this.optionalRecord(value.status, `${path}.status`);
    return {
      traceId: this.id(value.traceId, `${path}.traceId`, 32),
      spanId: this.id(value.spanId, `${path}.spanId`, 16),
      parentSpanId: isAbsent(value.parentSpanId) ? '' : this.id(value.parentSpanId, `${path}.parentSpanId`, 16),
      name,
      title: textOf(title) || name,
      start,
      end,
      attributes,
      status: this.status(status.code, `${path}.status.code`),
      statusMessage: isAbsent(status.message) ? '' : this.text(status.message, `${path}.status.message`),
      events: this.events(value.events, `${path}.events`),
      links: this.links(value.links, `${path}.links`),
      service,
    };
  }

  events(value: unknown, path: string): SpanEvent[] {
    return [...this.items(value, path)].map(([event, at]) => ({
      name: this.text(event.name, `${at}.name`),
      at: this.micros(event.timeUnixNano, `${at}.timeUnixNano`),
      attributes: this.attributes(event.attributes, `${at}.attributes`),
    }));
  }

  links(value: unknown, path: string): SpanLink[] {
    return [...this.items(value, path)].map(([link, at]) => ({
      traceId: this.id(link.traceId, `${at}.traceId`, 32),
      spanId: this.id(link.spanId, `${at}.spanId`, 16),
      attributes: this.attributes(link.attributes, `${at}.attributes`),
    }));
  }

  attributes(value: unknown, path: string): Attributes {
    const attributes: Record<string, AttributeValue> = Object.create(null);
    for (const [attribute, at] of this.items(value, path)) {
      const key = this.text(attribute.key, `${at}.key`);
      const parsed = this.value(attribute.value, `${at}.value`);
      if (parsed !== undefined) attributes[key] = parsed;
    }
    return { ...attributes };
  }

  /** undefined for a value without content. Values that spans cannot hold here (maps, bytes, mixed lists) become text. */
  value(value: unknown, path: string): AttributeValue | undefined {
    const fields = this.optionalRecord(value, path);
    if ('stringValue' in fields) return this.text(fields.stringValue, `${path}.stringValue`);
    if ('boolValue' in fields) return fields.boolValue === true;
    if ('intValue' in fields) return this.number(fields.intValue, `${path}.intValue`);
    if ('doubleValue' in fields) return this.number(fields.doubleValue, `${path}.doubleValue`);
    if ('arrayValue' in fields) {
      const values = this.optionalRecord(fields.arrayValue, `${path}.arrayValue`).values;
      return [...this.items(values, `${path}.arrayValue.values`)].map(([item]) => valueText(item, 0));
    }
    return Object.keys(fields).length === 0 ? undefined : valueText(fields, 0);
  }

  text(value: unknown, path: string): string {
    if (typeof value === 'string') return value;
    this.fault(path, 'a text', value);
    return '';
  }

  number(value: unknown, path: string): number {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && (!Number.isNaN(number) || value === 'NaN')) return number;
    this.fault(path, 'a number', value);
    return 0;
  }

  id(value: unknown, path: string, digits: number): string {
    const id = typeof value === 'string' ? value.toLowerCase() : '';
    if (id.length === digits && /^[0-9a-f]+$/.test(id) && !/^0+$/.test(id)) return id;
    this.fault(path, `${digits} hex digits, not all 0`, value);
    return '';
  }

  /** Nanoseconds as text or number, truncated to microseconds. */
  micros(value: unknown, path: string): number {
    const text = typeof value === 'number' && Number.isInteger(value) ? BigInt(value).toString() : value;
    if (typeof text === 'string' && /^[0-9]{1,20}$/.test(text)) return Number(BigInt(text) / nanosPerMicro);
    this.fault(path, 'nanoseconds since 1970', value);
    return 0;
  }

  status(value: unknown, path: string): Span['status'] {
    const code = isAbsent(value) ? 0 : value;
    const status = typeof code === 'number' ? statuses[code] : undefined;
    if (status === undefined) this.fault(path, '0, 1 or 2', value);
    return status ?? 'unset';
  }
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function textOf(value: AttributeValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** The content of an OTLP value as text. */
function valueText(value: unknown, depth: number): string {
  if (!isRecord(value) || depth >= maxDepth) return '';
  for (const key of ['stringValue', 'intValue', 'doubleValue', 'boolValue', 'bytesValue']) {
    if (value[key] !== undefined) return String(value[key]);
  }
  return JSON.stringify(plain(value, depth)) ?? '';
}

function plain(value: unknown, depth: number): unknown {
  if (!isRecord(value) || depth >= maxDepth) return null;
  const list = value.arrayValue ?? value.kvlistValue;
  const values = isRecord(list) && Array.isArray(list.values) ? list.values : null;
  if (values === null) return valueText(value, depth + 1);
  if (value.arrayValue !== undefined) return values.map((item) => plain(item, depth + 1));
  return Object.fromEntries(values.filter(isRecord).map((item) => [String(item.key), plain(item.value, depth + 1)]));
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
