/** Jaeger's JSON: what its query API answers and its page downloads, `{"data": [{"traceID", "spans", "processes"}]}`. */
import { field, isJson } from '../../events/json.ts';
import { AttributeBag, linksMost, type RawResource, type SpanBatch } from './make-span.ts';

const kinds: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3 };

/** False where the value is no such document. */
export function readJaegerJson(value: unknown, batch: SpanBatch): boolean {
  const traces = Array.isArray(field(value, 'data')) ? listOf(field(value, 'data')) : [value];
  if (!traces.some((trace) => isJson(trace) && Array.isArray(field(trace, 'spans')) && isJson(field(trace, 'processes')))) return false;
  for (const trace of traces) {
    const processes = field(trace, 'processes');
    for (const span of listOf(field(trace, 'spans'))) readSpan(span, resourceOf(field(processes, text(field(span, 'processID')))), batch);
  }
  return true;
}

function readSpan(span: unknown, resource: RawResource, batch: SpanBatch): void {
  const start = field(span, 'startTime');
  const duration = field(span, 'duration');
  if (!isMicros(start) || !isMicros(duration)) return batch.reject('bad_time');
  const traceId = padded(text(field(span, 'traceID')), 32);
  const references = listOf(field(span, 'references'));
  const parent = references.find((one) => padded(text(field(one, 'traceID')), 32) === traceId && field(one, 'refType') === 'CHILD_OF');
  const tags = listOf(field(span, 'tags'));
  batch.add(
    {
      traceId,
      spanId: padded(text(field(span, 'spanID')), 16),
      parentSpanId: parent === undefined ? '' : padded(text(field(parent, 'spanID')), 16),
      name: text(field(span, 'operationName')),
      kind: kinds[text(tagOf(tags, 'span.kind'))] ?? 1,
      start: BigInt(start) * 1_000n,
      end: BigInt(start + duration) * 1_000n,
      failed: tagOf(tags, 'error') === true || tagOf(tags, 'otel.status_code') === 'ERROR',
      statusMessage: text(tagOf(tags, 'otel.status_description')),
      attributes: attributesOf(tags),
      links: references
        .filter((one) => one !== parent)
        .slice(0, linksMost + 1)
        .map((one) => ({ traceId: padded(text(field(one, 'traceID')), 32), spanId: padded(text(field(one, 'spanID')), 16) })),
    },
    resource,
  );
}

function resourceOf(process: unknown): RawResource {
  const tags = listOf(field(process, 'tags'));
  const node = text(tagOf(tags, 'k8s.node.name')) || text(tagOf(tags, 'host.name'));
  return { service: text(field(process, 'serviceName')), node, cluster: text(tagOf(tags, 'k8s.cluster.name')) };
}

function attributesOf(tags: readonly unknown[]): AttributeBag {
  const bag = new AttributeBag();
  for (const tag of tags) {
    const key = text(field(tag, 'key'));
    const value = field(tag, 'value');
    if (key === '' || !bag.wants(key)) continue;
    if (typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
      bag.set(key, value);
  }
  return bag;
}

function tagOf(tags: readonly unknown[], key: string): unknown {
  return field(
    tags.find((tag) => field(tag, 'key') === key),
    'value',
  );
}

/** Jaeger leaves out leading zeros. */
function padded(id: string, digits: number): string {
  return id === '' ? '' : id.toLowerCase().padStart(digits, '0');
}

function isMicros(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
