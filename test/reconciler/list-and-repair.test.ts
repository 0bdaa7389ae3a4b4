/** The tick: a listed Event that was never received is sent as missed, counted once, until it is received. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { unobservedBelow } from '../../functions/reconciler/missed-events.ts';
import { listingsKey } from '../../shared/process/gap-event.ts';
import { splitId } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';
import { agedEvent, post, startedAt, tick, World } from '../helpers/reconcilers.ts';
import { until } from '../helpers/until.ts';

describe('a tick', () => {
  let world: World;

  beforeEach(async () => {
    world = await new World().start();
  });

  afterEach(() => world.stop());

  const sent = () => world.broker.ids.toSorted();
  /** What the correlator does with an Event. */
  const see = (...ids: string[]) =>
    world.store.append(ids.map((id) => ({ ...splitId(`test|shop|${id}`), version: '1', due: 0, body: '' })));
  /** The Broker answers once the returned function is called. */
  const heldBroker = () => {
    const { promise: after, resolve } = Promise.withResolvers<void>();
    world.broker.answer = () => ({ status: 202, after });
    return resolve;
  };
  const listings = () => world.api.requests.filter((request) => request.includes('/events')).length;

  it('sends what was never seen and is old enough, as the source would', async () => {
    world.list('seen', 120);
    world.list('unseen', 120);
    world.list('young', 59);
    await see('seen#1');
    const { url, figure } = await world.reconciler();
    assert.equal((await tick(url)).status, 202);
    assert.deepEqual(sent(), ['unseen#1']);
    const [event] = world.broker.taken;
    assert.equal(event?.type, 'dev.knspan.event.missed');
    assert.equal(event?.subject, '/apis/v1/namespaces/shop/events/unseen.x');
    assert.deepEqual(event?.extensions, { cluster: 'test', apiversion: 'v1', kind: 'Event', namespace: 'shop', name: 'unseen.x' });
    const whole = agedEvent('unseen', 120);
    assert.deepEqual(event?.data, {
      ...whole,
      metadata: { name: 'unseen.x', namespace: 'shop', uid: 'unseen', resourceVersion: '102', creationTimestamp: '2025-11-20T23:06:40Z' },
    });
    assert.equal(await figure('knspan_events_listed_total'), 3);
    assert.equal(await figure('knspan_events_missed_total'), 1);
    assert.equal(await figure('knspan_events_repaired_total'), 1);
    assert.equal(await figure('knspan_ticks_total{outcome="done"}'), 1);
  });

  it('sends again until it is seen, and counts it once', async () => {
    world.list('lost-by-the-broker', 120);
    const { url, figure } = await world.reconciler();
    await tick(url);
    await tick(url);
    assert.deepEqual(sent(), ['lost-by-the-broker#1', 'lost-by-the-broker#1']);
    await see('lost-by-the-broker#1');
    await tick(url);
    assert.equal(sent().length, 2);
    assert.equal(await figure('knspan_events_missed_total'), 1);
    assert.equal(await figure('knspan_events_repaired_total'), 2);
  });

  it('counts apart the occurrences that only a higher count betrays', async () => {
    world.list('series', 120, { n: 9 });
    world.list('whole', 120, { n: 2 });
    world.list('new', 120, { n: 5 });
    await see('series#1', 'series#2', 'series#3', 'whole#1');
    const { url, figure } = await world.reconciler();
    await tick(url);
    assert.deepEqual(sent(), ['new#5', 'series#9', 'whole#2']);
    // 4 to 8 of the series; 2 to 4 of the new one, whose first one the Event tells of.
    assert.equal(await figure('knspan_unobserved_occurrences_total'), 5 + 3);
    await tick(url);
    assert.equal(await figure('knspan_unobserved_occurrences_total'), 8);
  });

  it('on an empty store reaches back by the back-fill alone, and keeps that mark', async () => {
    world.list('ancient', 601);
    world.list('recent', 599);
    const { url } = await world.reconciler();
    await tick(url);
    await world.clock.advance(3_600_000);
    world.list('later', -100);
    await tick(url);
    assert.deepEqual(sent(), ['later#1', 'recent#1', 'recent#1']);
  });

  it('leaves out what the Trigger leaves out', async () => {
    world.list('ours', 120, { namespace: 'knspan' });
    world.list('theirs', 120, { namespace: 'shop' });
    const { url } = await world.reconciler({ KNSPAN_EXCLUDE_NAMESPACES: 'knspan,other' });
    await tick(url);
    assert.deepEqual(sent(), ['theirs#1']);
  });

  it('lists chosen namespaces one by one, and goes on where one is forbidden', async () => {
    world.list('a', 120, { path: '/api/v1/namespaces/ops/events', namespace: 'ops' });
    world.list('b', 120, { path: '/api/v1/namespaces/shop/events' });
    world.api.forbidden.add('/api/v1/namespaces/ops/events');
    const { url, figure } = await world.reconciler({ KNSPAN_NAMESPACES: 'ops,shop,own', KNSPAN_EXCLUDE_NAMESPACES: 'own' });
    const answer = await tick(url);
    assert.equal(answer.status, 503);
    assert.match(answer.text, /Cannot list \/api\/v1\/namespaces\/ops\/events: the API server answered 403/);
    assert.deepEqual(sent(), ['b#1']);
    assert.equal(listings(), 2);
    assert.equal(await figure('knspan_ticks_total{outcome="failed"}'), 1);
  });

  it('reads all pages, and begins anew when they expire, without sending twice', async () => {
    for (let index = 0; index < 7; index += 1) world.list(`e${index}`, 120 + index);
    world.api.expirePages = 1;
    const { url } = await world.reconciler();
    assert.equal((await tick(url)).status, 202);
    assert.deepEqual(
      sent(),
      Array.from({ length: 7 }, (_, index) => `e${index}#1`),
    );
    assert.equal(listings(), 2 + 4);
  });

  it('gives up for now a list that expires again and again', async () => {
    for (let index = 0; index < 7; index += 1) world.list(`e${index}`, 120 + index);
    world.api.expirePages = 100;
    const { url } = await world.reconciler();
    const answer = await tick(url);
    assert.equal(answer.status, 503);
    assert.match(answer.text, /answered 410/);
  });

  it('is one replica’s at a time', async () => {
    world.list('unseen', 120);
    const go = heldBroker();
    const [one, other] = [await world.reconciler(), await world.reconciler()];
    const first = tick(one.url);
    await until('the first sends', () => world.broker.requests === 1);
    assert.equal((await tick(other.url)).status, 202);
    assert.equal(await other.figure('knspan_ticks_total{outcome="elsewhere"}'), 1);
    go();
    assert.equal((await first).status, 202);
    assert.deepEqual(sent(), ['unseen#1']);
    await tick(other.url);
    assert.equal(await other.figure('knspan_ticks_total{outcome="done"}'), 1);
  });

  it('of several clusters on one store: each lists its own, and none waits for another', async () => {
    world.list('unseen', 120);
    const go = heldBroker();
    const [one, other] = [await world.reconciler({ KNSPAN_CLUSTER: 'one' }), await world.reconciler({ KNSPAN_CLUSTER: 'other' })];
    const first = tick(one.url);
    await until('the first sends', () => world.broker.requests === 1);
    const second = tick(other.url);
    await until('the second sends', () => world.broker.requests === 2);
    go();
    assert.deepEqual([(await first).status, (await second).status], [202, 202]);
    assert.deepEqual(world.broker.taken.map(({ extensions }) => extensions['cluster']).sort(), ['one', 'other']);
  });

  it('comes again when the Broker is away, and stops at the first sign of it', async () => {
    for (let index = 0; index < 3; index += 1) world.list(`e${index}`, 120);
    world.broker.answer = () => ({ status: 503 });
    const { url } = await world.reconciler();
    assert.equal((await tick(url)).status, 503);
    assert.equal(world.broker.requests, 1);
    world.broker.answer = () => ({ status: 202 });
    assert.equal((await tick(url)).status, 202);
    assert.deepEqual(sent(), ['e0#1', 'e1#1', 'e2#1']);
  });

  it('is not held up by an Event that the Broker will never take', async () => {
    world.list('poison', 130);
    world.list('good', 120);
    world.broker.answer = ({ id }) => ({ status: id === 'poison#1' ? 400 : 202 });
    const { url, figure } = await world.reconciler();
    assert.equal((await tick(url)).status, 202);
    assert.deepEqual(sent(), ['good#1']);
    assert.equal(await figure('knspan_events_refused_total'), 1);
  });

  it('keeps to its rate, and is answered in time all the same', async () => {
    for (let index = 0; index < 30; index += 1) world.list(`e${index}`, 120);
    const { url } = await world.reconciler({ KNSPAN_MISSED_RATE: '2' });
    const answer = tick(url);
    await until('the burst is sent', () => world.broker.taken.length === 2);
    for (let second = 0; second < 14; second += 1) {
      const before = world.broker.taken.length;
      await world.clock.advance(1_000);
      await until('two more are sent', () => world.broker.taken.length === before + 2);
      if (second === 8) assert.equal((await answer).status, 202);
    }
    assert.equal(new Set(sent()).size, 30);
  });

  it('that comes during a listing joins it', async () => {
    world.list('unseen', 120);
    const go = heldBroker();
    const { url } = await world.reconciler();
    const first = tick(url);
    await until('it sends', () => world.broker.requests === 1);
    const second = tick(url);
    await until('the second waits too', () => world.clock.sleeping === 3);
    go();
    assert.deepEqual([(await first).status, (await second).status], [202, 202]);
    assert.equal(listings(), 1);
  });

  it('leaves the lease to others when the function is stopped', async () => {
    for (let index = 0; index < 5; index += 1) world.list(`e${index}`, 120);
    const { url, figure, close } = await world.reconciler({ KNSPAN_MISSED_RATE: '1' });
    const answer = tick(url);
    await until('the first is sent', () => world.broker.taken.length === 1);
    await close(1_000);
    assert.equal((await answer).status, 202);
    assert.equal(await figure('knspan_ticks_total{outcome="stopped"}'), 1);
    const other = await world.reconciler();
    await tick(other.url);
    assert.equal(await other.figure('knspan_ticks_total{outcome="done"}'), 1);
  });

  it('acknowledges nothing while the store is away', async () => {
    const { url } = await world.reconciler({}, storeWith(world.store, { acquireLease: () => Promise.reject(new Error('away')) }));
    const answer = await tick(url);
    assert.equal(answer.status, 503);
    assert.match(answer.text, /Cannot find missed Events/);
  });

  it('names the cluster by the uid of kube-system where no name is configured', async () => {
    world.api.given.set('/api/v1', { body: { resources: [{ kind: 'Namespace', name: 'namespaces', namespaced: false }] } });
    world.api.given.set('/api/v1/namespaces/kube-system', {
      body: { kind: 'PartialObjectMetadata', metadata: { name: 'kube-system', uid: 'uid-1' } },
    });
    world.list('unseen', 120);
    const { url } = await world.reconciler({ KNSPAN_CLUSTER: '' });
    await tick(url);
    assert.equal(world.broker.taken[0]?.extensions['cluster'], 'uid-1');
    assert.deepEqual(await world.store.readIndex(['cluster']), [[{ member: 'uid-1', score: 0 }]]);
  });

  it('is the only thing that is taken, beside dead letters', async () => {
    const { url } = await world.reconciler();
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 'dev.knspan.trace.segment' },
    });
    assert.equal(response.status, 400);
    assert.match(
      await response.text(),
      /its type is 'dev.knspan.trace.segment', wanted 'dev.knative.sources.ping', 'dev.knspan.gap' or a dead letter/,
    );
  });

  it('dates by the Event alone: the mark of the store is the start less the back-fill', async () => {
    const { url } = await world.reconciler({ KNSPAN_BACKFILL: '0s' });
    await tick(url);
    assert.equal(await world.store.setOnce('reconciler-since:test', 'other', null), String(startedAt));
  });
});

describe('unobservedBelow', () => {
  it('counts what lies between the last one seen and each missed one', async () => {
    const series = fc.array(fc.tuple(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 1, max: 2_000 })), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(series, async (drawn) => {
        const missed = drawn.map(([known, more], index) => ({ event: `e${index}`, known, n: known + more }));
        let calls = 0;
        const store = {
          unseen: async (ids: readonly { event: string; n: number }[]) => {
            calls += 1;
            return ids.map(({ event, n }) => n > (missed[Number(event.slice(1))]?.known ?? 0));
          },
        };
        const between = missed.reduce((sum, { known, n }) => sum + Math.max(0, n - Math.max(2, known + 1)), 0);
        assert.equal(await unobservedBelow(store, missed), between);
        assert.ok(calls <= 30, `${calls} calls`);
      }),
      { seed: 4 },
    );
  });
});

function storeWith(store: Store, own: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(Object.hasOwn(own, name) ? own : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a suspected gap', () => {
  let world: World;
  beforeEach(async () => {
    world = await new World().start();
  });
  afterEach(() => world.stop());

  const path = '/api/v1/namespaces/shop/events';
  const gap = (url: string, namespace: string) => post(url, { type: 'dev.knspan.gap', cluster: 'test', namespace });
  const listings = async () =>
    (await world.store.readIndex([listingsKey('test', 'began'), listingsKey('test', 'sent')])).map((one) => one.length);

  it('has its namespace listed alone; what is 10 s old is missed, and the answer is left in the store', async () => {
    world.list('lost', 11, { path });
    world.list('young', 9, { path });
    world.list('elsewhere', 120);
    const { url } = await world.reconciler();
    assert.equal((await gap(url, 'shop')).status, 202);
    assert.deepEqual(world.broker.ids, ['lost#1']);
    assert.deepEqual(await listings(), [1, 1]);
  });

  it('where nothing is missed only the listing is recorded', async () => {
    const { url } = await world.reconciler();
    assert.equal((await gap(url, 'shop')).status, 202);
    assert.deepEqual(await listings(), [1, 0]);
  });

  it('in a namespace that may not be listed gives no answer', async () => {
    world.api.forbidden.add(path);
    const { url } = await world.reconciler();
    assert.equal((await gap(url, 'shop')).status, 503);
    assert.deepEqual(await listings(), [0, 0]);
  });

  it('without the name of a namespace is refused', async () => {
    const { url } = await world.reconciler();
    for (const namespace of ['', '../pods', 'A']) assert.equal((await gap(url, namespace)).status, 400);
  });
});
