/** A segment in, its runtime spans out: as a reply, through the sink, later, and again when the segment comes again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toSegmentEvents } from '../../../shared/spans/segment-event.ts';
import type { Span } from '../../../shared/spans/span.ts';
import { StoreError } from '../../../shared/store/store.ts';
import { readRecording } from '../recording.ts';
import { Rig, spansIn } from './rig.ts';

const { segments, requests, arrivals } = readRecording('deployment-create');
const now = arrivals.at(-1)?.at ?? 0;
const [segment] = segments;
assert.ok(segment);
const second = 1_000;

async function withRig(options: Partial<Parameters<typeof Rig.start>[0]>, work: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await Rig.start({ now, ...options });
  try {
    await work(rig);
  } finally {
    await rig.stop();
  }
}

const fill = async (rig: Rig, wanted: readonly unknown[] = requests) => {
  for (const request of wanted) await rig.spans(request);
};
const ids = (spans: readonly Span[]) => spans.map(({ spanId }) => spanId).sort();
const [event] = toSegmentEvents(segment, { source: '/test' });
assert.ok(event);

describe('a segment', () => {
  it('gets its runtime spans as the reply: within the budget, of its trace, without its own spans', () =>
    withRig({}, async (rig) => {
      await fill(rig);
      const response = await rig.event(event.body);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('ce-type'), 'dev.knspan.trace.segment.runtime');
      assert.equal(response.headers.get('ce-root'), 'false');
      assert.equal(response.headers.get('ce-traceid'), segment.traceId);
      assert.equal(response.headers.get('ce-rootname'), segment.rootName);
      const spans = spansIn(await response.json());
      assert.equal(response.headers.get('ce-spancount'), String(spans.length));
      assert.ok(spans.length > 50 && spans.length <= 200, `${spans.length} spans`);
      const own = new Set(segment.spans.map(({ spanId }) => spanId));
      const all = new Set([...own, ...ids(spans)]);
      for (const span of spans) {
        assert.equal(span.traceId, segment.traceId);
        assert.ok(!own.has(span.spanId) && all.has(span.parentSpanId));
      }
    }));

  it('gets nothing where there are none', () =>
    withRig({}, async (rig) => {
      assert.equal((await rig.event(event.body)).status, 204);
    }));

  it('gets the same again when it is delivered again, and another delivery gets nothing twice', () =>
    withRig({}, async (rig) => {
      await fill(rig);
      const first = await (await rig.event(event.body)).text();
      assert.ok((await (await rig.event(event.body)).text()) === first);
      const other = event.body.replace(/"id":"[0-9a-f]+"/, '"id":"another"');
      const told = new Set(ids(spansIn(JSON.parse(first))));
      const rest = await rig.event(other);
      const more = rest.status === 204 ? [] : ids(spansIn(await rest.json()));
      assert.deepEqual(
        more.filter((id) => told.has(id)),
        [],
      );
      assert.ok(told.size + more.length <= 200);
    }));

  it('is answered through the sink where the sender takes no reply', () =>
    withRig({}, async (rig) => {
      await fill(rig);
      const response = await rig.event(event.body, {});
      assert.equal(response.status, 204);
      assert.ok(rig.lateSpans().length > 50);
    }));

  it('is sent again later where the sink is away', () =>
    withRig({}, async (rig) => {
      await fill(rig);
      rig.outcome = { kind: 'retry', reason: 'away' };
      const response = await rig.event(event.body, {});
      assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '5']);
      rig.outcome = { kind: 'accepted' };
      assert.equal((await rig.event(event.body, {})).status, 204);
      assert.ok(rig.lateSpans().length > 50);
    }));

  it('gives what is too much for one reply later', () =>
    withRig({ env: { KNSPAN_RUNTIME_BUDGET: '0' } }, async (rig) => {
      await fill(rig);
      const replied = spansIn(await (await rig.event(event.body)).json());
      await rig.sweep();
      const late = rig.lateSpans();
      assert.ok(late.length > 0);
      await withRig({ env: { KNSPAN_RUNTIME_BUDGET: '0' } }, async (other) => {
        await other.segment(segment);
        await fill(other);
        await other.clock.advance(20 * second);
        await other.sweep();
        assert.deepEqual(ids([...replied, ...late]), ids(other.lateSpans()));
      });
    }));

  it('gets what comes late, up to the budget in all', () =>
    withRig({}, async (rig) => {
      const half = Math.floor(requests.length / 2);
      await fill(rig, requests.slice(0, half));
      const replied = await rig.segment(segment);
      await fill(rig, requests.slice(half));
      await rig.sweep();
      assert.equal(rig.late.length, 0, 'what belongs together comes together');
      await rig.clock.advance(8 * second);
      await rig.sweep();
      const all = [...replied, ...rig.lateSpans()];
      assert.equal(new Set(ids(all)).size, all.length);
      assert.ok(rig.late.length > 0 && all.length <= 200, `${all.length} spans`);
      const known = new Set([...ids(segment.spans), ...ids(all)]);
      for (const { parentSpanId } of all) assert.ok(known.has(parentSpanId));
      await rig.clock.advance(60 * second);
      const before = rig.late.length;
      await rig.sweep();
      assert.equal(rig.late.length, before);
    }));

  it('gets what comes late once the sink is there again', () =>
    withRig({}, async (rig) => {
      await rig.segment(segment);
      await fill(rig);
      rig.outcome = { kind: 'retry', reason: 'away' };
      await rig.clock.advance(10 * second);
      await rig.sweep();
      assert.equal(await rig.metric('knspan_runtime_unsent_total{why="retry"}'), 1);
      rig.outcome = { kind: 'accepted' };
      await rig.sweep();
      assert.equal(rig.late.length, 0, 'another may be at it until its lease ends');
      await rig.clock.advance(61 * second);
      await rig.sweep();
      assert.ok(rig.lateSpans().length > 50);
    }));

  for (const [name, body, wanted] of [
    [
      'another type',
      event.body.replace('dev.knspan.trace.segment', 'dev.knspan.alert'),
      /its type is 'dev.knspan.alert', wanted 'dev.knspan.trace.segment'/,
    ],
    [
      'its own reply',
      event.body.replace('dev.knspan.trace.segment', 'dev.knspan.trace.segment.runtime'),
      /wanted 'dev.knspan.trace.segment'/,
    ],
    ['data that are no spans', event.body.replace('"resourceSpans"', '"other"'), /^Cannot read segment: /],
  ] as const)
    it(`is refused with 400: ${name}`, () =>
      withRig({}, async (rig) => {
        const response = await rig.event(body);
        assert.equal(response.status, 400);
        assert.match(await response.text(), wanted);
      }));

  it('is answered 503 with Retry-After while the store is away', () =>
    withRig({}, async (rig) => {
      rig.store.read = () => Promise.reject(new StoreError('Cannot reach the store: it is away'));
      const response = await rig.event(event.body);
      assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '5']);
    }));
});
