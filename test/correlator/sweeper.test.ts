/** A sweep that fails in one shard ends only when all its work has ended: two of one process never work on the same shard. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryStore } from '../../shared/store/memory.ts';
import { defaultBounds, type InboxItem, StoreError } from '../../shared/store/store.ts';
import { namesIn } from '../contract/harness.ts';
import { startCorrelators } from '../helpers/correlators.ts';

const now = Date.UTC(2026, 0, 1);
const [failing, slow] = [3, 5];

class OneShardFails extends MemoryStore {
  fails = true;
  readonly waiting: (() => void)[] = [];

  override async claimInbox(shard: number, token: string, at: number, leaseMs: number, most: number): Promise<readonly InboxItem[] | null> {
    if (shard === failing && this.fails) throw new StoreError('Cannot claim: made to fail');
    if (shard === slow && this.fails) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return super.claimInbox(shard, token, at, leaseMs, most);
  }
}

it('a sweep waits for the other shards when one fails, and the next one does it all', async (t) => {
  const store = new OneShardFails(() => now, defaultBounds);
  const { running, clock, sink, stop } = await startCorrelators(1, () => store, now);
  t.after(stop);
  const [correlator] = running;
  assert.ok(correlator);
  for (const shard of [failing, slow]) {
    const [event = ''] = namesIn(shard, 1, 'test|e');
    const metadata = { name: event, namespace: 'shop', uid: event.slice('test|'.length) };
    const involvedObject = { kind: 'Pod', namespace: 'shop', name: `pod-${shard}`, uid: `pod-${shard}` };
    const data = {
      kind: 'Event',
      metadata,
      involvedObject,
      reason: 'Killing',
      message: 'Stopping container app',
      lastTimestamp: '2026-01-01T00:00:00Z',
    };
    const extensions = { kind: 'Event' };
    const type = 'dev.knative.apiserver.resource.add';
    const answer = await correlator.receive([
      { id: event, source: '/test', type, subject: '', time: '', dataContentType: 'application/json', extensions, data },
    ]);
    assert.equal(answer.status, 202);
  }
  await clock.set(now + 2 * 3_600_000);
  let ended = false;
  const swept = correlator.sweep().finally(() => {
    ended = true;
  });
  const failed = assert.rejects(swept, /made to fail/);
  while (store.waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ended, false);
  store.fails = false;
  for (const go of store.waiting) go();
  await failed;
  await correlator.sweep();
  assert.equal(sink.bodies.size, 2);
});
