/** The outbox empties at the pace of the sink, not of the sweeps; what hangs holds up nothing else; memory holds a bounded part of it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { OutboxPublisher, sendsMost } from '../../../functions/correlator/decide/outbox-publisher.ts';
import type { SinkOutcome } from '../../../shared/http/sink.ts';
import { ManualClock } from '../../../shared/process/clock.ts';
import { Log } from '../../../shared/process/log.ts';
import { MemoryStore } from '../../../shared/store/memory/store.ts';
import { defaultBounds, shardCount } from '../../../shared/store/store.ts';
import { OneCorrelator } from '../../helpers/correlator.ts';
import { until } from '../../helpers/until.ts';

const atOnce = 8;
const shard = 3;
const box = { kind: 'outbox', shard } as const;

function emitterOver(send: (body: string) => Promise<SinkOutcome>, patienceMs = 60_000) {
  const clock = new ManualClock(1_000);
  const store = new MemoryStore(() => clock.now(), defaultBounds);
  const log = new Log({ function: 'test', level: 'error', clock, write: () => {} });
  const sink = { send, close: () => {} };
  const emitter = new OutboxPublisher({
    store,
    sink,
    log,
    random: () => 0,
    atOnce,
    patienceMs,
    holdMs: 45_000,
    onSent: () => {},
    onLost: () => {},
  });
  return { emitter, store, clock };
}

it('a backlog goes in one sweep, but for what the sink hangs on', async () => {
  const sent = new Set<string>();
  let finish: (outcome: SinkOutcome) => void = () => {};
  const { emitter, store, clock } = emitterOver(async (body) => {
    sent.add(body);
    return body === 'b5' ? new Promise((resolve) => (finish = resolve)) : { kind: 'accepted' };
  });
  const items = Array.from({ length: 100 }, (_, index) => ({ id: `i${index}`, body: `b${index}` }));
  await store.enqueue(box, items, clock.now());
  await emitter.collect(shard, clock.now());
  for (let turn = 0; sent.size < 100 && turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(sent.size, 100);
  finish({ kind: 'retry', reason: 'hung' });
  await emitter.settled();
  assert.deepEqual(
    (await store.listDeliveries(box, 10)).map(({ id }) => id),
    ['i5'],
  );
});

it('answers that keep it waiting hold up nothing else, up to a bound; it is settled when all have come', async () => {
  const gate = Promise.withResolvers<SinkOutcome>();
  let asked = 0;
  let isSettled = false;
  const { emitter, store, clock } = emitterOver(() => {
    asked += 1;
    return gate.promise;
  }, 1);
  const items = Array.from({ length: 400 }, (_, index) => ({ id: `i${index}`, body: 'b' }));
  await store.enqueue(box, items, clock.now() + 45_000);
  emitter.offer(shard, items);
  assert.equal(asked, atOnce);
  const most = sendsMost(atOnce);
  await until('as many as may wait', () => asked === most);
  void emitter.settled().then(() => {
    isSettled = true;
  });
  await setTimeout(20);
  assert.equal(asked, most, 'no more than that');
  assert.equal(isSettled, false);
  gate.resolve({ kind: 'accepted' });
  await emitter.settled();
  assert.equal(asked, 400);
  assert.equal((await store.sizes()).outbox, 0);
});

it('what fails again and again in one outbox keeps no other waiting', async () => {
  const one = await new OneCorrelator().start();
  one.sink.answer = (body) => (body.includes('stuck') ? { kind: 'retry', reason: 'it answered 500' } : { kind: 'accepted' });
  const stuck = Array.from({ length: 600 }, (_, place) => ({ id: `stuck-${place}`, body: JSON.stringify({ id: `stuck-${place}` }) }));
  await one.store.enqueue({ kind: 'outbox', shard: 0 }, stuck, 0);
  await one.store.enqueue({ kind: 'outbox', shard: 9 }, [{ id: 'good', body: JSON.stringify({ id: 'good' }) }], 0);
  for (let round = 0; round < 2 * shardCount; round += 1) {
    await one.sweep();
    await one.clock.advance(1_000);
  }
  assert.deepEqual([...one.sink.bodies.keys()], ['good']);
  await one.stop();
});

it('what waits for an answer takes a bounded part of memory', async () => {
  const gate = Promise.withResolvers<SinkOutcome>();
  let asked = 0;
  const { emitter, store, clock } = emitterOver(() => {
    asked += 1;
    return gate.promise;
  }, 1);
  const large = 'x'.repeat(1_024 * 1_024);
  const items = Array.from({ length: 40 }, (_, index) => ({ id: `i${index}`, body: large }));
  await store.enqueue(box, items, clock.now() + 45_000);
  emitter.offer(shard, items);
  await until('as much as may wait', () => asked === 8 + atOnce);
  await setTimeout(20);
  assert.equal(asked, 8 + atOnce);
  gate.resolve({ kind: 'accepted' });
  await emitter.settled();
  assert.equal((await store.sizes()).outbox, 0);
});

it('a sink that is away is not asked for the whole backlog', async () => {
  let asked = 0;
  const { emitter, store, clock } = emitterOver(async () => {
    asked += 1;
    return { kind: 'retry', reason: 'away' };
  });
  await store.enqueue(
    box,
    Array.from({ length: 100 }, (_, index) => ({ id: `i${index}`, body: 'b' })),
    clock.now(),
  );
  await emitter.collect(shard, clock.now());
  await emitter.settled();
  assert.equal(asked, atOnce);
});

it('it says when it has no room; what it then does not take it finds in the store', async () => {
  const gate = Promise.withResolvers<SinkOutcome>();
  const sent: string[] = [];
  const { emitter, store, clock } = emitterOver(async (body) => {
    sent.push(body);
    return sent.length <= atOnce ? gate.promise : { kind: 'accepted' };
  });
  const large = 'x'.repeat(1_024 * 1_024);
  for (let index = 0; index < 40; index += 1) {
    const items = [{ id: `i${index}`, body: `${index} ${large}` }];
    await store.enqueue(box, items, emitter.hasRoom ? clock.now() + 45_000 : clock.now());
    emitter.offer(shard, items);
  }
  assert.equal(emitter.hasRoom, false);
  gate.resolve({ kind: 'accepted' });
  await emitter.settled();
  assert.equal(new Set(sent).size, 40);
  assert.equal((await store.sizes()).outbox, 0);
});
