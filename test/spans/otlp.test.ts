/** OTLP/JSON of segments: the encoding, byte stability, parsing, and the messages for bad requests. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { knspanVersion, otlpText, type SpanBatch } from '../../shared/spans/otlp.ts';
import { parseOtlpRequest } from '../../shared/spans/parse-otlp.ts';
import type { Segment, Span } from '../../shared/spans/span.ts';
import { began, segmentOf, spanOf, traceId } from '../helpers/segment.ts';

const root = spanOf({ name: 'Deployment web: rollout', title: 'Deployment shop/web: rollout', service: 'knspan', status: 'ok' });
const pull = spanOf({
  spanId: '0000000000000002',
  parentSpanId: root.spanId,
  name: 'Pod: pull',
  title: 'pull shop/web:1',
  start: began + 1,
  end: began + 2,
  status: 'error',
  statusMessage: 'no such image',
  attributes: { z: 'last', count: 3, ratio: 0.5, flag: true, uids: ['a', 'b'], A: 'first' },
  events: [{ name: 'Failed', at: began + 2, attributes: { 'k8s.event.uid': 'e' } }],
  links: [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16), attributes: { 'knspan.link': 'continues' } }],
});
const segment = segmentOf([root, pull], { cluster: 'prod' });

/** What a backend reads. */
const requestOf = (batch: SpanBatch) => JSON.parse(otlpText(batch));

describe('otlpText', () => {
  test('writes one resource a service, ids in hex, times as text of nanoseconds, attributes in the order of their keys', () => {
    const scope = { name: 'knspan', version: knspanVersion };
    const cluster = { key: 'k8s.cluster.name', value: { stringValue: 'prod' } };
    assert.deepEqual(requestOf(segment), {
      resourceSpans: [
        {
          resource: { attributes: [cluster, { key: 'service.name', value: { stringValue: 'knspan' } }] },
          scopeSpans: [
            {
              scope,
              spans: [
                {
                  traceId,
                  spanId: '0000000000000001',
                  name: 'Deployment web: rollout',
                  kind: 1,
                  startTimeUnixNano: '1763680000000000000',
                  endTimeUnixNano: '1763680001000000000',
                  attributes: [{ key: 'knspan.title', value: { stringValue: 'Deployment shop/web: rollout' } }],
                  events: [],
                  links: [],
                  status: { code: 1 },
                },
              ],
            },
          ],
        },
        {
          resource: { attributes: [cluster, { key: 'service.name', value: { stringValue: 'kubelet' } }] },
          scopeSpans: [
            {
              scope,
              spans: [
                {
                  traceId,
                  spanId: '0000000000000002',
                  parentSpanId: '0000000000000001',
                  name: 'Pod: pull',
                  kind: 1,
                  startTimeUnixNano: '1763680000000001000',
                  endTimeUnixNano: '1763680000000002000',
                  attributes: [
                    { key: 'A', value: { stringValue: 'first' } },
                    { key: 'count', value: { intValue: '3' } },
                    { key: 'flag', value: { boolValue: true } },
                    { key: 'knspan.title', value: { stringValue: 'pull shop/web:1' } },
                    { key: 'ratio', value: { doubleValue: 0.5 } },
                    { key: 'uids', value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } } },
                    { key: 'z', value: { stringValue: 'last' } },
                  ],
                  events: [
                    {
                      timeUnixNano: '1763680000000002000',
                      name: 'Failed',
                      attributes: [{ key: 'k8s.event.uid', value: { stringValue: 'e' } }],
                    },
                  ],
                  links: [
                    {
                      traceId: 'f'.repeat(32),
                      spanId: 'e'.repeat(16),
                      attributes: [{ key: 'knspan.link', value: { stringValue: 'continues' } }],
                    },
                  ],
                  status: { code: 2, message: 'no such image' },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test('leaves the cluster out where it has no name', () => {
    const [first] = requestOf(segmentOf([root])).resourceSpans;
    assert.deepEqual(first?.resource.attributes, [{ key: 'service.name', value: { stringValue: 'knspan' } }]);
  });

  test('gives the same bytes whatever the order in which attributes were set', () => {
    const turned = { ...pull, attributes: Object.fromEntries(Object.entries(pull.attributes).reverse()) };
    assert.equal(otlpText({ ...segment, spans: [root, turned] }), otlpText(segment));
  });

  test('survives numbers that JSON or int64 cannot hold and times before 1970', () => {
    const odd = spanOf({ attributes: { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: 1e300, d: -0 }, start: -5, end: 1, title: '' });
    const [span] = requestOf(segmentOf([odd])).resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    assert.equal(span?.startTimeUnixNano, '0');
    assert.deepEqual(span?.attributes, [
      { key: 'a', value: { doubleValue: 'NaN' } },
      { key: 'b', value: { doubleValue: 'Infinity' } },
      { key: 'c', value: { doubleValue: 1e300 } },
      { key: 'd', value: { intValue: '0' } },
    ]);
  });

  test('states the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    assert.equal(knspanVersion, version);
  });
});

describe('parseOtlpRequest', () => {
  test('reads back what was written', () => {
    assert.deepEqual(backOf(segment), { ok: true, data: { cluster: 'prod', spans: [root, pull] } });
  });

  test('reads back any span', () => {
    const ids = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits - 1}}[1-9a-f]$`));
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.boolean(),
      fc.double().filter((one) => !Object.is(one, -0)),
      fc.array(fc.string()),
    );
    const attributes = fc.dictionary(
      fc.string({ unit: 'binary' }).filter((key) => key !== 'knspan.title'),
      value,
      { noNullPrototype: true },
    );
    const at = fc.integer({ min: 0, max: 8e15 });
    const plain = { noNullPrototype: true } as const;
    const spans = fc.record({
      traceId: ids(32),
      spanId: ids(16),
      parentSpanId: fc.oneof(fc.constant(''), ids(16)),
      name: fc.string(),
      title: fc.string({ minLength: 1 }),
      start: at,
      end: at,
      attributes,
      status: fc.constantFrom('unset' as const, 'ok' as const, 'error' as const),
      statusMessage: fc.string(),
      events: fc.array(fc.record({ name: fc.string(), at, attributes }, plain), { maxLength: 3 }),
      links: fc.array(fc.record({ traceId: ids(32), spanId: ids(16), attributes }, plain), { maxLength: 3 }),
      service: fc.constant('kubelet'),
    });
    fc.assert(
      fc.property(spans, (made) => {
        const span: Span = { ...made, end: Math.max(made.start, made.end) };
        assert.deepEqual(backOf(segmentOf([span])), { ok: true, data: { cluster: '', spans: [span] } });
      }),
      { numRuns: 500 },
    );
  });

  test('takes what other writers of OTLP/JSON send: numbers for int64, upper-case ids, absent lists, values of other types', () => {
    const span = {
      traceId: traceId.toUpperCase(),
      spanId: '0000000000000001',
      parentSpanId: '',
      name: 'x',
      startTimeUnixNano: 1763680000000000000,
      endTimeUnixNano: '1763680000000001999',
      flags: 257,
      attributes: [
        { key: 'int', value: { intValue: 7 } },
        { key: 'map', value: { kvlistValue: { values: [{ key: 'a', value: { arrayValue: { values: [{ intValue: '1' }] } } }] } } },
        { key: 'numbers', value: { arrayValue: { values: [{ intValue: '1' }, { doubleValue: 2.5 }] } } },
        { key: 'bytes', value: { bytesValue: 'AAE=' } },
        { key: 'nothing', value: {} },
      ],
    };
    const parsed = parseOtlpRequest({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
    assert.ok(parsed.ok);
    const [read] = parsed.data.spans;
    assert.deepEqual([read?.traceId, read?.start, read?.end, read?.title, read?.service], [traceId, began, began + 1, 'x', '']);
    assert.deepEqual(read?.attributes, { int: 7, map: '{"a":["1"]}', numbers: ['1', '2.5'], bytes: 'AAE=' });
  });

  test('an empty request has no spans', () => {
    assert.deepEqual(parseOtlpRequest({ resourceSpans: [] }), { ok: true, data: { cluster: '', spans: [] } });
  });

  const good = { traceId, spanId: '0000000000000001', name: 'x', startTimeUnixNano: '1', endTimeUnixNano: '2' };
  const path = 'resourceSpans[0].scopeSpans[0].spans[0]';
  for (const [change, fault] of [
    [{ traceId: 'abc' }, `'${path}.traceId' must be 32 hex digits, not all 0: current value is "abc"`],
    [
      { traceId: '0'.repeat(32) },
      `'${path}.traceId' must be 32 hex digits, not all 0: current value is "00000000000000000000000000000000"`,
    ],
    [{ spanId: undefined }, `'${path}.spanId' must be 16 hex digits, not all 0: current value is absent`],
    [{ parentSpanId: 'root' }, `'${path}.parentSpanId' must be 16 hex digits, not all 0: current value is "root"`],
    [{ name: 5 }, `'${path}.name' must be a text: current value is 5`],
    [{ startTimeUnixNano: '-1' }, `'${path}.startTimeUnixNano' must be nanoseconds since 1970: current value is "-1"`],
    [{ startTimeUnixNano: '9000' }, `'${path}.endTimeUnixNano' must be no earlier than the start: current value is "2"`],
    [{ status: { code: 3 } }, `'${path}.status.code' must be 0, 1 or 2: current value is 3`],
    [{ attributes: {} }, `'${path}.attributes' must be a list: current value is {}`],
    [
      { attributes: [{ key: 'a', value: { intValue: 'x' } }] },
      `'${path}.attributes[0].value.intValue' must be a number: current value is "x"`,
    ],
  ] as const) {
    test(`refuses ${JSON.stringify(change)}`, () => {
      const parsed = parseOtlpRequest({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...good, ...change }] }] }] });
      assert.deepEqual(parsed, { ok: false, faults: [`Cannot read OTLP request: ${fault}`] });
    });
  }

  test('refuses what is no request, and tells the first faults only', () => {
    for (const value of [null, undefined, 'x', 5, [], {}, { resourceSpans: 5 }, { resourceSpans: [null] }]) {
      assert.equal(parseOtlpRequest(value).ok, false, JSON.stringify(value));
    }
    const many = parseOtlpRequest({ resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: 100 }, () => ({})) }] }] });
    assert.equal(many.ok ? 0 : many.faults.length, 5);
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        parseOtlpRequest(value);
        parseOtlpRequest({
          resourceSpans: [{ resource: value, scopeSpans: [{ spans: [value, { ...good, attributes: value, status: value }] }] }],
        });
      }),
      { numRuns: 1_000 },
    );
  });
});

function backOf(written: Segment) {
  return parseOtlpRequest(JSON.parse(otlpText(written)));
}
