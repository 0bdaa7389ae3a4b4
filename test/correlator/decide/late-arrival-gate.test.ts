/** Waiting for a stream of Events that is behind: for a while, for its cluster alone. */
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
