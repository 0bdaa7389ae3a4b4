/** Jaeger's JSON, as its page downloads it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readJaegerJson } from '../../../shared/runtime-spans/read/jaeger-json.ts';
import { SpanBatch } from '../../../shared/runtime-spans/read/make-span.ts';

const traceID = 'a'.repeat(31);
const tags = [
  { key: 'span.kind', type: 'string', value: 'server' },
  { key: 'http.method', type: 'string', value: 'POST' },
  { key: 'http.status_code', type: 'int64', value: 201 },
  { key: 'error', type: 'bool', value: true },
  { key: 'otel.status_description', type: 'string', value: 'denied' },
];
const references = [
  { refType: 'CHILD_OF', traceID, spanID: 'b1' },
  { refType: 'FOLLOWS_FROM', traceID: 'c'.repeat(32), spanID: 'd'.repeat(16) },
];
const span = {
  traceID,
  spanID: 'b2',
  operationName: 'POST /pods',
  references,
  startTime: 1_763_680_000_000_000,
  duration: 18_000,
  tags,
  processID: 'p1',
};
const processes = { p1: { serviceName: 'apiserver', tags: [{ key: 'host.name', value: 'node-1' }] } };

function read(value: unknown) {
  const batch = new SpanBatch();
  return { ok: readJaegerJson(value, batch), spans: batch.spans, rejected: batch.rejected };
}

describe('readJaegerJson', () => {
  it('reads a span with its parent, its link and its process', () => {
    const { ok, spans } = read({ data: [{ traceID, spans: [span], processes }] });
    assert.equal(ok, true);
    assert.deepEqual(spans, [
      {
        traceId: `0${traceID}`,
        spanId: '00000000000000b2',
        parentSpanId: '00000000000000b1',
        name: 'POST /pods',
        kind: 'server',
        service: 'apiserver',
        node: 'node-1',
        cluster: '',
        start: 1_763_680_000_000_000,
        end: 1_763_680_000_018_000,
        attributes: { 'http.method': 'POST', 'http.status_code': 201 },
        failed: true,
        statusMessage: 'denied',
        links: [{ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }],
      },
    ]);
  });

  it('takes one trace by itself, and refuses the one span that has no time', () => {
    const { ok, spans, rejected } = read({ traceID, spans: [span, { ...span, startTime: 'now' }], processes });
    assert.deepEqual([ok, spans.length, rejected], [true, 1, 1]);
  });

  for (const value of [null, [], {}, { data: [] }, { data: [{ spans: [] }] }, { resourceSpans: [] }])
    it(`refuses ${JSON.stringify(value)}`, () => assert.equal(read(value).ok, false));
});
