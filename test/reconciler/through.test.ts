/** The reconciler repairs what the source loses: over real HTTP to a correlator, every Event ends in a span, and none is sent twice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomOf } from '../../shared/cli/simulated-delivery.ts';
import { field, isJson, textField } from '../../shared/events/json.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import { defaultBounds } from '../../shared/store/store.ts';
import { startCorrelators } from '../helpers/correlators.ts';
import { type Notice, noticesOf, post } from '../helpers/notices.ts';
import { eventsPath, tick, World } from '../helpers/reconcilers.ts';
import { captures } from '../helpers/trace.ts';

const hours = 3_600_000;
const settings = { KNSPAN_BACKFILL: '24h', KNSPAN_EXCLUDE_NAMESPACES: '-', KNSPAN_MISSED_RATE: '10000' };

function uidOf({ object }: Notice): string {
  return textField(field(object, 'metadata'), 'uid');
}

function occurrenceOf({ object }: Notice): string {
  const event = parseEvent(object);
  return event.ok ? `${event.value.uid}#${event.value.n}` : assert.fail(event.reason);
}

/** The last notice of each Event: what a listing shows. */
function lastOnes(notices: readonly Notice[]): ReadonlyMap<string, Notice> {
  return new Map(notices.map((notice) => [uidOf(notice), notice]));
}

async function lossOf(name: string) {
  const random = randomOf(7);
  const notices = noticesOf(name).filter(({ type }) => !type.endsWith('delete'));
  const listed = lastOnes(notices);
  const lost = new Set([...listed.values()].filter(() => random() < 0.4).map(occurrenceOf));
  const times = notices.map(({ at }) => at);
  const stores: MemoryStore[] = [];
  const storeOf = (now: () => number) => stores[0] ?? stores[stores.push(new MemoryStore(now, defaultBounds)) - 1] ?? assert.fail();
  const group = await startCorrelators(1, (clock) => storeOf(() => clock.now()), Math.min(...times));
  const correlator = group.running[0] ?? assert.fail();
  const world = await new World(stores[0], defaultBounds, group.clock).start();
  try {
    const reconciler = await world.reconciler({ ...settings, K_SINK: correlator.url });
    for (const notice of notices) if (!lost.has(occurrenceOf(notice))) await post(correlator.url, notice);
    for (const [uid, { object }] of listed) if (isJson(object)) world.api.put(eventsPath, uid, object);
    await group.clock.set(Math.max(...times) + 61_000);
    const statuses = [(await tick(reconciler.url)).status, (await tick(reconciler.url)).status];
    const repaired = await reconciler.figure('knspan_events_repaired_total');
    for (const step of [60_000, 10 * 60_000, 2 * hours]) {
      await group.clock.advance(step);
      await correlator.sweep();
    }
    return { statuses, repaired, lost, listed, sink: group.sink };
  } finally {
    await world.stop();
    await group.stop();
  }
}

describe('what the source has lost', () => {
  for (const name of captures) {
    it(`of ${name} comes back, once, and is told`, async () => {
      const { statuses, repaired, lost, listed, sink } = await lossOf(name);
      assert.ok(lost.size > 0);
      assert.deepEqual([...statuses, repaired], [202, 202, lost.size]);
      const told = [...sink.bodies.values()].join();
      assert.deepEqual(
        [...listed.keys()].filter((uid) => !told.includes(uid)),
        [],
      );
      assert.deepEqual(sink.differing, []);
    });
  }
});
