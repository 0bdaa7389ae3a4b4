/** OTLP/JSON from outside: what is used, cut or refused, and how it is counted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SpanBatch } from '../../../shared/runtime-spans/read/make-span.ts';
import { readOtlpJson } from '../../../shared/runtime-spans/read/otlp-json.ts';

const nano = '1763680000000000500';
const span = (fields: object = {}) => ({
  traceId: 'A'.repeat(32),
  spanId: 'b'.repeat(16),
  name: 'syncPod',
  kind: 1,
  startTimeUnixNano: nano,
  endTimeUnixNano: '1763680001000000000',
  ...fields,
});
const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
const request = (spans: readonly unknown[], attributes: readonly unknown[] = []) => ({
  resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }],
});

function read(value: unknown, most?: number) {
  const batch = new SpanBatch(most);
  const ok = readOtlpJson(value, batch);
  return { ok, spans: batch.spans, rejected: batch.rejected, faults: Object.fromEntries(batch.faults) };
}

describe('readOtlpJson', () => {
  it('reads ids in lower case, microseconds, status, links and the resource', () => {
    const links = [{ traceId: 'C'.repeat(32), spanId: 'd'.repeat(16) }];
    const resource = [text('service.name', 'kubelet'), text('host.name', 'node-1'), text('k8s.cluster.name', 'east')];
    const { spans } = read(request([span({ status: { code: 2, message: 'no such image' }, links, kind: 3 })], resource));
    assert.deepEqual(spans, [
      {
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        parentSpanId: '',
        name: 'syncPod',
        kind: 'client',
        service: 'kubelet',
        node: 'node-1',
        cluster: 'east',
        start: 1_763_680_000_000_000,
        end: 1_763_680_001_000_000,
        attributes: {},
        failed: true,
        statusMessage: 'no such image',
        links: [{ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }],
      },
    ]);
  });

  it('keeps the attributes that say something, of all scalar types', () => {
    const attributes = [
      text('k8s.pod.uid', 'u-1'),
      { key: 'http.status_code', value: { intValue: '201' } },
      { key: 'task.pid', value: { doubleValue: 5 } },
      { key: 'verb', value: { boolValue: true } },
      { key: 'key', value: { kvlistValue: { values: [] } } },
      text('http.request.header.authorization', 'secret'),
    ];
    assert.deepEqual(read(request([span({ attributes })])).spans[0]?.attributes, {
      'k8s.pod.uid': 'u-1',
      'http.status_code': 201,
      'task.pid': 5,
      verb: true,
    });
  });

  it('takes from URLs what may be a secret', () => {
    const attributes = [
      text('http.url', 'https://user:pass@registry.example/v2/blobs/x?X-Amz-Signature=abc#f'),
      text('http.target', '/api/v1/pods?token=abc'),
    ];
    assert.deepEqual(read(request([span({ attributes })])).spans[0]?.attributes, {
      'http.url': 'https://registry.example/v2/blobs/x',
      'http.target': '/api/v1/pods',
    });
  });

  it('takes enumerations spelled out, times as numbers, and the old name of scopes', () => {
    const one = span({ kind: 'SPAN_KIND_SERVER', status: { code: 'STATUS_CODE_ERROR' }, startTimeUnixNano: 1_763_680_000_000_000_000 });
    const { spans } = read({ resourceSpans: [{ instrumentationLibrarySpans: [{ spans: [one] }] }] });
    assert.deepEqual([spans[0]?.kind, spans[0]?.failed, spans[0]?.start], ['server', true, 1_763_680_000_000_000]);
  });

  for (const value of [null, 1, 'x', [], { resourceSpans: 1 }, { kind: 'List', items: [] }])
    it(`refuses ${JSON.stringify(value)}`, () => assert.equal(read(value).ok, false));

  it('an empty request is one', () => assert.deepEqual(read({}), { ok: true, spans: [], rejected: 0, faults: {} }));

  const bad: readonly (readonly [string, unknown, string])[] = [
    ['a trace id too short', span({ traceId: 'ab' }), 'bad_id'],
    ['a span id of zeros', span({ spanId: '0'.repeat(16) }), 'bad_id'],
    ['a parent that is no id', span({ parentSpanId: 'parent' }), 'bad_id'],
    ['an id of another type', span({ traceId: 7 }), 'bad_id'],
    ['no start', span({ startTimeUnixNano: undefined }), 'bad_time'],
    ['an end before its start', span({ endTimeUnixNano: '1' }), 'bad_time'],
    ['a time after all others', span({ endTimeUnixNano: '99999999999999999999' }), 'bad_time'],
    ['a negative time', span({ startTimeUnixNano: -5 }), 'bad_time'],
    ['what is no object', 'span', 'bad_type'],
  ];
  for (const [what, one, fault] of bad)
    it(`refuses the one span with ${what}, not its neighbours`, () => {
      const { ok, spans, rejected, faults } = read(request([span(), one]));
      assert.deepEqual({ ok, count: spans.length, rejected, faults }, { ok: true, count: 1, rejected: 1, faults: { [fault]: 1 } });
    });

  it('takes so many spans and refuses the rest', () => {
    const { spans, rejected, faults } = read(request([span(), span(), span()]), 2);
    assert.deepEqual([spans.length, rejected, faults], [2, 1, { too_many: 1 }]);
  });

  it('cuts a million attributes, long texts and links without end', () => {
    const attributes = [...Array.from({ length: 1_000_000 }, (_, index) => text(`x${index}`, 'y')), text('k8s.pod.uid', 'late')];
    const links = Array.from({ length: 1_000 }, () => ({ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }));
    const { spans, faults } = read(
      request([span({ attributes, links, name: 'n'.repeat(100_000), status: { message: 'm'.repeat(100_000) } })]),
    );
    assert.deepEqual(faults, { attributes_cut: 1, links_cut: 1, text_cut: 1 });
    assert.ok(JSON.stringify(spans).length < 3_000);
  });
});
