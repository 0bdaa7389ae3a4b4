/** Dead letters: stored before they are acknowledged, re-sent to the failed subscriber, given up after a day, listed. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parseDeadLetter } from '../../shared/store/dead-letter.ts';
import { defaultBounds, type Store } from '../../shared/store/store.ts';
import { post, World } from '../helpers/reconcilers.ts';
import { until } from '../helpers/until.ts';

const box = { kind: 'dead-letters' } as const;
const day = 86_400_000;
const parkedOf = async (store: Store) => (await store.listParked(100)).map(({ reason }) => reason);

describe('a dead letter', () => {
  let world: World;

  beforeEach(async () => {
    world = await new World().start();
  });

  afterEach(() => world.stop());

  const send = (url: string, more: Readonly<Record<string, unknown>> = {}) =>
    post(url, {
      type: 'dev.knspan.trace.segment',
      id: 'segment-1',
      source: '/knspan/correlator',
      subject: 'Deployment/web',
      time: '2025-11-20T23:06:40.5Z',
      datacontenttype: 'application/json',
      traceid: 'abc',
      knativeerrordest: world.subscriber.url,
      knativeerrorcode: '500',
      knativeerrordata: 'bm9wZQo=',
      knativebrokerttl: '254',
      data: { resourceSpans: [{ é: 1 }] },
      ...more,
    });
  /** Lets the time pass that the next look at the letters takes, and the try that comes of it. */
  const pass = async (ms: number) => {
    await until('nothing is under way', () => world.clock.sleeping === 1);
    await world.clock.advance(ms);
    await until('nothing is under way', () => world.clock.sleeping === 1);
  };
  const lettersOf = (outcome: string) => `knspan_dead_letters_total{outcome="${outcome}"}`;

  it('is acknowledged once it is stored, and reaches the subscriber that failed as it was', async () => {
    const { url, figure } = await world.reconciler();
    assert.deepEqual(await send(url), { status: 202, text: '' });
    assert.equal(await figure('knspan_dead_letters'), 1);
    assert.equal(world.subscriber.requests, 0);
    await pass(5_000);
    const [event] = world.subscriber.taken;
    assert.deepEqual(event, {
      id: 'segment-1',
      source: '/knspan/correlator',
      type: 'dev.knspan.trace.segment',
      subject: 'Deployment/web',
      time: '2025-11-20T23:06:40.5Z',
      dataContentType: 'application/json',
      extensions: { traceid: 'abc' },
      data: { resourceSpans: [{ é: 1 }] },
    });
    await pass(5_000);
    assert.equal(world.subscriber.requests, 1);
    assert.equal(await figure('knspan_dead_letters'), 0);
    assert.equal(await figure(lettersOf('delivered')), 1);
  });

  it('comes in binary mode too, as a Broker sends it', async () => {
    const { url } = await world.reconciler();
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'ce-specversion': '1.0',
        'ce-id': '0bb12067-87f7-4c5d-a458-591d2af6ce5d',
        'ce-source': '/knspan/reconciler',
        'ce-type': 'dev.knspan.event.missed',
        'ce-knativeerrorcode': '503',
        'ce-knativeerrordata': '',
        'ce-knativeerrordest': world.subscriber.url.replace(/\/$/, ''),
        'content-type': 'application/json',
      },
      body: '{"kind":"Event"}',
    });
    assert.equal(response.status, 202);
    await pass(5_000);
    assert.deepEqual(world.subscriber.taken[0]?.data, { kind: 'Event' });
  });

  it('goes to the subscriber that the path names, whatever the event says', async () => {
    const { url } = await world.reconciler({ KNSPAN_SUBSCRIBERS: `exporter=${world.subscriber.url},http://another.example` });
    const errors = { knativeerrordest: 'http://broker-ingress.example/ns/traces', knativeerrorcode: '400' };
    assert.equal((await send(`${url}/dead-letters/exporter`, errors)).status, 202);
    const none = { knativeerrordest: undefined, knativeerrorcode: undefined, knativeerrordata: undefined };
    assert.equal((await send(`${url}/dead-letters/exporter`, { ...none, id: 'mute' })).status, 202);
    assert.equal((await send(`${url}/dead-letters/nobody`, { ...none, id: 'lost' })).status, 202);
    await pass(5_000);
    assert.deepEqual(world.subscriber.ids.toSorted(), ['mute', 'segment-1']);
    assert.deepEqual(await parkedOf(world.store), ["its subscriber 'nobody' is not in KNSPAN_SUBSCRIBERS"]);
  });

  it('is left to another reconciler by one that has no subscribers', async () => {
    const { url } = await world.reconciler({ KNSPAN_SUBSCRIBERS: '' });
    assert.equal((await send(`${url}/dead-letters/exporter`)).status, 202);
    await world.clock.advance(5_000);
    await world.reconciler({ KNSPAN_SUBSCRIBERS: `exporter=${world.subscriber.url}` });
    await pass(5_000);
    assert.deepEqual(world.subscriber.ids, ['segment-1']);
    assert.deepEqual(await parkedOf(world.store), []);
  });

  it('that neither path nor attributes explain is kept for a person: only a Broker gives it a time to live', async () => {
    const { url } = await world.reconciler();
    const none = { knativeerrordest: undefined, knativeerrorcode: undefined, knativeerrordata: undefined };
    assert.equal((await send(url, none)).status, 202);
    assert.equal((await send(url, { ...none, knativebrokerttl: undefined })).status, 400);
    await pass(5_000);
    assert.deepEqual(await parkedOf(world.store), ["its subscriber '' is not in KNSPAN_SUBSCRIBERS"]);
  });

  it('is not what a tick is that shows its time to live', async () => {
    const { url, figure } = await world.reconciler();
    assert.equal((await post(url, { type: 'dev.knative.sources.ping', knativebrokerttl: '255' })).status, 202);
    assert.equal(await figure('knspan_ticks_total{outcome="done"}'), 1);
  });

  it('keeps data that is text or bytes', async () => {
    const { url } = await world.reconciler();
    const bytes = Buffer.from([0, 255, 254, 1]).toString('base64');
    await send(url, { id: 'bytes', datacontenttype: 'image/png', data: undefined, data_base64: bytes });
    await send(url, { id: 'text', datacontenttype: 'text/plain', data: '{"not":"json"}' });
    await pass(5_000);
    const { bytes: first, text: second } = Object.fromEntries(world.subscriber.taken.map((event) => [event.id, event]));
    assert.deepEqual([first?.dataBase64, first?.data, first?.dataContentType], [bytes, undefined, 'image/png']);
    assert.deepEqual([second?.dataText, second?.data], ['{"not":"json"}', undefined]);
  });

  it('counts once however often it comes', async () => {
    const { url, figure } = await world.reconciler();
    await send(url);
    await send(url);
    assert.equal(await figure('knspan_dead_letters'), 1);
    await send(url, { knativeerrordest: 'http://another.example' });
    assert.equal(await figure('knspan_dead_letters'), 2);
  });

  it('is tried with growing pauses for a day, then waits for a person', async () => {
    world.subscriber.answer = () => ({ status: 503 });
    const { url, figure } = await world.reconciler();
    await send(url);
    const tries: number[] = [];
    for (let at = 5_000; at < day + 3_700_000 && (await parkedOf(world.store)).length === 0; at += 5_000) {
      const before = world.subscriber.requests;
      await pass(5_000);
      if (world.subscriber.requests > before) tries.push(at);
    }
    const pauses = tries.map((at, index) => at - (tries[index - 1] ?? 0)).slice(0, 12);
    assert.deepEqual(
      pauses,
      pauses.toSorted((a, b) => a - b),
    );
    assert.ok((pauses.at(-1) ?? 0) >= 2_700_000, `${pauses.join(' ')}`);
    assert.match((await parkedOf(world.store)).join(), /given up after [0-9]+ tries: Cannot send to the sink: it answered 503/);
    assert.ok(world.subscriber.requests < 60, `${world.subscriber.requests} tries`);
    assert.equal(await figure(lettersOf('given_up')), 1);
    assert.equal(await figure('knspan_dead_letters_parked'), 1);
    assert.equal(await figure('knspan_dead_letters'), 0);
  });

  it('that the subscriber fails on keeps no other from it; one that says it is away is spared the others', async () => {
    const { url, figure } = await world.reconciler();
    const ids = Array.from({ length: 6 }, (_, index) => [`bad-${index}`, `good-${index}`]).flat();
    for (const id of ids) await send(url, { id });
    world.subscriber.answer = () => ({ status: 503 });
    await pass(5_000);
    assert.equal(world.subscriber.requests, 1);
    world.subscriber.answer = ({ id }) => ({ status: id.startsWith('bad') ? 500 : 202 });
    await pass(10_000);
    await pass(1_000);
    assert.deepEqual(
      world.subscriber.ids.toSorted(),
      ids.filter((id) => id.startsWith('good')),
    );
    assert.equal(await figure(lettersOf('delivered')), 6);
  });

  it('heeds what the subscriber says about when to come again', async () => {
    world.subscriber.answer = () => ({ status: 503, headers: { 'retry-after': '600' } });
    const { url } = await world.reconciler();
    await send(url);
    await pass(5_000);
    assert.equal(world.subscriber.requests, 1);
    for (let elapsed = 5_000; elapsed < 600_000; elapsed += 5_000) await pass(5_000);
    assert.equal(world.subscriber.requests, 1);
    await pass(5_000);
    await pass(5_000);
    assert.equal(world.subscriber.requests, 2);
  });

  it('that the subscriber refuses waits for a person at once', async () => {
    world.subscriber.answer = () => ({ status: 422 });
    const { url } = await world.reconciler();
    await send(url);
    await pass(5_000);
    await pass(600_000);
    assert.equal(world.subscriber.requests, 1);
    assert.deepEqual(await parkedOf(world.store), ['Cannot send to the sink: it answered 422']);
  });

  it('is never sent to a place that is not configured', async () => {
    const { url, figure } = await world.reconciler({ KNSPAN_SUBSCRIBERS: 'http://exporter.knspan.svc.cluster.local' });
    const own = new URL(world.subscriber.url);
    const places = [
      '',
      world.subscriber.url,
      'http://169.254.169.254/latest',
      `http://exporter.knspan.svc.cluster.local@${own.host}/`,
      '::',
      'file:///x',
    ];
    for (const [index, knativeerrordest] of places.entries()) await send(url, { id: `s${index}`, knativeerrordest });
    await pass(5_000);
    await pass(5_000);
    assert.equal(world.subscriber.requests, 0);
    assert.equal((await world.store.listParked(100)).length, places.length);
    assert.equal(await figure(lettersOf('unknown')), places.length);
    assert.match((await parkedOf(world.store)).join(), /'http:\/\/169\.254\.169\.254\/latest' is not in KNSPAN_SUBSCRIBERS/);
  });

  it('does not wait behind those of another subscriber, which is asked once a round', async () => {
    const away = 'http://127.0.0.1:9/';
    const { url } = await world.reconciler({ KNSPAN_SUBSCRIBERS: `${away},${world.subscriber.url}` });
    for (let index = 0; index < 5; index += 1) await send(url, { id: `away-${index}`, knativeerrordest: away });
    world.subscriber.answer = ({ id }) => ({ status: id === 'b0' ? 503 : 202 });
    for (let index = 0; index < 5; index += 1) await send(url, { id: `b${index}` });
    await pass(5_000);
    assert.equal(world.subscriber.requests, world.subscriber.taken.length + 1);
    world.subscriber.answer = () => ({ status: 202 });
    for (let round = 0; round < 4; round += 1) await pass(5_000);
    assert.deepEqual(world.subscriber.ids.toSorted(), ['b0', 'b1', 'b2', 'b3', 'b4']);
    assert.equal((await world.store.listDeliveries(box, 100)).length, 5);
  });

  it('is sent by one replica', async () => {
    const [one] = [await world.reconciler(), await world.reconciler(), await world.reconciler()];
    for (let index = 0; index < 40; index += 1) await send(one.url, { id: `s${index}` });
    await until('nothing is under way', () => world.clock.sleeping === 3);
    await world.clock.advance(5_000);
    await until('all are there', () => world.subscriber.taken.length >= 40);
    await until('nothing is under way', () => world.clock.sleeping === 3);
    await world.clock.advance(10_000);
    await until('nothing is under way', () => world.clock.sleeping === 3);
    assert.equal(world.subscriber.requests, 40);
    assert.equal(new Set(world.subscriber.ids).size, 40);
  });

  it('of a tick is acknowledged and forgotten', async () => {
    const { url, figure } = await world.reconciler();
    assert.equal((await send(url, { type: 'dev.knative.sources.ping' })).status, 202);
    assert.equal(await figure('knspan_dead_letters'), 0);
    assert.equal(await figure(lettersOf('tick')), 1);
  });

  it('about an object keeps nothing of what knspan may not store', async () => {
    const { url } = await world.reconciler();
    const data = {
      kind: 'Deployment',
      metadata: { name: 'web', uid: 'u', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'secret' } },
      spec: { replicas: 2, template: { spec: { containers: [{ env: [{ value: 'secret' }] }] } } },
    };
    await send(url, { type: 'dev.knative.apiserver.resource.update', data });
    const [item] = await world.store.listDeliveries(box, 1);
    assert.doesNotMatch(item?.body ?? 'secret', /secret/);
    await pass(5_000);
    assert.deepEqual(world.subscriber.taken[0]?.data, {
      kind: 'Deployment',
      metadata: { name: 'web', uid: 'u', annotations: {} },
      spec: { replicas: 2 },
    });
  });

  it('is due again at once when the function is stopped before it is sent', async () => {
    const { url, close } = await world.reconciler();
    for (let index = 0; index < 3; index += 1) await send(url, { id: `s${index}` });
    let go = () => {};
    const after = new Promise<void>((resolve) => {
      go = resolve;
    });
    world.subscriber.answer = () => ({ status: 202, after });
    await until('nothing is under way', () => world.clock.sleeping === 1);
    await world.clock.advance(5_000);
    await until('the first is under way', () => world.subscriber.requests === 1);
    const closed = close(5_000);
    go();
    await closed;
    assert.equal(world.subscriber.taken.length, 1);
    assert.equal((await world.store.claimDeliveries(box, world.clock.now(), 1, 10)).length, 2);
  });

  it('keeps when the function is stopped and its subscriber does not answer', async () => {
    const { url, close } = await world.reconciler();
    await send(url);
    world.subscriber.answer = () => ({ status: 202, after: new Promise(() => {}) });
    await until('nothing is under way', () => world.clock.sleeping === 1);
    await world.clock.advance(5_000);
    await until('it is under way', () => world.subscriber.requests === 1);
    await close(50);
    assert.equal((await world.store.listDeliveries(box, 10)).length, 1);
  });
});

describe('dead letters that are too many', () => {
  it('are not acknowledged', async () => {
    const world = await new World(undefined, { ...defaultBounds, deadLetters: 2 }).start();
    const { url, figure } = await world.reconciler();
    const statuses: number[] = [];
    for (const id of ['a', 'b', 'c']) statuses.push((await post(url, { id, type: 'x', knativeerrordest: world.subscriber.url })).status);
    assert.deepEqual(statuses, [202, 202, 503]);
    assert.equal(await figure('knspan_dead_letters_total{outcome="full"}'), 1);
    await world.stop();
  });
});

describe('letters in the store', () => {
  it('that cannot be read say so', () => {
    assert.equal(parseDeadLetter('{').ok, false);
    assert.equal(parseDeadLetter('{"event":{}}').ok, false);
    assert.deepEqual(parseDeadLetter('{"event":{"id":"1"},"since":5}'), {
      ok: true,
      value: { dest: '', code: '', since: 5, event: { id: '1' } },
    });
  });
});
