/** The contract of the inbox: append, seen, claim, pinned routes. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { shardCount } from '../../../shared/store/store.ts';
import { entry, type Harness, hour, nameInEach, namesIn, never } from './harness.ts';

const shard = 3;
const [one = '', other = '', third = ''] = namesIn(shard, 3);

export function inboxContract(harness: () => Harness): void {
  it('appends each occurrence once, whatever the call', async () => {
    const store = await harness().open();
    assert.deepEqual(await store.append([entry(one), entry(other), entry(one, { n: 2 })]), [true, true, true]);
    assert.deepEqual(await store.append([entry(other), entry(third), entry(one, { n: 2 }), entry(third)]), [false, true, false, false]);
    assert.deepEqual(await store.append([]), []);
    assert.equal((await store.sizes()).inbox, 4);
  });

  it('answers in the order of the entries over all shards', async () => {
    const store = await harness().open();
    const names = nameInEach();
    assert.deepEqual(
      await store.append(names.filter((_, index) => index % 2 === 0).map((name) => entry(name))),
      Array(shardCount / 2).fill(true),
    );
    assert.deepEqual(
      await store.append(names.map((name) => entry(name))),
      names.map((_, index) => index % 2 === 1),
    );
  });

  it('of two notifications about one occurrence keeps the one written first while it waits', async () => {
    const store = await harness().open();
    await store.append([entry(one, { version: '100', body: 'second', due: 20 })]);
    await store.append([entry(one, { version: '99', body: 'first', due: 10 })]);
    await store.append([entry(one, { version: '99', body: 'again', due: 5 }), entry(one, { version: '1000', body: 'late', due: 1 })]);
    assert.deepEqual(await store.claimInbox(shard, 'w', 9, hour, 10), []);
    assert.deepEqual(await store.claimInbox(shard, 'w', 10, hour, 10), [{ event: one, n: 1, body: 'first' }]);
    await store.completeRouting(shard, 'w', [{ event: one, n: 1 }], true);
    assert.deepEqual(await store.append([entry(one, { version: '1' })]), [false]);
    assert.equal((await store.sizes()).inbox, 0);
  });

  it('skips Events by prefix, however many of them are due first', async () => {
    const store = await harness().open();
    const skipped = namesIn(shard, 120, 'late|');
    await store.append(skipped.map((name, place) => entry(name, { due: place })));
    await store.append([entry(one, { due: 500 })]);
    const isDueAt = async (...skip: string[]) => (await store.due(skip))[shard]?.inbox;
    assert.deepEqual([await isDueAt(), await isDueAt('late|'), await isDueAt('late|', one)], [0, 500, null]);
    assert.deepEqual(await store.claimInbox(shard, 'w', 499, hour, 10, ['late|']), []);
    assert.deepEqual(await store.claimInbox(shard, 'w', never, hour, 10, ['other|', 'late|']), [
      { event: one, n: 1, body: `body of ${one}` },
    ]);
    assert.equal((await store.claimInbox(shard, 'w', never, hour, 10, ['other|']))?.[0]?.event, skipped[0]);
    assert.equal((await store.sizes()).inbox, 121);
  });

  it('takes nothing of a shard whose inbox would be over its bound, but knows what it has seen', async () => {
    const store = await harness().open({ pending: 2 * shardCount });
    assert.deepEqual(await store.append([entry(one), entry(other)]), [true, true]);
    assert.equal(await store.append([entry(one), entry(third)]), null);
    assert.deepEqual(await store.append([entry(one), entry(other)]), [false, false]);
    assert.deepEqual(await store.unseen([{ event: third, n: 1 }]), [true]);
    await store.claimInbox(shard, 'w', never, hour, 10);
    await store.completeRouting(shard, 'w', [{ event: one, n: 1 }], true);
    assert.deepEqual(await store.append([entry(one), entry(third)]), [false, true]);
    assert.equal((await store.sizes()).inbox, 2);
  });

  it('says full when one of the shards is; what another took meanwhile is known when all is appended again', async () => {
    const store = await harness().open({ pending: shardCount });
    const [elsewhere = ''] = namesIn(shard + 1, 1);
    await store.append([entry(one)]);
    assert.equal(await store.append([entry(elsewhere), entry(other)]), null);
    await store.claimInbox(shard, 'w', never, hour, 10);
    await store.completeRouting(shard, 'w', [{ event: one, n: 1 }], true);
    assert.equal((await store.append([entry(elsewhere), entry(other)]))?.length, 2);
    assert.equal((await store.sizes()).inbox, 2);
  });

  it('knows what it has seen, also after it was routed', async () => {
    const store = await harness().open();
    const ids = [one, other, third].map((event) => ({ event, n: 1 }));
    await store.append([entry(one), entry(other, { n: 2 })]);
    assert.deepEqual(await store.unseen([...ids, { event: other, n: 2 }]), [false, true, true, false]);
    await store.claimInbox(shard, 'w', never, hour, 10);
    await store.completeRouting(shard, 'w', [{ event: one, n: 1 }], true);
    assert.deepEqual(await store.unseen(ids), [false, true, true]);
    assert.deepEqual(await store.unseen([]), []);
  });

  it('forgets what it has seen after its time', async () => {
    const store = await harness().open({ seenTtl: 30 });
    await store.append([entry(one), entry(other)]);
    await store.claimInbox(shard, 'w', never, hour, 1);
    await store.completeRouting(shard, 'w', [{ event: one, n: 1 }], true);
    await harness().pass(store, 30);
    const ids = [one, other].map((event) => ({ event, n: 1 }));
    assert.deepEqual(await store.unseen(ids), [true, true]);
    assert.deepEqual(await store.append([entry(one), entry(other)]), [true, true]);
    assert.equal((await store.sizes()).inbox, 2);
  });

  it('remembers for as long again what it was asked about', async () => {
    const seenTtl = 400;
    const store = await harness().open({ seenTtl });
    await store.append([entry(one), entry(other)]);
    const began = await store.clock();
    for (let asked = began; asked <= began + seenTtl + 100; ) {
      const before = asked;
      asked = await store.clock();
      const [isUnseen] = await store.unseen([{ event: one, n: 1 }]);
      // On a machine that stood still for so long it may be forgotten.
      assert.ok(!isUnseen || (await store.clock()) - before >= seenTtl);
      await harness().pass(store, 40);
    }
    assert.deepEqual(await store.unseen([{ event: other, n: 1 }]), [true]);
  });

  it('hands out what is due in the order of time, then of the id', async () => {
    const store = await harness().open();
    await store.append([
      entry(third, { due: 10 }),
      entry(other, { due: 30 }),
      entry(one, { due: 20 }),
      entry(one, { n: 2, due: 20 }),
      entry(one, { n: 3, due: 31 }),
    ]);
    const claimed = await store.claimInbox(shard, 'w', 30, hour, 3);
    assert.deepEqual(
      claimed?.map(({ event, n }) => [event, n]),
      [
        [third, 1],
        [one, 1],
        [one, 2],
      ],
    );
    assert.deepEqual((await store.claimInbox(shard, 'w', 30, hour, 10))?.length, 4);
    assert.deepEqual(await store.claimInbox(shard, 'w', 9, hour, 10), []);
    assert.deepEqual(await store.claimInbox(shard, 'w', 30, hour, 0), []);
    assert.deepEqual(await store.claimInbox(shard + 1, 'w', never, hour, 10), []);
  });

  it('hands out ten thousand at once, and takes as many out again', async () => {
    const store = await harness().open();
    await store.append(Array.from({ length: 10_000 }, (_, n) => entry(one, { n })));
    const claimed = (await store.claimInbox(shard, 'w', never, hour, 10_000)) ?? [];
    assert.equal(claimed.length, 10_000);
    await store.completeRouting(shard, 'w', claimed, true);
    assert.equal((await store.sizes()).inbox, 0);
  });

  it('lets one worker route a shard at a time, until it gives the lease back', async () => {
    const store = await harness().open();
    await store.append([entry(one)]);
    assert.equal((await store.claimInbox(shard, 'a', never, hour, 10))?.length, 1);
    assert.equal(await store.claimInbox(shard, 'b', never, hour, 10), null);
    assert.equal(await store.pinRoutes(shard, 'b', [{ event: one, n: 1, route: 'x' }]), null);
    await store.completeRouting(shard, 'b', [{ event: one, n: 1 }], true);
    assert.equal((await store.claimInbox(shard, 'a', never, hour, 10))?.length, 1);
    await store.completeRouting(shard, 'a', [], true);
    assert.equal((await store.claimInbox(shard, 'b', never, hour, 10))?.length, 1);
    await store.completeRouting(shard, 'b', [{ event: one, n: 1 }], false);
    assert.equal(await store.claimInbox(shard, 'a', never, hour, 10), null);
  });

  it('gives the shard to another worker when the lease has run out on its clock', async () => {
    const store = await harness().open();
    await store.append([entry(one)]);
    await store.claimInbox(shard, 'a', never, 50, 10);
    await harness().pass(store, 50);
    assert.equal(await store.pinRoutes(shard, 'a', [{ event: one, n: 1, route: 'x' }]), null);
    await store.completeRouting(shard, 'a', [{ event: one, n: 1 }], true);
    assert.equal((await store.claimInbox(shard, 'b', never, hour, 10))?.length, 1);
    assert.equal(await store.claimInbox(shard, 'a', never, hour, 10), null);
  });

  it('keeps the route that was pinned first while the occurrence waits', async () => {
    const store = await harness().open();
    await store.append([entry(one)]);
    await store.claimInbox(shard, 'a', never, hour, 10);
    const first = { route: 'pod/1 by "owner"', firstN: 1, firstRoute: '' };
    assert.deepEqual(await store.pinRoutes(shard, 'a', [{ event: one, n: 1, route: first.route }]), [first]);
    await store.completeRouting(shard, 'a', [], true);
    await store.claimInbox(shard, 'b', never, hour, 10);
    assert.deepEqual(await store.pinRoutes(shard, 'b', [{ event: one, n: 1, route: 'another' }]), [first]);
    assert.deepEqual(await store.pinRoutes(shard, 'b', []), []);
    await store.completeRouting(shard, 'b', [{ event: one, n: 1 }], false);
    assert.equal((await store.pinRoutes(shard, 'b', [{ event: one, n: 1, route: 'another' }]))?.[0]?.route, 'another');
  });

  it('says which occurrence of the Event was routed first, and by which route when it was not number 1', async () => {
    const store = await harness().open();
    await store.append([entry(one, { n: 3 }), entry(other)]);
    await store.claimInbox(shard, 'a', never, hour, 10);
    const pinned = await store.pinRoutes(shard, 'a', [
      { event: one, n: 3, route: 'by three' },
      { event: one, n: 1, route: 'by one' },
      { event: other, n: 1, route: '' },
      { event: other, n: 2, route: 'by two' },
    ]);
    assert.deepEqual(pinned, [
      { route: 'by three', firstN: 3, firstRoute: 'by three' },
      { route: 'by one', firstN: 3, firstRoute: 'by three' },
      { route: '', firstN: 1, firstRoute: '' },
      { route: 'by two', firstN: 1, firstRoute: '' },
    ]);
    await store.completeRouting(shard, 'a', [{ event: one, n: 3 }], false);
    const again = await store.pinRoutes(shard, 'a', [{ event: one, n: 4, route: 'by four' }]);
    assert.deepEqual(again, [{ route: 'by four', firstN: 3, firstRoute: 'by three' }]);
  });
}
