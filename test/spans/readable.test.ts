/** Spans for the SDK: the official exporter sends over HTTP what `otlpText` writes. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { otlpText } from '../../shared/spans/otlp.ts';
import { parseOtlpRequest } from '../../shared/spans/parse-otlp.ts';
import { toHrTime, toReadableSpans } from '../../shared/spans/readable.ts';
import type { Segment } from '../../shared/spans/span.ts';
import { began, segmentOf, spanOf } from '../helpers/segment.ts';

const root = spanOf({ title: 'Deployment shop/web: rollout', service: 'knspan', status: 'ok', attributes: { 'knspan.change': 'rollout' } });
const create = spanOf({ spanId: '0000000000000002', parentSpanId: root.spanId, service: 'replicaset-controller', start: began + 7 });
const pull = spanOf({
  spanId: '0000000000000003',
  parentSpanId: create.spanId,
  start: began + 999_999,
  end: began + 1_000_000,
  status: 'error',
  statusMessage: 'no such image',
  attributes: { z: 'last', count: 3, ratio: 0.5, flag: true, uids: ['a', 'b'] },
  events: [{ name: 'Failed', at: began + 1_000_000, attributes: { 'k8s.event.uid': 'e', n: 2 } }],
  links: [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16), attributes: { 'knspan.link': 'continues' } }],
});
const again = spanOf({ spanId: '0000000000000004', parentSpanId: root.spanId, service: 'kubelet' });
const segment = segmentOf([root, create, pull, again], { cluster: 'prod' });

describe('toReadableSpans', () => {
  test('the official exporter sends the spans that were made: ids, times to the nanosecond, attributes, events, links, status', async () => {
    const [request] = await sentOf([segment]);
    const parsed = parseOtlpRequest(request);
    assert.ok(parsed.ok);
    const byId = (a: { spanId: string }, b: { spanId: string }) => (a.spanId < b.spanId ? -1 : 1);
    assert.deepEqual([...parsed.data.spans].sort(byId), segment.spans);
    assert.equal(parsed.data.cluster, 'prod');
  });

  test('resources, scope and order are those of otlpText', async () => {
    const [request] = await sentOf([segment]);
    assert.deepEqual(outlineOf(request), outlineOf(JSON.parse(otlpText(segment))));
  });

  test('segments that share resources share them in a request', async () => {
    const other = segmentOf([{ ...root, traceId: 'a'.repeat(32) }], { cluster: 'prod' });
    const [request] = await sentOf([segment, other]);
    assert.deepEqual(
      outlineOf(request).map((one) => [one.attributes[1], one.spans.length]),
      [
        ['service.name=knspan', 2],
        ['service.name=replicaset-controller', 1],
        ['service.name=kubelet', 2],
      ],
    );
  });
});

test('toHrTime is exact to the microsecond, also far from now, and never negative', () => {
  assert.deepEqual(toHrTime(began + 123_457), [1_763_680_000, 123_457_000]);
  assert.deepEqual(toHrTime(8_999_999_999_999_999), [8_999_999_999, 999_999_000]);
  assert.deepEqual(toHrTime(-1), [0, 0]);
});

/** The bodies that the exporter posts for segments sent in one batch. */
async function sentOf(segments: readonly Segment[]): Promise<unknown[]> {
  const bodies: unknown[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    bodies.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${port}/v1/traces` });
  try {
    const resources = new Map();
    const spans = segments.flatMap((one) => toReadableSpans(one, resources));
    const code = await new Promise<number>((resolve) => exporter.export(spans, (result) => resolve(result.code)));
    assert.equal(code, 0);
  } finally {
    await exporter.shutdown();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return bodies;
}

interface Outline {
  readonly attributes: readonly string[];
  readonly scope: unknown;
  readonly spans: readonly string[];
}

interface ResourceSpans {
  readonly resource: { readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[] };
  readonly scopeSpans: readonly { readonly scope: unknown; readonly spans: readonly { readonly spanId: string }[] }[];
}

function outlineOf(request: unknown): Outline[] {
  const { resourceSpans } = JSON.parse(JSON.stringify(request));
  return resourceSpans.map((one: ResourceSpans) => ({
    attributes: one.resource.attributes.map(({ key, value }) => `${key}=${value.stringValue ?? ''}`),
    scope: one.scopeSpans[0]?.scope,
    spans: one.scopeSpans[0]?.spans.map((span) => span.spanId) ?? [],
  }));
}
