/** What waits in the store: bounds, a store that is away, a sink that is away, and the tick. Nothing acknowledged is lost, nothing else is taken. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { parkedMax } from '../../shared/store/store.ts';
import { OneCorrelator } from '../helpers/correlator.ts';
import { agedEvent } from '../helpers/reconcilers.ts';
import { toldBy } from '../helpers/trace.ts';
import { until } from '../helpers/until.ts';

const old = 7_200;
const uids = (count: number) => Array.from({ length: count }, (_, index) => `e-${index}`);

describe('the correlator', () => {
  const all: OneCorrelator[] = [];

  afterEach(async () => {
    for (const one of all.splice(0)) await one.stop();
  });

  async function start(
    ...[bounds, env]: [ConstructorParameters<typeof OneCorrelator>[0]?, Record<string, string>?]
  ): Promise<OneCorrelator> {
    const one = await new OneCorrelator(bounds).start(env);
    all.push(one);
    return one;
  }

  async function sendRaw({ url }: OneCorrelator, uid: string, ageSeconds: number) {
    const data = agedEvent(uid, ageSeconds, { involvedObject: { kind: 'Pod', namespace: 'shop', name: `pod-of-${uid}`, uid: `p-${uid}` } });
    const body = JSON.stringify({
      specversion: '1.0',
      id: uid,
      source: '/s',
      type: 'dev.knative.apiserver.resource.add',
      kind: 'Event',
      data,
    });
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/cloudevents+json' }, body });
    return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') };
  }

  const readinessOf = async ({ url }: OneCorrelator) => {
    const response = await fetch(`${url}/health/readiness`);
    return [response.status, await response.text()];
  };
  const toldIn = ({ sink }: OneCorrelator) => toldBy(sink.segments().flatMap(({ spans }) => spans)).toSorted();

  it('acknowledges nothing while the store is away, says so, and recovers by itself', async () => {
    const one = await start();
    one.faults.away = true;
    const away = { status: 503, text: 'Cannot take event: the store does not answer', retryAfter: '1' };
    assert.deepEqual(await sendRaw(one, 'a', 5), away);
    assert.equal((await one.tick()).status, 503);
    assert.deepEqual(await readinessOf(one), [503, 'the store does not answer']);
    assert.equal((await fetch(`${one.url}/health/liveness`)).status, 200);
    assert.equal((await fetch(`${one.url}/metrics`)).status, 200);
    assert.equal(await one.figure('knspan_events_total{type="add",outcome="store_away"}'), 1);
    one.faults.away = false;
    assert.deepEqual(await readinessOf(one), [200, '']);
    assert.equal((await one.store.sizes()).inbox, 0);
    assert.equal((await sendRaw(one, 'a', 5)).status, 202);
    assert.equal((await one.tick()).status, 202);
    assert.equal((await one.store.sizes()).inbox, 1);
    assert.equal(one.surroundings.lines.filter(({ message }) => /store does not answer/.test(String(message))).length, 1);
  });

  it('answers only once the event is written down', async () => {
    const one = await start();
    let open = () => {};
    one.faults.gates.set(
      'append',
      new Promise<void>((resolve) => {
        open = resolve;
      }),
    );
    let answered = false;
    const answer = sendRaw(one, 'a', 5).finally(() => {
      answered = true;
    });
    await until('it is being written', () => one.faults.calls.includes('append'));
    assert.equal((await fetch(`${one.url}/health/liveness`)).status, 200);
    assert.equal(answered, false);
    open();
    assert.equal((await answer).status, 202);
  });

  it('turns away what its inbox has no room for, with a time to come again, and takes it later', async () => {
    const one = await start({ pending: 16 });
    const ids = uids(40);
    const first = await Promise.all(ids.map((uid) => sendRaw(one, uid, 5)));
    const turned = ids.filter((_, place) => first[place]?.status === 503);
    assert.ok(turned.length >= 24 && turned.length < 40, `${turned.length}`);
    const full = { status: 503, text: 'Cannot take event: too much is pending', retryAfter: '5' };
    assert.deepEqual(
      first.filter(({ status }) => status !== 202),
      turned.map(() => full),
    );
    assert.equal((await one.store.sizes()).inbox, 40 - turned.length);
    const known = ids.find((uid) => !turned.includes(uid)) ?? '';
    assert.equal((await sendRaw(one, known, 5)).status, 202);
    let left = turned;
    for (let round = 0; left.length > 0 && round < 40; round += 1) {
      await one.settle();
      const again = await Promise.all(left.map((uid) => sendRaw(one, uid, 5)));
      left = left.filter((_, place) => again[place]?.status !== 202);
    }
    await one.settle();
    assert.deepEqual(toldIn(one), ids.map((uid) => `${uid}#1`).toSorted());
    assert.deepEqual(one.sink.differing, []);
  });

  it('is not ready while all that comes is turned away, and is again when something is taken, or later', async () => {
    const one = await start({ pending: 1 });
    for (const uid of uids(100)) await sendRaw(one, uid, 5);
    assert.equal((await sendRaw(one, 'one-more', 5)).status, 503);
    assert.deepEqual(await readinessOf(one), [503, 'too much is pending']);
    assert.equal((await sendRaw(one, 'e-0', 5)).status, 202);
    assert.deepEqual(await readinessOf(one), [200, '']);
    assert.equal((await sendRaw(one, 'one-more', 5)).status, 503);
    await one.clock.advance(5_000);
    assert.deepEqual(await readinessOf(one), [200, '']);
  });

  it('decides no more than the outbox takes, and all of it once the sink is back', async () => {
    const one = await start({ outbox: 16 });
    one.sink.answer = () => ({ kind: 'retry', reason: 'away' });
    const ids = uids(60);
    for (const uid of ids) assert.equal((await sendRaw(one, uid, old)).status, 202);
    for (let round = 0; round < 5; round += 1) {
      await one.sweep();
      await one.clock.advance(6_000);
    }
    const stuck = await one.store.sizes();
    assert.ok(stuck.outbox > 0 && stuck.outbox <= 16, `${stuck.outbox}`);
    assert.equal(stuck.undecided, 60 - stuck.outbox);
    assert.ok((await one.figure('knspan_decisions_total{outcome="full"}')) > 0);
    assert.equal(await one.figure('knspan_pending{stage="outbox"}'), stuck.outbox);
    assert.ok((await one.figure('knspan_outbox_age_seconds')) > 0);
    assert.equal((await sendRaw(one, 'one-more', old)).status, 202);
    one.sink.answer = () => ({ kind: 'accepted' });
    for (let round = 0; round < 60 && one.sink.bodies.size < 61; round += 1) {
      await one.clock.advance(6_000);
      await one.sweep();
    }
    const { inbox, undecided, outbox } = await one.store.sizes();
    assert.deepEqual({ inbox, undecided, outbox }, { inbox: 0, undecided: 0, outbox: 0 });
    assert.deepEqual(toldIn(one), [...ids, 'one-more'].map((uid) => `${uid}#1`).toSorted());
    assert.deepEqual(one.sink.differing, []);
  });

  it('puts aside a segment that the sink refuses for good, and goes on with the others', async () => {
    const one = await start();
    one.sink.answer = (body) =>
      body.includes('pod-of-bad') ? { kind: 'rejected', status: 400, reason: 'it answered 400' } : { kind: 'accepted' };
    for (const uid of ['bad', 'good']) await sendRaw(one, uid, old);
    await one.settle();
    assert.deepEqual(toldIn(one), ['good#1']);
    const [parked] = await one.store.listParked(10);
    assert.deepEqual([parked?.reason, (await one.store.sizes()).outbox], ['it answered 400', 0]);
  });

  it('counts parked items that are dropped once there are too many', async () => {
    const one = await start();
    one.sink.answer = () => ({ kind: 'rejected', status: 400, reason: 'it answered 400' });
    for (const uid of uids(parkedMax + 3)) await sendRaw(one, uid, old);
    await one.settle();
    assert.equal((await one.store.sizes()).parked, parkedMax);
    assert.equal(await one.figure('knspan_parked_dropped_total'), 3);
    assert.equal(one.surroundings.lines.filter(({ message }) => String(message).startsWith('dropped oldest parked')).length, 3);
  });

  it('keeps a tick until what is due is decided', async () => {
    const one = await start();
    await sendRaw(one, 'a', 5);
    await one.clock.advance(old * 1_000);
    let open = () => {};
    one.faults.gates.set(
      'claimDomains',
      new Promise<void>((resolve) => {
        open = resolve;
      }),
    );
    let answered = false;
    const answer = one.tick().finally(() => {
      answered = true;
    });
    await until('it is being decided', () => one.faults.calls.includes('claimDomains'));
    assert.equal((await fetch(`${one.url}/health/liveness`)).status, 200);
    assert.equal(answered, false);
    open();
    assert.equal((await answer).status, 202);
    assert.equal((await one.store.sizes()).undecided, 0);
    assert.deepEqual(toldIn(one), ['a#1']);
  });

  it('keeps a tick no longer than its bound', async () => {
    const one = await start({}, { KNSPAN_TICK_TIMEOUT: '0s' });
    let open = () => {};
    one.faults.gates.set(
      'due',
      new Promise<void>((resolve) => {
        open = resolve;
      }),
    );
    assert.equal((await one.tick()).status, 202);
    assert.ok(one.faults.calls.includes('due'));
    open();
  });
});
