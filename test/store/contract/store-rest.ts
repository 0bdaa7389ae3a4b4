/** The contract of delivery queues, index, names, sizes and the store itself. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type DeliveryQueue, parkedMax, shardCount } from '../../../shared/store/store.ts';
import { entry, type Harness, hour, nameInEach, never, toDomain } from './harness.ts';

const boxes: readonly DeliveryQueue[] = [{ kind: 'outbox', shard: 0 }, { kind: 'outbox', shard: shardCount - 1 }, { kind: 'dead-letters' }];
const item = (id: string) => ({ id, body: `body of ${id}` });

export function boxContract(harness: () => Harness): void {
  for (const box of boxes) {
    const name = box.kind === 'dead-letters' ? 'letters' : `outbox ${box.shard}`;
    it(`${name}: puts each item once and hands it out when it is due, to one for a while`, async () => {
      const store = await harness().open();
      assert.equal(await store.enqueue(box, [item('b'), item('a')], 100), true);
      assert.equal(await store.enqueue(box, [{ id: 'a', body: 'other' }, item('c')], 50), true);
      assert.equal(await store.enqueue(box, [], 50), true);
      assert.deepEqual(await store.claimDeliveries(box, 49, 10, 10), []);
      assert.deepEqual(await store.claimDeliveries(box, 100, 10, 2), [
        { ...item('c'), tries: 1 },
        { ...item('a'), tries: 1 },
      ]);
      assert.deepEqual(await store.claimDeliveries(box, 100, 10, 2), [{ ...item('b'), tries: 1 }]);
      assert.deepEqual(await store.claimDeliveries(box, 109, 10, 2), []);
      assert.deepEqual(await store.claimDeliveries(box, 110, 10, 1), [{ ...item('a'), tries: 2 }]);
    });

    it(`${name}: postpones, removes and lists`, async () => {
      const store = await harness().open();
      await store.enqueue(box, [item('a'), item('b'), item('c')], 100);
      await store.postponeDelivery(box, 'a', 300);
      await store.postponeDelivery(box, 'not there', 0);
      await store.claimDeliveries(box, 100, 50, 1);
      assert.deepEqual(await store.listDeliveries(box, 10), [
        { ...item('c'), tries: 0 },
        { ...item('b'), tries: 1 },
        { ...item('a'), tries: 0 },
      ]);
      assert.deepEqual(await store.listDeliveries(box, 1), [{ ...item('c'), tries: 0 }]);
      assert.deepEqual(await store.listDeliveries(box, 0), []);
      await store.removeDeliveries(box, ['b', 'not there']);
      await store.removeDeliveries(box, []);
      assert.deepEqual(
        (await store.claimDeliveries(box, 299, 1, 10)).map(({ id }) => id),
        ['c'],
      );
      await store.removeDeliveries(box, ['a', 'c']);
      assert.deepEqual(await store.listDeliveries(box, 10), []);
      await store.enqueue(box, [item('b')], 100);
      assert.deepEqual(await store.claimDeliveries(box, 100, 1, 1), [{ ...item('b'), tries: 1 }]);
    });

    it(`${name}: forgets what was parked`, async () => {
      const store = await harness().open();
      await store.enqueue(box, [item('a'), item('b')], 100);
      await store.park(box, 'a', 'answered 400');
      await store.park(box, 'b', 'answered 413');
      assert.equal(await store.removeParked('a'), true);
      assert.equal(await store.removeParked('a'), false);
      assert.deepEqual(await store.listParked(10), [{ ...item('b'), reason: 'answered 413' }]);
      assert.equal((await store.sizes()).parked, 1);
    });

    it(`${name}: parks what is there, with its reason`, async () => {
      const store = await harness().open();
      await store.enqueue(box, [item('a'), item('b')], 100);
      await store.park(box, 'a', 'answered 400');
      await store.park(box, 'a', 'again');
      await store.park(box, 'b', 'answered 413');
      assert.deepEqual(await store.listParked(10), [
        { ...item('b'), reason: 'answered 413' },
        { ...item('a'), reason: 'answered 400' },
      ]);
      assert.deepEqual(await store.listParked(1), [{ ...item('b'), reason: 'answered 413' }]);
      assert.deepEqual(await store.listParked(0), []);
      assert.deepEqual(await store.listDeliveries(box, 10), []);
      assert.equal((await store.sizes()).parked, 2);
    });

    it(`${name}: takes nothing more when it is full`, async () => {
      const store = await harness().open({ outbox: 2 * shardCount, deadLetters: 2 });
      assert.equal(await store.enqueue(box, [item('a')], 1), true);
      assert.equal(await store.enqueue(box, [item('b'), item('c')], 1), false);
      assert.equal(await store.enqueue(box, [item('b')], 1), true);
      assert.equal(await store.enqueue(box, [item('c')], 1), false);
      assert.deepEqual(
        (await store.listDeliveries(box, 10)).map(({ id }) => id),
        ['a', 'b'],
      );
    });

    it(`${name}: takes out ten thousand at once`, async () => {
      const store = await harness().open({ outbox: 10_000 * shardCount });
      const items = Array.from({ length: 10_000 }, (_, index) => item(`i${index}`));
      assert.equal(await store.enqueue(box, items, 1), true);
      assert.equal((await store.claimDeliveries(box, 1, 1, 10_000)).length, 10_000);
      await store.removeDeliveries(
        box,
        items.map(({ id }) => id),
      );
      assert.deepEqual(await store.listDeliveries(box, 1), []);
    });
  }

  it('forgets what was parked when that is said, the last of an id first', async () => {
    const store = await harness().open();
    const box: DeliveryQueue = { kind: 'dead-letters' };
    for (const [id, reason] of [
      ['a', 'first'],
      ['b', 'other'],
      ['a', 'second'],
    ] as const) {
      await store.enqueue(box, [item(id)], 1);
      await store.park(box, id, reason);
    }
    assert.equal(await store.removeParked('a'), true);
    assert.deepEqual(
      (await store.listParked(9)).map(({ reason }) => reason),
      ['other', 'first'],
    );
    assert.deepEqual(
      [await store.removeParked('a'), await store.removeParked('a'), await store.removeParked('none')],
      [true, false, false],
    );
    assert.equal((await store.sizes()).parked, 1);
  });

  it('keeps a bounded number of parked items, the last ones', async () => {
    const store = await harness().open();
    const box: DeliveryQueue = { kind: 'dead-letters' };
    const items = Array.from({ length: parkedMax + 5 }, (_, index) => item(`i${index}`));
    await store.enqueue(box, items, 1);
    const lost: number[] = [];
    for (const { id } of items) lost.push(await store.park(box, id, 'r'));
    assert.deepEqual(
      lost,
      items.map((_, index) => (index < parkedMax ? 0 : 1)),
    );
    assert.equal(await store.park(box, 'i0', 'r'), 0);
    const parked = await store.listParked(2 * parkedMax);
    assert.equal(parked.length, parkedMax);
    assert.deepEqual([parked[0]?.id, parked.at(-1)?.id], [`i${parkedMax + 4}`, 'i5']);
  });
}

export function indexContract(harness: () => Harness): void {
  it('keeps of the same member the lowest score', async () => {
    const store = await harness().open();
    await store.putIndex(
      [
        { key: 'k', member: 'm', score: 20 },
        { key: 'k', member: 'm', score: 10 },
        { key: 'l', member: 'm', score: 5 },
      ],
      hour,
      10,
    );
    await store.putIndex(
      [
        { key: 'k', member: 'm', score: 15 },
        { key: 'k', member: 'a', score: 10 },
      ],
      hour,
      10,
    );
    await store.putIndex([], hour, 10);
    assert.deepEqual(await store.readIndex(['k', 'none', 'l']), [
      [
        { member: 'a', score: 10 },
        { member: 'm', score: 10 },
      ],
      [],
      [{ member: 'm', score: 5 }],
    ]);
    assert.deepEqual(await store.readIndex([]), []);
  });

  it('keeps under each key the highest scores, at most so many', async () => {
    const store = await harness().open();
    const put = (member: string, score: number, most: number) => store.putIndex([{ key: 'k', member, score }], hour, most);
    for (const [place, member] of ['c', 'a', 'b', 'd'].entries()) await put(member, place, 3);
    const members = async () => (await store.readIndex(['k']))[0]?.map(({ member }) => member);
    assert.deepEqual(await members(), ['a', 'b', 'd']);
    await put('z', -1, 3);
    assert.deepEqual(await members(), ['a', 'b', 'd']);
    await put('d', 9, 1);
    assert.deepEqual(await members(), ['d']);
  });

  it('holds times in microseconds exactly', async () => {
    const store = await harness().open();
    const score = 1_763_680_000_123_457;
    await store.putIndex([{ key: 'k', member: '{"a":"ü"}', score }], hour, 10);
    assert.deepEqual(await store.readIndex(['k']), [[{ member: '{"a":"ü"}', score }]]);
  });

  it('forgets a key when nothing was put for its time', async () => {
    const store = await harness().open();
    await store.putIndex([{ key: 'short', member: 'm', score: 1 }], 30, 10);
    await store.putIndex([{ key: 'long', member: 'm', score: 1 }], hour, 10);
    await harness().pass(store, 30);
    assert.deepEqual(await store.readIndex(['short', 'long']), [[], [{ member: 'm', score: 1 }]]);
  });
}

export function generalContract(harness: () => Harness): void {
  it('says of each shard what is due first', async () => {
    const store = await harness().open();
    const nothing = { inbox: null, domains: null, lease: null, outbox: null };
    assert.deepEqual(await store.due(), Array(shardCount).fill(nothing));
    const now = 1_763_680_000_123_457;
    const [first = '', second = ''] = nameInEach();
    await store.append([entry(first, { due: now }), entry(second, { due: now + 1 }), entry(second, { n: 2, due: now })]);
    await store.addToDomains(0, [toDomain('d', 'x', { due: now }), toDomain('e', 'y', { due: never })]);
    await store.enqueue({ kind: 'outbox', shard: 1 }, [item('i')], 70);
    const due = await store.due();
    assert.deepEqual(due.slice(0, 3), [{ ...nothing, inbox: now, domains: now }, { ...nothing, inbox: now, outbox: 70 }, nothing]);
    assert.deepEqual(
      (await store.claimDomains(0, 500, now, 20, 10)).map(({ domain }) => domain),
      ['d'],
    );
    assert.deepEqual((await store.due())[0], { ...nothing, inbox: now, domains: never, lease: 520 });
  });

  it('counts what it holds', async () => {
    const store = await harness().open();
    const nothing = { inbox: 0, undecided: 0, domains: 0, outbox: 0, outboxSince: null, deadLetters: 0, parked: 0 };
    assert.deepEqual(await store.sizes(), nothing);
    await store.append(nameInEach().map((name) => entry(name)));
    for (const shard of [0, 1]) await store.addToDomains(shard, [toDomain('d', 'x'), toDomain('e', 'y')]);
    await store.enqueue({ kind: 'outbox', shard: 2 }, [item('i'), item('j')], 70);
    await store.enqueue({ kind: 'outbox', shard: 3 }, [item('i')], 60);
    await store.enqueue({ kind: 'dead-letters' }, [item('k')], 50);
    assert.deepEqual(await store.sizes(), {
      inbox: shardCount,
      undecided: 4,
      domains: 4,
      outbox: 3,
      outboxSince: 60,
      deadLetters: 1,
      parked: 0,
    });
  });

  it('lets one hold a name, for its time or until it lets go', async () => {
    const store = await harness().open();
    assert.equal(await store.acquireLease('tick', 'a', hour), true);
    assert.equal(await store.acquireLease('tick', 'b', hour), false);
    assert.equal(await store.acquireLease('other', 'b', hour), true);
    assert.equal(await store.acquireLease('tick', 'a', hour), true);
    await store.releaseLease('tick', 'b');
    assert.equal(await store.acquireLease('tick', 'b', hour), false);
    await store.releaseLease('tick', 'a');
    assert.equal(await store.acquireLease('tick', 'b', 30), true);
    await harness().pass(store, 30);
    assert.equal(await store.acquireLease('tick', 'a', hour), true);
  });

  it('keeps the value that was set first, for its time or for good', async () => {
    const store = await harness().open();
    assert.equal(await store.setOnce('{alias}:x', 'one', null), 'one');
    assert.equal(await store.setOnce('{alias}:x', 'two', null), 'one');
    assert.equal(await store.setOnce('y', '', null), '');
    assert.equal(await store.setOnce('y', 'later', null), '');
    assert.equal(await store.setOnce('z', 'short', 30), 'short');
    assert.equal(await store.setOnce('w', 'none', 0), 'none');
    await harness().pass(store, 30);
    assert.equal(await store.setOnce('z', 'next', hour), 'next');
    assert.equal(await store.setOnce('w', 'next', hour), 'next');
    assert.equal(await store.setOnce('{alias}:x', 'three', 30), 'one');
  });

  it('keeps bodies as they are', async () => {
    const store = await harness().open();
    const body = '{"a":"\u0000\n\\u0000 ü 漢 😀"}';
    await store.addToDomains(2, [toDomain('d', 'a#1', { body })]);
    assert.deepEqual(await store.readDomains(2, ['d']), [{ state: '', incoming: [{ id: 'a#1', body }] }]);
  });

  it('refuses a shard that does not exist', async () => {
    const store = await harness().open();
    await assert.rejects(store.claimInbox(shardCount, 'w', 0, 1, 1), RangeError);
    await assert.rejects(store.addToDomains(-1, []), RangeError);
  });

  it('is ready, and has a clock that goes on', async () => {
    const store = await harness().open();
    assert.equal(store.ready(), true);
    const before = await store.clock();
    await harness().pass(store, 5);
    assert.ok((await store.clock()) > before + 4);
    assert.ok(Number.isInteger(before));
  });
}
