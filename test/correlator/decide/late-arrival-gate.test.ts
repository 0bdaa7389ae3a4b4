/** Waiting for a stream of Events that is behind: for a while, for its namespace alone. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { OneCorrelator } from '../../helpers/correlator.ts';
import { agedEvent } from '../../helpers/reconcilers.ts';

const seconds = 1_000;
/** The whole life of a Job, so that its trace is decided soon. */
const job = {
  involvedObject: { apiVersion: 'batch/v1', kind: 'Job', namespace: 'shop', name: 'once', uid: '33333333-0000-4000-8000-000000000003' },
  source: { component: 'job-controller' },
  reason: 'Completed',
  message: 'Job completed',
};

describe('LateArrivalGate', () => {
  let one: OneCorrelator;
  afterEach(() => one.stop());

  /** Of which clusters segments were sent. */
  const told = () => new Set(one.sink.segments().map(({ cluster }) => cluster));
  const send = (cluster: string, uid: string, age: number) => one.send('add', agedEvent(uid, age, job), { kind: 'Event', cluster });

  it('holds what is late until no more comes, and nothing of other clusters', async () => {
    one = await new OneCorrelator().start();
    await send('prompt', 'prompt', 0);
    for (let at = 0; at < 100; at += 5) {
      await send('late', `late-${at}`, 3_600 - at);
      await one.clock.advance(5 * seconds);
      await one.sweep();
    }
    assert.deepEqual(told(), new Set(['prompt']));
    await one.clock.advance(11 * seconds);
    await one.sweep();
    assert.deepEqual(told(), new Set(['prompt', 'late']));
  });

  it('holds nothing of other namespaces of the cluster, and shows how many it holds', async () => {
    one = await new OneCorrelator().start();
    const named = (namespace: string) => ({
      ...job,
      metadata: { namespace },
      involvedObject: { ...job.involvedObject, namespace, uid: namespace },
    });
    const sendIn = (namespace: string, uid: string, age: number) =>
      one.send('add', agedEvent(uid, age, named(namespace)), { kind: 'Event', cluster: 'c' });
    const namespaces = () => new Set(one.sink.segments().map(({ namespace }) => namespace));
    await sendIn('prompt', 'prompt', 0);
    for (let at = 0; at < 100; at += 5) {
      await sendIn('late', `late-${at}`, 3_600 - at);
      await one.clock.advance(5 * seconds);
      await one.sweep();
    }
    assert.deepEqual(namespaces(), new Set(['prompt']));
    assert.equal(await one.figure('knspan_held_namespaces'), 1);
    await one.clock.advance(11 * seconds);
    await one.sweep();
    assert.deepEqual(namespaces(), new Set(['prompt', 'late']));
    assert.equal(await one.figure('knspan_held_namespaces'), 0);
  });

  it('holds for two minutes at most: a node whose clock is behind sends late Events for ever', async () => {
    one = await new OneCorrelator().start();
    for (let at = 0; at < 130; at += 5) {
      await send('late', `late-${at}`, 3_600 - at);
      await one.clock.advance(5 * seconds);
      await one.sweep();
    }
    assert.deepEqual(told(), new Set(['late']));
  });
});
