/**
 * A sweep that fails in one shard ends only when all its work has ended: two of one process never work on the same shard. One that has to
 * end leaves the rest to others at once.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { RunningCorrelator } from '../../../functions/correlator/index.ts';
import { MemoryStore } from '../../../shared/store/memory/store.ts';
import { type Claimed, defaultBounds, type InboxItem, StoreError } from '../../../shared/store/store.ts';
import { startCorrelators } from '../../helpers/correlators.ts';
import { namesIn } from '../../store/contract/harness.ts';

const now = Date.UTC(2026, 0, 1);
const [failing, slow] = [3, 5];

class OneShardFails extends MemoryStore {
  fails = true;
  readonly waiting: (() => void)[] = [];

  override async claimInbox(...given: Parameters<MemoryStore['claimInbox']>): Promise<readonly InboxItem[] | null> {
    const [shard] = given;
    if (shard === failing && this.fails) throw new StoreError('Cannot claim: made to fail');
    if (shard === slow && this.fails) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return super.claimInbox(...given);
  }
}

/** The answer to an Event of a pod. */
async function sent(correlator: RunningCorrelator, event: string, pod: string): Promise<number> {
  const metadata = { name: event, namespace: 'shop', uid: event.slice('test|shop|'.length) };
  const involvedObject = { kind: 'Pod', namespace: 'shop', name: pod, uid: pod };
  const about = { reason: 'Killing', message: 'Stopping container app', lastTimestamp: '2026-01-01T00:00:00Z' };
  const data = { kind: 'Event', metadata, involvedObject, ...about };
  const extensions = { kind: 'Event' };
  const type = 'dev.knative.apiserver.resource.add';
  const answer = await correlator.receive([
    { id: event, source: '/test', type, subject: '', time: '', dataContentType: 'application/json', extensions, data },
  ]);
  return answer.status;
}

it('a sweep waits for the other shards when one fails, and the next one does it all', async (t) => {
  const store = new OneShardFails(() => now, defaultBounds);
  const { running, clock, sink, stop } = await startCorrelators(1, () => store, now);
  t.after(stop);
  const [correlator] = running;
  assert.ok(correlator);
  for (const shard of [failing, slow]) {
    const [event = ''] = namesIn(shard, 1, 'test|shop|e');
    assert.equal(await sent(correlator, event, `pod-${shard}`), 202);
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

class TakesItsTime extends MemoryStore {
  /** How far behind the store's clock the one was by which domains were claimed, ms. */
  readonly behind: number[] = [];
  passes: (ms: number) => void = () => {};

  override async claimDomains(...given: Parameters<MemoryStore['claimDomains']>): Promise<readonly Claimed[]> {
    this.behind.push((await this.clock()) - given[1]);
    const claimed = await super.claimDomains(...given);
    if (claimed.length > 0) this.passes(2_000);
    return claimed;
  }
}

it('domains of a long sweep are claimed by the clock of then, not of its beginning', async (t) => {
  let passed = 0;
  const store = new TakesItsTime(() => now + passed, defaultBounds);
  store.passes = (ms) => {
    passed += ms;
  };
  const { running, clock, stop } = await startCorrelators(1, () => store, now);
  t.after(stop);
  const [correlator] = running;
  assert.ok(correlator);
  for (let pod = 0; pod < 300; pod += 1) assert.equal(await sent(correlator, `test|shop|e-${pod}`, `pod-${pod}`), 202);
  await clock.set(now + 2 * 3_600_000);
  await correlator.sweep();
  assert.ok(store.behind.length >= 50, `${store.behind.length}`);
  assert.ok(Math.max(...store.behind) < 60_000, `${Math.max(...store.behind)}`);
  assert.equal((await store.sizes()).undecided, 0);
});

class EndsInTheMiddle extends MemoryStore {
  end: (() => void) | undefined;

  override async completeRouting(
    shard: number,
    token: string,
    done: readonly { event: string; n: number }[],
    release: boolean,
  ): Promise<void> {
    await super.completeRouting(shard, token, done, release);
    this.end?.();
    // Until it is known that all is to end.
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

it('SIGTERM in the middle of a shard: another correlator goes on at once', async (t) => {
  const store = new EndsInTheMiddle(() => now, defaultBounds);
  const { running, clock, sink, stop } = await startCorrelators(2, () => store, now);
  t.after(stop);
  const [first, second] = running;
  assert.ok(first && second);
  const events = namesIn(slow, 400, 'test|shop|e');
  for (const event of events) assert.equal(await sent(first, event, 'web'), 202);
  await clock.set(now + 2 * 3_600_000);
  let closed: Promise<void> | undefined;
  store.end = () => {
    closed ??= first.close(0);
  };
  await first.sweep();
  await closed;
  const left = (await store.sizes()).inbox;
  assert.ok(left > 0 && left < events.length, `${left} are left`);
  await second.sweep();
  assert.deepEqual([(await store.sizes()).inbox, (await store.sizes()).undecided], [0, 0]);
  assert.ok(sink.bodies.size > 0);
});
