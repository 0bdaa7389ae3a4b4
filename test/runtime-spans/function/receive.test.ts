/** `POST /v1/traces`: what is taken, what is refused and how, by the OTLP specification. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MemorySpanStore } from '../../../functions/runtime-spans/store/memory.ts';
import { defaultBounds, type SpanStore } from '../../../functions/runtime-spans/store/span-store.ts';
import { StoreError } from '../../../shared/store/store.ts';
import { began } from '../../helpers/segment.ts';
import { otlpProtobuf } from './otlp-protobuf.ts';
import { Rig } from './rig.ts';

const json = { 'content-type': 'application/json' };
const protobuf = { 'content-type': 'application/x-protobuf' };
const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
const span = (fields: object = {}) => ({
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  name: 'syncPod',
  kind: 1,
  startTimeUnixNano: `${began}000`,
  endTimeUnixNano: `${began + 5_000_000}000`,
  attributes: [text('k8s.pod.uid', 'u-1'), text('k8s.pod.name', 'web-1'), text('k8s.namespace.name', 'shop')],
  ...fields,
});
const request = (...spans: readonly object[]) => ({
  resourceSpans: [{ resource: { attributes: [text('service.name', 'kubelet')] }, scopeSpans: [{ spans }] }],
});
const body = (value: unknown) => JSON.stringify(value);

/** A store that is away when the test says so. */
function failing(store: SpanStore, isAway: () => boolean): SpanStore {
  return new Proxy(store, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...given: unknown[]): Promise<unknown> => {
        if (isAway() && name !== 'close') throw new StoreError('Cannot reach the store: it is away');
        return Reflect.apply(method, target, given);
      };
    },
  });
}

describe('POST /v1/traces', () => {
  let rig: Rig;
  let isAway = false;
  const now = began / 1_000;
  before(async () => {
    const store = new MemorySpanStore(() => now, { ...defaultBounds, bytes: 1_000_000 });
    rig = await Rig.start({ now, store: failing(store, () => isAway) });
  });
  after(() => rig.stop());

  for (const [name, bytes, headers] of [
    ['JSON', Buffer.from(body(request(span()))), json],
    ['JSON with a charset', Buffer.from(body(request(span()))), { 'content-type': 'application/json; charset=utf-8' }],
    ['JSON, gzipped', gzipSync(body(request(span()))), { ...json, 'content-encoding': 'gzip' }],
    ['protobuf', otlpProtobuf(request(span())), protobuf],
    ['protobuf, gzipped', gzipSync(otlpProtobuf(request(span()))), { ...protobuf, 'content-encoding': 'gzip' }],
    ['an empty request', Buffer.from('{}'), json],
    ['an empty request in protobuf', Buffer.alloc(0), protobuf],
  ] as const)
    it(`takes ${name}, and answers in the same encoding`, async () => {
      const response = await rig.post(bytes, headers);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), headers['content-type'].split(';')[0]);
      assert.equal(await response.text(), headers['content-type'] === 'application/x-protobuf' ? '' : '{}');
    });

  it('keeps what speaks of an object, drops the rest and counts it by kind', async () => {
    const before = await rig.metric('knspan_runtime_spans_kept_total');
    const read = {
      name: 'GET',
      kind: 2,
      traceId: 'c'.repeat(32),
      attributes: [text('http.method', 'GET'), text('http.target', '/api/v1/pods')],
    };
    const noUid = { traceId: 'd'.repeat(32), attributes: [] };
    await rig.spans(request(span(), span(read), span({ ...read, spanId: 'e'.repeat(16) }), span(noUid)));
    assert.equal((await rig.metric('knspan_runtime_spans_kept_total')) - before, 1);
    assert.equal(await rig.metric('knspan_runtime_spans_dropped_total{kind="reads"}'), 2);
    assert.equal(await rig.metric('knspan_runtime_spans_dropped_total{kind="no_object"}'), 1);
  });

  it('says which spans it cannot use by partial success, in both encodings', async () => {
    const bad = request(span(), span({ spanId: 'zz' }), span({ startTimeUnixNano: '9', endTimeUnixNano: '1' }));
    const response = await rig.post(body(bad), json);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), {
      partialSuccess: { rejectedSpans: '2', errorMessage: 'Cannot use 2 spans: bad_id, bad_time' },
    });
    const binary = await rig.post(otlpProtobuf(request(span(), span({ spanId: 'ff' }))), protobuf);
    const bytes = Buffer.from(await binary.arrayBuffer());
    // partial_success (1) { rejected_spans (1): 1, error_message (2) }
    assert.deepEqual([...bytes.subarray(0, 5)], [0x0a, bytes.length - 2, 0x08, 1, 0x12]);
    assert.equal(await rig.metric('knspan_runtime_faults_total{reason="bad_time"}'), 1);
  });

  for (const [name, bytes, headers, status, wanted] of [
    ['text', Buffer.from('hello'), json, 400, /^Cannot read spans: wanted an OTLP ExportTraceServiceRequest$/],
    ['JSON that is no OTLP', Buffer.from('{"kind":"Event"}'), json, 400, /ExportTraceServiceRequest/],
    ['bytes that are no OTLP', Buffer.from('hello'), protobuf, 400, /ExportTraceServiceRequest/],
    ['a request that is cut off', otlpProtobuf(request(span())).subarray(0, -3), protobuf, 400, /ExportTraceServiceRequest/],
    ['what is no gzip', Buffer.from('{}'), { ...json, 'content-encoding': 'gzip' }, 400, /^Cannot read spans: the body is no gzip$/],
    ['another content encoding', Buffer.from('{}'), { ...json, 'content-encoding': 'br' }, 415, /content encoding gzip/],
    ['another content type', Buffer.from('{}'), { 'content-type': 'text/plain' }, 415, /application\/x-protobuf/],
    ['too much', gzipSync(Buffer.alloc(17 * 1024 * 1024)), { ...json, 'content-encoding': 'gzip' }, 413, /at most 16777216 bytes/],
  ] as const)
    it(`refuses ${name} with ${status}`, async () => {
      const response = await rig.post(bytes, headers);
      assert.equal(response.status, status);
      const answer = await response.text();
      assert.match(headers['content-type'] === 'application/x-protobuf' ? answer.slice(2) : JSON.parse(answer).message, wanted);
    });

  it('refuses a body that is too large before it is unpacked', async () => {
    assert.equal((await rig.post(Buffer.alloc(4 * 1024 * 1024), protobuf)).status, 413);
  });

  it('wants POST', async () => {
    const response = await fetch(`${rig.url}/v1/traces`);
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST']);
  });

  it('answers 503 with Retry-After while the store is away', async () => {
    isAway = true;
    const response = await rig.post(body(request(span())), json);
    isAway = false;
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '5']);
    assert.deepEqual(await response.json(), { message: 'Cannot keep spans: the store does not answer' });
  });

  it('answers 429 with Retry-After when the store is full', async () => {
    const traceId = (number: number) => number.toString(16).padStart(32, 'f');
    let status = 200;
    let retryAfter: string | null = null;
    for (let round = 0; status === 200; round += 1) {
      const spans = Array.from({ length: 500 }, (_, index) => span({ traceId: traceId(round * 500 + index) }));
      const response = await rig.post(body(request(...spans)), json);
      await response.arrayBuffer();
      ({ status } = response);
      retryAfter = response.headers.get('retry-after');
    }
    assert.deepEqual([status, retryAfter], [429, '30']);
    assert.equal(await rig.metric('knspan_runtime_requests_total{outcome="full"}'), 1);
  });

  describe('hostile spans', () => {
    let one: Rig;
    before(async () => {
      one = await Rig.start({ now });
    });
    after(() => one.stop());
    const cases: readonly (readonly [string, object, string])[] = [
      ['100,000 attributes', span({ attributes: Array.from({ length: 100_000 }, (_, index) => text(`a${index}`, 'x')) }), 'attributes_cut'],
      ['a name of a megabyte', span({ name: 'x'.repeat(1_000_000) }), 'text_cut'],
      [
        '10,000 links',
        span({ links: Array.from({ length: 10_000 }, () => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) })) }),
        'links_cut',
      ],
      ['a time after the end of time', span({ endTimeUnixNano: '18446744073709551615' }), 'bad_time'],
      ['an id of nothing', span({ traceId: '0'.repeat(32) }), 'bad_id'],
    ];
    for (const [name, hostile, reason] of cases)
      for (const encoding of ['json', 'protobuf'] as const)
        it(`${name}, as ${encoding}: counted as ${reason}`, async () => {
          const metric = `knspan_runtime_faults_total{reason="${reason}"}`;
          const before = await one.metric(metric);
          await one.spans(request(hostile), encoding, true);
          assert.equal((await one.metric(metric)) - before, 1);
        });

    it('reads no deep value, no wrong type, no circle of parents', async () => {
      const circle = [
        { spanId: '1'.repeat(16), parentSpanId: '2'.repeat(16) },
        { spanId: '2'.repeat(16), parentSpanId: '1'.repeat(16) },
      ];
      const wrong = { attributes: { a: 1 }, links: 'x', status: [], name: 7, kind: {}, events: null };
      const requests = [
        body(request(span({ attributes: [{ key: 'key', value: 'deep' }] }))).replace(
          '"deep"',
          `${'{"arrayValue":{"values":['.repeat(2_000)}{}${']}}'.repeat(2_000)}`,
        ),
        request(span(wrong)),
        request(...circle.map(span)),
        { resourceSpans: [null, 7, { scopeSpans: [null, { spans: [null, [], 'x'] }] }] },
      ];
      for (const hostile of requests) {
        const response = await one.post(typeof hostile === 'string' ? hostile : body(hostile), json);
        assert.equal(response.status, 200);
        await response.arrayBuffer();
      }
    });
  });
});
