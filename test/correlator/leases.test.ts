/** Leases of a correlator that ends: released by SIGTERM, expired soon after SIGKILL. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { shardOf } from '../../shared/store/keys.ts';
import { type Store, shardCount } from '../../shared/store/store.ts';
import { OneCorrelator } from '../helpers/correlator.ts';
import { agedEvent } from '../helpers/reconcilers.ts';
import { until } from '../helpers/until.ts';

const never = Number.POSITIVE_INFINITY;
const seconds = 1_000;
const shard = 0;

/** More Events of one shard than a batch has, an hour old, and a sweep that stops before it pins their routes. */
async function stoppedWhileRouting(): Promise<{ one: OneCorrelator; go: () => void }> {
  const one = await new OneCorrelator().start();
  const uids = Array.from({ length: 6_000 }, (_, n) => `event-${n}`).filter((uid) => shardOf(`test|shop|${uid}`) === shard);
  assert.ok(uids.length > 300);
  const envelope = { specversion: '1.0', source: '/s', type: 'dev.knative.apiserver.resource.add', kind: 'Event' };
  const { status } = await fetch(one.url, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(uids.map((id) => ({ ...envelope, id, data: agedEvent(id, 10) }))),
  });
  assert.equal(status, 202);
  let go = () => {};
  one.faults.gates.set(
    'pinRoutes',
    new Promise<void>((resolve) => {
      go = resolve;
    }),
  );
  await one.clock.advance(60 * seconds);
  void one.sweep();
  await until('it routes', () => one.faults.calls.includes('pinRoutes'));
  return { one, go };
}

async function isLeased(store: Store): Promise<boolean> {
  const claimed = await Promise.all(Array.from({ length: shardCount }, (_, at) => store.claimInbox(at, 'another', never, 1, 1)));
  return claimed.includes(null);
}

it('SIGTERM releases the shard of which more is due', async () => {
  const { one, go } = await stoppedWhileRouting();
  assert.equal(await isLeased(one.store), true);
  const stopped = one.stop();
  await until('it listens no longer', () =>
    fetch(one.url).then(
      () => false,
      () => true,
    ),
  );
  go();
  await stopped;
  assert.equal(await isLeased(one.store), false);
});

it('after SIGKILL a shard waits no longer than 10 s for its lease', async () => {
  const { one, go } = await stoppedWhileRouting();
  const before = await isLeased(one.store);
  await one.clock.advance(10 * seconds);
  const after = await isLeased(one.store);
  go();
  await one.stop();
  assert.deepEqual([before, after], [true, false]);
});
