/** Segments as CloudEvents: round trip without loss, byte stability, no event above its bound. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseHttp, type ReceivedEvent } from '../../shared/events/cloudevents.ts';
import { cutKey } from '../../shared/spans/fit.ts';
import {
  parseSegmentEvent,
  type SegmentEventOptions,
  segmentBytesMost,
  segmentType,
  toSegmentEvents,
} from '../../shared/spans/segment-event.ts';
import type { AttributeValue, Segment, Span } from '../../shared/spans/span.ts';
import { seed } from '../helpers/seed.ts';
import { began, segmentOf, spanOf, traceId } from '../helpers/segment.ts';

fc.configureGlobal({ seed });

const options: SegmentEventOptions = { source: '/knspan/correlator' };
const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };

function received(body: string): ReceivedEvent {
  const parsed = parseHttp(structured, Buffer.from(body));
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.reason);
  const [event] = parsed.value;
  assert.ok(event);
  return event;
}

function back(body: string) {
  const parsed = parseSegmentEvent(received(body));
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.reason);
  return parsed.value;
}

/** Objects as the code under test makes them: fast-check also makes some without a prototype. */
const plain = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { noNullPrototype: true });
const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  text,
  fc.integer(),
  fc.double().filter((number) => !Object.is(number, -0)),
  fc.boolean(),
  fc.array(text, { maxLength: 3 }),
);
const attributes = fc.dictionary(
  text.filter((key) => key !== 'knspan.title'),
  value,
  { maxKeys: 4, noNullPrototype: true },
);
const micros = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
const span = (index: number): fc.Arbitrary<Span> =>
  plain({
    traceId: fc.constant(traceId),
    spanId: fc.constant((index + 1).toString(16).padStart(16, '0')),
    parentSpanId: fc.constantFrom('', 'ffffffffffffffff'),
    name: text.filter((name) => name !== ''),
    title: text.filter((title) => title !== ''),
    start: fc.constant(began),
    end: micros.map((length) => began + 1 + length),
    attributes,
    status: fc.constantFrom('unset' as const, 'ok' as const, 'error' as const),
    statusMessage: text,
    events: fc.array(plain({ name: text, at: micros, attributes }), { maxLength: 2 }),
    links: fc.array(plain({ traceId: fc.constant('a'.repeat(32)), spanId: fc.constant('b'.repeat(16)), attributes }), { maxLength: 2 }),
    service: fc.constantFrom('kubelet', 'default-scheduler', 'other-controller'),
  });
const name = fc.string({ unit: fc.constantFrom('a', '-', '.', '0', 'ü', ' ', '"', '日', '𝄞'), maxLength: 20 });
const segments: fc.Arbitrary<Segment> = fc.integer({ min: 1, max: 12 }).chain((count) =>
  plain({
    traceId: fc.constant(traceId),
    cluster: name,
    namespace: name,
    rootKind: name,
    rootName: name,
    severity: fc.constantFrom('ok' as const, 'error' as const),
    root: fc.boolean(),
    spans: fc.tuple(...Array.from({ length: count }, (_, index) => span(index))),
  }),
);
const byId = (spans: readonly Span[]) => spans.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1));

describe('toSegmentEvents', () => {
  test('attributes: all that a Trigger or an extension may ask for, as text', () => {
    const spans = [spanOf({ status: 'error' }), spanOf({ spanId: '0000000000000002', end: began + 5_000_000 })];
    const [event, ...more] = toSegmentEvents(segmentOf(spans, { cluster: 'c-1' }), options);
    assert.deepEqual(more, []);
    const { id, data: _, ...rest } = JSON.parse(event?.body ?? '');
    assert.equal(id, event?.id);
    assert.deepEqual(rest, {
      specversion: '1.0',
      type: 'dev.knspan.trace.segment',
      source: '/knspan/correlator',
      subject: 'shop/Deployment/web',
      time: '2025-11-20T23:06:45.000Z',
      datacontenttype: 'application/json',
      traceid: traceId,
      cluster: 'c-1',
      namespace: 'shop',
      rootkind: 'Deployment',
      rootname: 'web',
      severity: 'error',
      spancount: '2',
      root: 'true',
      part: '1',
      parts: '1',
    });
  });

  test('what is empty is left out; the cluster of the options stands in for none', () => {
    const node = segmentOf([spanOf()], { namespace: '', rootKind: 'Node', rootName: 'node-1', root: false });
    const { subject, namespace, cluster, root } = JSON.parse(toSegmentEvents(node, { ...options, cluster: 'c-2' })[0]?.body ?? '');
    assert.deepEqual(
      { subject, namespace, cluster, root },
      { subject: 'Node/node-1', namespace: undefined, cluster: 'c-2', root: 'false' },
    );
    assert.equal(back(toSegmentEvents(node, { ...options, cluster: 'c-2' })[0]?.body ?? '').segment.cluster, 'c-2');
    assert.deepEqual(toSegmentEvents(segmentOf([]), options), []);
  });

  test('the id tells segments of one trace apart, by spans, by content and by source', () => {
    const ids = [
      segmentOf([spanOf()]),
      segmentOf([spanOf({ end: began + 7 })]),
      segmentOf([spanOf({ spanId: '0000000000000002' })]),
      segmentOf([spanOf()], { severity: 'error' }),
    ].flatMap((segment) => toSegmentEvents(segment, options).map((event) => event.id));
    ids.push(toSegmentEvents(segmentOf([spanOf()]), { source: '/another' })[0]?.id ?? '');
    assert.equal(new Set(ids).size, 5);
    for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
  });

  test('1,000 spans of 1 kB: a few full parts, the root in the first, every span once', () => {
    const spans = Array.from({ length: 1_000 }, (_, index) =>
      spanOf({ spanId: (index + 1).toString(16).padStart(16, '0'), attributes: { message: 'é'.repeat(300) }, service: `s-${index % 3}` }),
    );
    const events = toSegmentEvents(segmentOf(spans), options);
    const parts = events.map((event) => back(event.body));
    assert.deepEqual(
      parts.map(({ part, parts: of, segment }) => [part, of, segment.root]),
      parts.map((_, index) => [index + 1, events.length, index === 0]),
    );
    assert.deepEqual(byId(parts.flatMap((part) => part.segment.spans)), spans);
    const sizes = events.map((event) => Buffer.byteLength(event.body));
    assert.ok(sizes.every((size) => size <= segmentBytesMost));
    assert.ok(
      sizes.slice(0, -1).every((size) => size > segmentBytesMost * 0.7),
      `sizes ${sizes.join(', ')}`,
    );
  });

  test('there and back without loss, attributes in ASCII, twice the same bytes', () => {
    fc.assert(
      fc.property(segments, fc.constantFrom(undefined, 8_000, 20_000), (segment, bytesMost) => {
        const chosen = bytesMost === undefined ? options : { ...options, bytesMost };
        const events = toSegmentEvents(segment, chosen);
        assert.deepEqual(toSegmentEvents(structuredClone(segment), chosen), events);
        const parts = events.map((event) => back(event.body));
        const spans = parts.flatMap((part) => part.segment.spans);
        if (!spans.some((one) => one.attributes[cutKey] === true)) assert.deepEqual(byId(spans), byId(segment.spans));
        for (const [index, event] of events.entries()) {
          const { data: _, ...attributesOnly } = JSON.parse(event.body);
          assert.match(JSON.stringify(attributesOnly), /^[\u0020-\u007e]*$/);
          assert.ok(Object.values(attributesOnly).every((one) => typeof one === 'string' && one !== ''));
          const { spans: _spans, ...known } = parts[index]?.segment ?? segment;
          const { spans: _all, ...wanted } = segment;
          assert.deepEqual(known, { ...wanted, root: segment.root && index === 0 });
        }
      }),
      { numRuns: 200 },
    );
  });

  test('no event above the bound, and no span lost, whatever a span holds', () => {
    const long = fc
      .integer({ min: 0, max: 40_000 })
      .chain((length) => fc.constantFrom('x', 'é', '\u0001', '𝄞').map((unit) => unit.repeat(length)));
    const many = fc.array(plain({ message: long, events: fc.nat(300), keys: fc.nat(300), list: fc.nat(300) }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(many, fc.constantFrom(8_192, 65_536), (shapes, bytesMost) => {
        const spans = shapes.map(({ message, events, keys, list }, index) =>
          spanOf({
            spanId: (index + 1).toString(16).padStart(16, '0'),
            statusMessage: message,
            attributes: {
              ...Object.fromEntries(Array.from({ length: keys }, (_, key) => [`key-${key}`, key])),
              [message]: true,
              list: Array<string>(list).fill(message.slice(0, 500)),
            },
            events: Array.from({ length: events }, () => ({
              name: message.slice(0, 100),
              at: began,
              attributes: { message: message.slice(0, 200) },
            })),
          }),
        );
        const found = toSegmentEvents(segmentOf(spans), { ...options, bytesMost });
        for (const event of found) assert.ok(Buffer.byteLength(event.body) <= bytesMost, `${Buffer.byteLength(event.body)} bytes`);
        const ids = found.flatMap((event) => back(event.body).segment.spans.map((one) => one.spanId));
        assert.deepEqual(
          ids,
          spans.map((one) => one.spanId),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('a span that must be cut says so; its neighbours stay whole', () => {
    const huge = spanOf({ spanId: '0000000000000002', attributes: { message: 'm'.repeat(400_000), small: 'kept' } });
    const events = toSegmentEvents(segmentOf([spanOf(), huge]), options);
    const spans = byId(events.flatMap((event) => back(event.body).segment.spans));
    assert.deepEqual(spans[0], spanOf());
    assert.equal(spans[1]?.attributes[cutKey], true);
    assert.equal(spans[1]?.attributes['small'], 'kept');
    assert.equal(String(spans[1]?.attributes['message']).length, 8_192);
  });
});

describe('parseSegmentEvent', () => {
  const [event] = toSegmentEvents(segmentOf([spanOf()]), options);
  const whole = received(event?.body ?? '');

  test('extension attributes that a Broker has dropped are missed by nobody', () => {
    const parsed = parseSegmentEvent({ ...whole, extensions: {} });
    assert.ok(parsed.ok);
    assert.deepEqual(
      { ...parsed.value.segment, part: parsed.value.part, parts: parsed.value.parts },
      { ...segmentOf([spanOf()], { namespace: '', rootKind: '', rootName: '', root: false }), part: 1, parts: 1 },
    );
  });

  const faults: Readonly<Record<string, Partial<ReceivedEvent>>> = {
    "its type is 'x', wanted 'dev.knspan.trace.segment' or 'dev.knspan.trace.segment.*'": { type: 'x' },
    'it has no JSON data': { data: undefined },
    "'resourceSpans' must be a list": { data: {} },
    'it has no spans': { data: { resourceSpans: [] } },
    "spans[0].traceId' must be 32 hex digits": { data: { resourceSpans: [{ scopeSpans: [{ spans: [{}] }] }] } },
  };
  for (const [reason, change] of Object.entries(faults)) {
    test(`refuses: ${reason}`, () => {
      const parsed = parseSegmentEvent({ ...whole, ...change });
      assert.ok(!parsed.ok);
      assert.ok(parsed.reason.startsWith('Cannot read segment: '));
      assert.ok(parsed.reason.includes(reason), parsed.reason);
    });
  }

  test('never throws, whatever the data is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), plain({ resourceSpans: fc.jsonValue() })), (data) => {
        assert.equal(typeof parseSegmentEvent({ ...whole, type: segmentType, data }).ok, 'boolean');
      }),
    );
  });
});
