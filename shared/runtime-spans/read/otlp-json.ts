/** OTLP/JSON: an ExportTraceServiceRequest, as a body or as a line of the file that the Collector's file exporter writes. */
import { field, isJson } from '../../events/json.ts';
import { AttributeBag, linksMost, type RawResource, type SpanBatch } from './make-span.ts';

const nothing: readonly unknown[] = [];

/** False where the value is no such request at all. What single spans lack is counted in the batch. */
export function readOtlpJson(value: unknown, batch: SpanBatch): boolean {
  const all = field(value, 'resourceSpans');
  // An empty request is `{}`; anything else without spans is something else.
  if (!isJson(value) || !(all === undefined ? Object.keys(value).length === 0 : Array.isArray(all))) return false;
  for (const resourceSpans of listOf(all)) {
    const resource = resourceOf(field(resourceSpans, 'resource'));
    // `instrumentationLibrarySpans` was its name before OTLP 0.15.
    const scopes = field(resourceSpans, 'scopeSpans') ?? field(resourceSpans, 'instrumentationLibrarySpans');
    for (const scope of listOf(scopes)) for (const span of listOf(field(scope, 'spans'))) readSpan(span, resource, batch);
  }
  return true;
}

function readSpan(span: unknown, resource: RawResource, batch: SpanBatch): void {
  const start = nanosOf(field(span, 'startTimeUnixNano'));
  const end = nanosOf(field(span, 'endTimeUnixNano'));
  if (!isJson(span)) return batch.reject('bad_type');
  if (start === null || end === null) return batch.reject('bad_time');
  const status = field(span, 'status');
  const links = listOf(field(span, 'links'));
  batch.add(
    {
      traceId: text(field(span, 'traceId')),
      spanId: text(field(span, 'spanId')),
      parentSpanId: text(field(span, 'parentSpanId')),
      name: text(field(span, 'name')),
      kind: kindOf(field(span, 'kind')),
      start,
      end,
      failed: isError(field(status, 'code')),
      statusMessage: text(field(status, 'message')),
      attributes: attributesOf(field(span, 'attributes')),
      links: links
        .slice(0, linksMost + 1)
        .map((link) => ({ traceId: text(field(link, 'traceId')).toLowerCase(), spanId: text(field(link, 'spanId')).toLowerCase() })),
    },
    resource,
  );
}

function resourceOf(resource: unknown): RawResource {
  let service = '';
  let node = '';
  let cluster = '';
  for (const attribute of listOf(field(resource, 'attributes'))) {
    const key = field(attribute, 'key');
    const value = text(field(field(attribute, 'value'), 'stringValue'));
    if (key === 'service.name') service = value;
    else if (key === 'k8s.node.name') node = value;
    else if (key === 'host.name') node ||= value;
    else if (key === 'k8s.cluster.name') cluster = value;
  }
  return { service, node, cluster };
}

function attributesOf(list: unknown): AttributeBag {
  const bag = new AttributeBag();
  for (const attribute of listOf(list)) {
    const key = field(attribute, 'key');
    if (typeof key !== 'string' || !bag.wants(key)) continue;
    const value = field(attribute, 'value');
    const parsed =
      field(value, 'stringValue') ?? field(value, 'boolValue') ?? numberOf(field(value, 'intValue') ?? field(value, 'doubleValue'));
    if (typeof parsed === 'string' || typeof parsed === 'boolean' || typeof parsed === 'number') bag.set(key, parsed);
  }
  return bag;
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** As text or as a number; null for what is no time. */
function nanosOf(value: unknown): bigint | null {
  if (typeof value === 'string' && /^[0-9]{1,20}$/.test(value)) return BigInt(value);
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? BigInt(value) : null;
}

const kindNames = ['SPAN_KIND_UNSPECIFIED', 'SPAN_KIND_INTERNAL', 'SPAN_KIND_SERVER', 'SPAN_KIND_CLIENT'];

/** Some writers of protobuf's JSON spell enumerations out. */
function kindOf(value: unknown): number {
  return typeof value === 'string' ? kindNames.indexOf(value) : typeof value === 'number' ? value : 0;
}

function isError(code: unknown): boolean {
  return code === 2 || code === 'STATUS_CODE_ERROR';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : nothing;
}
