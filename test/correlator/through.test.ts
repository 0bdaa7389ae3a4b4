/** Captures sent through the correlator over HTTP give the spans of the direct replay: in order, shuffled, repeated, over several replicas. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomOf } from '../../shared/cli/simulated-delivery.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import { defaultBounds } from '../../shared/store/store.ts';
import { startCorrelators } from '../helpers/correlators.ts';
import { type Notice, noticesOf, post, repeated, shuffled } from '../helpers/notices.ts';
import { captures, loadCapture, replay } from '../helpers/trace.ts';

const hours = 3_600_000;
const source = { source: '/knspan/correlator', cluster: 'test' };

/** Hands over what has been seen by each moment, a window at a time, and lets the correlators work in between. */
async function through(notices: readonly Notice[], replicas: number, windowMs: number, seed: number) {
  const random = randomOf(seed);
  const from = Math.min(...notices.map(({ at }) => at));
  const until = Math.max(...notices.map(({ at }) => at));
  let store: MemoryStore | undefined;
  const group = await startCorrelators(
    replicas,
    (clock) => {
      store ??= new MemoryStore(() => clock.now(), defaultBounds);
      return store;
    },
    from,
  );
  for (let begin = from; begin <= until; begin += windowMs) {
    const due = notices.filter(({ at }) => at >= begin && at < begin + windowMs);
    for (const notice of shuffled(repeated(due, random), random)) {
      const to = group.running[Math.floor(random() * replicas)];
      assert.ok(to);
      assert.equal(await post(to.url, notice), 202);
    }
    await group.clock.set(begin + windowMs);
    await Promise.all(group.running.map((one) => one.sweep()));
  }
  for (const step of [60_000, 10 * 60_000, 2 * hours]) {
    await group.clock.advance(step);
    await Promise.all(group.running.map((one) => one.sweep()));
  }
  const figures = await store?.sizes();
  await group.stop();
  return { ...group, figures };
}

describe('captures that come a day late, all at once', () => {
  for (const name of captures) {
    it(`${name}: the spans of the direct replay`, async () => {
      const late = noticesOf(name).map((notice) => ({ ...notice, at: notice.at + 24 * hours }));
      const from = Math.min(...late.map(({ at }) => at));
      // Some seconds apart, as a broker that catches up delivers them.
      const burst = shuffled(late, randomOf(2)).map((notice, place) => ({ ...notice, at: from + place * 300 }));
      const wanted = replay(await loadCapture(name, 'watch')).flatMap((segment) => toSegmentEvents(segment, source));
      const { sink, logged } = await through(burst, 2, 1_000, 3);
      assert.deepEqual(logged, []);
      assert.deepEqual([...sink.bodies].sort(), wanted.map(({ id, body }) => [id, body]).sort());
    });
  }
});

describe('captures through the correlator', () => {
  for (const name of captures) {
    for (const replicas of [1, 3]) {
      it(`${name} over ${replicas} replicas: the spans of the direct replay`, async () => {
        const wanted = replay(await loadCapture(name, 'watch')).flatMap((segment) => toSegmentEvents(segment, source));
        const { sink, figures, logged } = await through(noticesOf(name), replicas, 5_000, 1);
        assert.deepEqual(logged, []);
        assert.deepEqual(sink.differing, []);
        assert.deepEqual({ inbox: figures?.inbox, held: figures?.undecided, outbox: figures?.outbox }, { inbox: 0, held: 0, outbox: 0 });
        assert.deepEqual([...sink.bodies].sort(), wanted.map(({ id, body }) => [id, body]).sort());
      });
    }
  }
});
