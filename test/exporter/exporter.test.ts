/** The exporter over HTTP, against a backend that keeps what it gets: JSON, protobuf, gzip, and every way in which a backend fails. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { startExporter } from '../../functions/exporter/index.ts';
import { ConfigError } from '../../shared/process/settings.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import type { Span } from '../../shared/spans/span.ts';
import { type Behaviour, OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { began, segmentOf, spanOf, traceId } from '../helpers/segment.ts';
import { metricOf, surroundingsFor, type TestSurroundings } from '../helpers/surroundings.ts';
import { until } from '../helpers/until.ts';

type Exporter = Awaited<ReturnType<typeof startExporter>>;
const endpoint = 'OTEL_EXPORTER_OTLP_ENDPOINT';
/** Below the exporter's first pause before a retry, so that it tries once. */
const once = { OTEL_EXPORTER_OTLP_TIMEOUT: '700' };

const spans: readonly Span[] = [
  spanOf({ attributes: { text: 'ä "quoted"\n', whole: 7, part: 0.25, yes: true, list: ['a', ''] } }),
  spanOf({
    spanId: '0000000000000002',
    parentSpanId: '0000000000000001',
    service: 'default-scheduler',
    status: 'error',
    statusMessage: 'no node',
  }),
  spanOf({
    spanId: '0000000000000003',
    parentSpanId: '0000000000000001',
    start: began + 1,
    end: began + 2,
    events: [{ name: 'Unhealthy', at: began + 1, attributes: { 'k8s.event.count': 3 } }],
    links: [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16), attributes: { why: 'continues' } }],
  }),
];
const segment = segmentOf(spans, { cluster: 'c-1' });
const bodyOf = (of = segment) => toSegmentEvents(of, { source: '/test' })[0]?.body ?? '';
const byId = (all: readonly Span[]) => all.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1));

function post(to: Exporter, body = bodyOf(), type = 'application/cloudevents+json'): Promise<Response> {
  return fetch(to.url, { method: 'POST', body, headers: { 'content-type': type } });
}

describe('exporter', () => {
  let backend: OtlpReceiver;
  let url: string;
  let surroundings: TestSurroundings;
  const running: Exporter[] = [];

  beforeEach(async () => {
    backend = new OtlpReceiver();
    url = await backend.start();
  });
  afterEach(async () => {
    await backend.stop();
    for (const exporter of running.splice(0)) await exporter.close(0);
  });

  async function start(env: Readonly<Record<string, string>> = {}): Promise<Exporter> {
    surroundings = surroundingsFor({ [endpoint]: url, ...once, ...env });
    const exporter = await startExporter(surroundings);
    running.push(exporter);
    return exporter;
  }

  async function metric(exporter: Exporter, name: string): Promise<number> {
    return metricOf(await (await fetch(`${exporter.url}/metrics`)).text(), name);
  }

  test('links the root span to the page of the history where that is known', async () => {
    const exporter = await start({ KNSPAN_PAGE_URL: 'https://knspan.example/' });
    assert.equal((await post(exporter)).status, 202);
    assert.deepEqual(
      byId(backend.taken).map(({ attributes }) => attributes['knspan.url']),
      [`https://knspan.example/traces/${traceId}`, undefined, undefined],
    );
  });

  for (const protocol of ['http/protobuf', 'http/json']) {
    for (const compression of ['none', 'gzip']) {
      test(`${protocol}, compression ${compression}: the backend gets the same spans, a resource for each service`, async () => {
        const exporter = await start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_COMPRESSION: compression });
        const response = await post(exporter);
        assert.equal(response.status, 202);
        assert.equal(await response.text(), '');
        const [request, ...more] = backend.requests;
        assert.deepEqual(more, []);
        assert.equal(request?.path, '/v1/traces');
        assert.equal(request?.encoding, protocol === 'http/json' ? 'json' : 'protobuf');
        assert.equal(request?.headers['content-encoding'], compression === 'gzip' ? 'gzip' : undefined);
        assert.equal(request?.cluster, 'c-1');
        assert.deepEqual(byId(request?.spans ?? []), spans);
        assert.equal(await metric(exporter, 'knspan_exporter_spans_total{outcome="exported"}'), 3);
        assert.equal(await metric(exporter, 'knspan_exporter_export_seconds_count{outcome="accepted"}'), 1);
      });
    }
  }

  test('protobuf unless told otherwise; settings for traces come first; headers of both', async () => {
    const exporter = await start({
      [endpoint]: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/own/path`,
      OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team = a%20b , x-key=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-key=2==',
    });
    assert.equal((await post(exporter)).status, 202);
    const [request] = backend.requests;
    assert.equal(request?.path, '/own/path');
    assert.equal(request?.encoding, 'protobuf');
    const { 'x-team': team, 'x-key': key, 'content-encoding': encoding } = request?.headers ?? {};
    assert.deepEqual({ team, key, encoding }, { team: 'a b', key: '2==', encoding: 'gzip' });
  });

  test('as a Broker delivers it: binary, extension attributes as headers; and a batch in one request', async () => {
    const exporter = await start();
    const { data, ...attributes } = JSON.parse(bodyOf());
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]));
    const response = await fetch(exporter.url, {
      method: 'POST',
      body: JSON.stringify(data),
      headers: { ...headers, 'content-type': 'application/json' },
    });
    assert.equal(response.status, 202);
    const other = bodyOf(segmentOf([spanOf({ spanId: '00000000000000ff' })]));
    assert.equal((await post(exporter, `[${bodyOf()},${other}]`, 'application/cloudevents-batch+json')).status, 202);
    assert.deepEqual(
      backend.requests.map((request) => request.spans.length),
      [3, 4],
    );
  });

  test('segments that extensions have changed come under types below ours; no other type is taken', async () => {
    const exporter = await start();
    const typed = (type: string) => JSON.stringify({ ...JSON.parse(bodyOf()), type });
    for (const type of ['dev.knspan.trace.segment.flipped', 'dev.knspan.trace.segment.flipped.redacted'])
      assert.equal((await post(exporter, typed(type))).status, 202, type);
    for (const type of ['dev.knspan.trace.segment.', 'dev.knspan.trace.segmented', 'dev.knspan.alert'])
      assert.equal((await post(exporter, typed(type))).status, 400, type);
    assert.equal(backend.requests.length, 2);
  });

  const away: readonly Behaviour[] = [
    // Among them a key that has run out, a gateway without its backend, a storage that is full: what OTLP does not want retried at once.
    ...[401, 403, 404, 405, 415, 429, 500, 502, 503, 504].map((status) => ({ kind: 'fail', status }) as const),
    { kind: 'fail', status: 503, retryAfter: '30' },
    { kind: 'hang' },
    { kind: 'reset' },
  ];
  for (const behaviour of away) {
    test(`503 with Retry-After, and taken later: ${JSON.stringify(behaviour)}`, async () => {
      const exporter = await start();
      backend.next.push(behaviour);
      const response = await post(exporter);
      assert.equal(response.status, 503);
      assert.match(response.headers.get('retry-after') ?? '', /^[1-9][0-9]*$/);
      assert.equal(await metric(exporter, 'knspan_exporter_segments_total{outcome="retry"}'), 1);
      assert.equal(surroundings.lines.filter((line) => line.level === 'warn' && line.traceId === traceId).length, 1);
      assert.equal((await post(exporter)).status, 202);
      assert.deepEqual(byId(backend.taken), spans);
    });
  }

  test('503 while the backend is away; what comes again is taken once it is back', async () => {
    const exporter = await start();
    await backend.stop();
    const response = await post(exporter);
    assert.equal(response.status, 503);
    assert.match(await response.text(), /^Cannot export now: .*ECONNREFUSED/);
    await backend.start();
    assert.equal((await post(exporter)).status, 202);
    assert.deepEqual(byId(backend.taken), spans);
  });

  test('a retry of the SDK within the time is one request to us', async () => {
    const exporter = await start({ OTEL_EXPORTER_OTLP_TIMEOUT: '5000' });
    backend.next.push({ kind: 'fail', status: 503, retryAfter: '0' });
    assert.equal((await post(exporter)).status, 202);
    assert.deepEqual(
      backend.requests.map((request) => request.status),
      [503, 200],
    );
  });

  test('the deadline ends what neither timeout nor retries of the SDK end: an answer that drips', async () => {
    const exporter = await start({ KNSPAN_EXPORT_DEADLINE: '400ms' });
    backend.next.push({ kind: 'drip' });
    const response = await post(exporter);
    assert.equal(response.status, 503);
    assert.equal(await response.text(), 'Cannot export now: the backend did not answer within 400 ms');
    assert.equal((await post(exporter)).status, 202);
  });

  for (const status of [400, 413, 422]) {
    test(`refused for good where the answer speaks of the spans: ${status}`, async () => {
      const exporter = await start();
      backend.behaviour = { kind: 'fail', status, body: 'no\r\nsuch tenant' };
      const response = await post(exporter);
      assert.equal(response.status, 422);
      assert.match(await response.text(), new RegExp(`^Cannot export: the backend answered ${status} .*: no such tenant$`));
      assert.equal(backend.requests.length, 1);
      const errors = surroundings.lines.filter((line) => line.level === 'error');
      assert.equal(errors.length, 1);
      assert.equal(errors[0]?.traceId, traceId);
      assert.match(String(errors[0]?.reason), new RegExp(`answered ${status} `));
      assert.equal(await metric(exporter, 'knspan_exporter_spans_total{outcome="rejected"}'), 3);
    });
  }

  for (const protocol of ['http/protobuf', 'http/json']) {
    test(`${protocol}: what the backend takes only in part is taken, logged and counted, each export on its own`, async () => {
      const exporter = await start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
      backend.next.push({ kind: 'take in part', rejected: 2, message: 'too old' });
      assert.equal((await post(exporter)).status, 202);
      assert.equal((await post(exporter)).status, 202);
      const [line, ...more] = surroundings.lines.filter((one) => one.level === 'warn');
      assert.deepEqual(more, []);
      assert.deepEqual([line?.rejected, line?.reason, line?.traceId], [2, 'too old', traceId]);
      assert.equal(await metric(exporter, 'knspan_exporter_spans_total{outcome="rejected"}'), 2);
      assert.equal(await metric(exporter, 'knspan_exporter_spans_total{outcome="exported"}'), 4);
    });
  }

  const tick = { specversion: '1.0', id: '1', source: '/s', type: 'dev.knative.sources.ping', data: { tick: true } };
  const noSegments: Readonly<Record<string, unknown>> = {
    'another type': tick,
    'no data': { ...tick, type: 'dev.knspan.trace.segment', data: null },
    'no spans': { ...tick, type: 'dev.knspan.trace.segment', data: { resourceSpans: [] } },
    'no OTLP': { ...tick, type: 'dev.knspan.trace.segment', data: { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'x' }] }] }] } },
  };
  for (const [what, event] of Object.entries(noSegments)) {
    test(`400, counted and logged, nothing sent: ${what}`, async () => {
      const exporter = await start();
      const response = await post(exporter, JSON.stringify(event));
      assert.equal(response.status, 400);
      assert.match(await response.text(), /^Cannot read segment: /);
      assert.equal(await metric(exporter, 'knspan_exporter_segments_total{outcome="malformed"}'), 1);
      assert.equal(surroundings.lines.filter((line) => line.level === 'warn').length, 1);
      assert.deepEqual(backend.requests, []);
    });
  }

  test('one event that is no segment refuses its whole batch, before anything is sent', async () => {
    const exporter = await start();
    assert.equal((await post(exporter, `[${bodyOf()},${JSON.stringify(tick)}]`, 'application/cloudevents-batch+json')).status, 400);
    assert.deepEqual(backend.requests, []);
  });

  test('sixty segments at once: all taken, connections used again', async () => {
    const exporter = await start({ OTEL_EXPORTER_OTLP_TIMEOUT: '9000' });
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          post(exporter, bodyOf(segmentOf([spanOf({ spanId: `${round}${index + 10}`.padStart(16, '0') })]))),
        ),
      );
      assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [202]);
    }
    assert.equal(new Set(backend.taken.map((span) => span.spanId)).size, 60);
    assert.ok(backend.connections <= 20, `${backend.connections} connections`);
  });

  test('stops in order: the request in flight is answered, then no more', async () => {
    const exporter = await start({ OTEL_EXPORTER_OTLP_TIMEOUT: '9000' });
    backend.next.push({ kind: 'fail', status: 503, retryAfter: '1' });
    const answer = post(exporter);
    await until('the backend has the request', () => backend.requests.length === 1);
    const closed = exporter.close(20_000);
    assert.equal((await answer).status, 202);
    await closed;
    await assert.rejects(post(exporter));
    running.length = 0;
  });

  test('names every wrong setting at once, and no secret', async () => {
    const env = {
      PORT: 'x',
      [endpoint]: 'ftp://backend',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'zstd',
      OTEL_EXPORTER_OTLP_TIMEOUT: '-1',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization Bearer hush',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/no/such/file',
    };
    await assert.rejects(startExporter(surroundingsFor(env)), (error) => {
      assert.ok(error instanceof ConfigError);
      for (const name of Object.keys(env)) assert.match(error.message, new RegExp(`^Cannot start exporter: ${name} is '`, 'm'));
      assert.match(error.message, /'grpc', wanted one of http\/protobuf, http\/json/);
      assert.doesNotMatch(error.message, /hush/);
      return true;
    });
  });
});
