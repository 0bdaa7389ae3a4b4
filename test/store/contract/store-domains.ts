/** The contract of the domains: adding, claiming with a fencing number, reading, committing in one step. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fullOutboxPauseMs, type Store, shardCount } from '../../../shared/store/store.ts';
import { commitOf, type Harness, hour, never, toDomain } from './harness.ts';

const shard = 5;
const clock = 1_000_000;
const outbox = { kind: 'outbox', shard } as const;

async function claimOne(store: Store, at = clock): Promise<number> {
  const claimed = await store.claimDomains(shard, at, never, hour, 10);
  assert.deepEqual(
    claimed.map(({ domain }) => domain),
    ['d'],
  );
  return claimed[0]?.fence ?? 0;
}

async function read(store: Store, domain = 'd'): Promise<{ state: string; ids: string[] }> {
  const [found] = await store.readDomains(shard, [domain]);
  return { state: found?.state ?? '', ids: (found?.incoming ?? []).map(({ id }) => id).sort() };
}

async function isDueAt(store: Store): Promise<number | null | undefined> {
  return (await store.due())[shard]?.domains;
}

export function domainContract(harness: () => Harness): void {
  it('adds each entry to its domain once, due at the earliest of its times', async () => {
    const store = await harness().open();
    assert.equal(await store.addToDomains(shard, [toDomain('d', 'a#1', { due: 30 }), toDomain('e', 'b#1', { due: 20 })]), true);
    assert.equal(
      await store.addToDomains(shard, [toDomain('d', 'a#1', { due: 40, body: 'other' }), toDomain('d', 'c#1', { due: 10 })]),
      true,
    );
    assert.equal(await store.addToDomains(shard, []), true);
    assert.equal((await store.sizes()).undecided, 3);
    assert.equal((await store.sizes()).domains, 2);
    assert.equal(await isDueAt(store), 10);
    const [first, second, none] = await store.readDomains(shard, ['d', 'e', 'f']);
    assert.deepEqual(
      [...(first?.incoming ?? [])].sort((x, y) => (x.id < y.id ? -1 : 1)),
      [
        { id: 'a#1', body: 'body of a#1' },
        { id: 'c#1', body: 'body of c#1' },
      ],
    );
    assert.deepEqual(second, { state: '', incoming: [{ id: 'b#1', body: 'body of b#1' }] });
    assert.deepEqual(none, { state: '', incoming: [] });
    assert.deepEqual(await store.readDomains(shard, []), []);
  });

  it('adds again what a commit has taken, for the ledger in the state to tell; counted as decided it is held no longer', async () => {
    const store = await harness().open();
    await store.addToDomains(shard, [toDomain('d', 'a#1')]);
    await store.commit(
      shard,
      clock,
      commitOf('d', await claimOne(store), { taken: ['a#1'], decided: 1, state: 'ledger a#1', stateTtl: hour }),
      0,
    );
    assert.equal((await store.sizes()).undecided, 0);
    assert.equal(await store.addToDomains(shard, [toDomain('d', 'a#1')]), true);
    assert.deepEqual(await read(store), { state: 'ledger a#1', ids: ['a#1'] });
    assert.equal((await store.sizes()).undecided, 1);
    await store.commit(
      shard,
      clock,
      commitOf('d', await claimOne(store), { taken: ['a#1'], decided: 1, state: 'ledger a#1', stateTtl: hour }),
      0,
    );
    assert.equal((await store.sizes()).undecided, 0);
  });

  it('skips domains by prefix, however many of them are due first, also when their lease has expired', async () => {
    const store = await harness().open();
    const skipped = Array.from({ length: 120 }, (_, n) => `late|${n}`);
    await store.addToDomains(
      shard,
      skipped.map((domain, due) => toDomain(domain, `${domain}#1`, { due })),
    );
    await store.addToDomains(shard, [toDomain('d', 'a#1', { due: 500 })]);
    const isDueAt = async (...skip: string[]) => (await store.due(skip))[shard]?.domains;
    assert.deepEqual([await isDueAt(), await isDueAt('late|'), await isDueAt('late|', 'd')], [0, 500, null]);
    assert.equal((await store.claimDomains(shard, clock, never, 10, 1)).at(0)?.domain, 'late|0');
    const claimed = await store.claimDomains(shard, clock + 10, never, hour, 10, ['late|']);
    assert.deepEqual(
      claimed.map(({ domain }) => domain),
      ['d'],
    );
    assert.equal((await store.claimDomains(shard, clock + 10, never, hour, 10, ['other|'])).at(0)?.domain, 'late|0');
  });

  it('adds nothing while too much is undecided', async () => {
    const store = await harness().open({ pending: 2 * shardCount });
    await store.addToDomains(shard, [toDomain('d', 'a#1'), toDomain('d', 'b#1')]);
    assert.equal(await store.addToDomains(shard, [toDomain('d', 'c#1')]), false);
    const fence = await claimOne(store);
    // Taken into the state they are still undecided.
    await store.commit(shard, clock, commitOf('d', fence, { taken: ['a#1', 'b#1'], state: 'a b', due: 5 }), 0);
    assert.equal(await store.addToDomains(shard, [toDomain('d', 'c#1')]), false);
    await store.commit(shard, clock, commitOf('d', await claimOne(store), { decided: 1, state: 'b', due: 5 }), 0);
    assert.equal(await store.addToDomains(shard, [toDomain('d', 'c#1')]), true);
    assert.deepEqual(await read(store), { state: 'b', ids: ['c#1'] });
  });

  it('gives a due domain to one worker, the earliest first', async () => {
    const store = await harness().open();
    await store.addToDomains(shard, [
      toDomain('c', '1', { due: 30 }),
      toDomain('b', '2', { due: 10 }),
      toDomain('a', '3', { due: 20 }),
      toDomain('d', '4', { due: 20 }),
    ]);
    assert.deepEqual((await store.claimDomains(shard, clock, 9, hour, 10)).length, 0);
    assert.deepEqual(
      (await store.claimDomains(shard, clock, 20, hour, 2)).map(({ domain }) => domain),
      ['b', 'a'],
    );
    assert.deepEqual(
      (await store.claimDomains(shard, clock, 20, hour, 2)).map(({ domain }) => domain),
      ['d'],
    );
    assert.deepEqual(await store.claimDomains(shard, clock, 20, hour, 2), []);
    assert.equal((await store.sizes()).domains, 4);
  });

  it('keeps a domain from others while it is claimed, also when more comes for it; then it is due', async () => {
    const store = await harness().open();
    await store.addToDomains(shard, [toDomain('d', 'a#1')]);
    const fence = await claimOne(store);
    await store.addToDomains(shard, [toDomain('d', 'b#1', { due: 70 }), toDomain('e', 'c#1', { due: 80 })]);
    assert.deepEqual(
      (await store.claimDomains(shard, clock, never, hour, 1)).map(({ domain }) => domain),
      ['e'],
    );
    assert.equal((await store.sizes()).domains, 2);
    assert.equal(await store.commit(shard, clock, commitOf('d', fence, { taken: ['a#1'], decided: 1, due: 90 }), 0), 'committed');
    assert.equal(await isDueAt(store), 70);
    assert.deepEqual(await read(store), { state: '', ids: ['b#1'] });
  });

  it('lets the last claim commit and no other', async () => {
    const store = await harness().open();
    await store.addToDomains(shard, [toDomain('d', 'a#1')]);
    const slow = await claimOne(store, clock);
    assert.equal((await store.due())[shard]?.lease, clock + hour);
    assert.deepEqual(await store.claimDomains(shard, clock + hour - 1, never, hour, 10), []);
    const quick = await claimOne(store, clock + hour);
    assert.ok(quick > slow);
    const late = commitOf('d', slow, { taken: ['a#1'], state: 'of the slow one', decided: 1, segments: [{ id: 's', body: 's' }] });
    assert.equal(await store.commit(shard, clock + hour, late, 0), 'stale');
    assert.deepEqual(await read(store), { state: '', ids: ['a#1'] });
    assert.equal(
      await store.commit(shard, clock + hour, commitOf('d', quick, { taken: ['a#1'], state: 'quick', decided: 1 }), 0),
      'committed',
    );
    assert.equal(await store.commit(shard, clock + hour, commitOf('d', quick, { state: 'twice' }), 0), 'stale');
    assert.equal(await store.commit(shard, clock, commitOf('never claimed', 1, { state: 'x' }), 0), 'stale');
    assert.deepEqual(await read(store), { state: 'quick', ids: [] });
    assert.equal((await store.sizes()).outbox, 0);
  });

  it('lets a slow worker commit when nobody claimed the domain after its lease', async () => {
    const store = await harness().open();
    await store.addToDomains(shard, [toDomain('d', 'a#1'), toDomain('e', 'b#1')]);
    const claimed = await store.claimDomains(shard, clock, never, 100, 10);
    const fence = claimed.find(({ domain }) => domain === 'd')?.fence ?? 0;
    assert.deepEqual((await store.claimDomains(shard, clock + 100, never, hour, 0)).length, 0);
    assert.equal(await isDueAt(store), 0);
    assert.equal((await store.due())[shard]?.lease, null);
    assert.equal(await store.commit(shard, clock + 100, commitOf('d', fence, { taken: ['a#1'], decided: 1, state: 's' }), 0), 'committed');
    assert.deepEqual(await read(store), { state: 's', ids: [] });
  });

  it('commits in one step: entries out, state in, segments into the outbox, due again', async () => {
    const store = await harness().open();
    await store.addToDomains(shard, [toDomain('d', 'a#1'), toDomain('d', 'b#1'), toDomain('d', 'c#1')]);
    const fence = await claimOne(store);
    const segments = [
      { id: 's1', body: 'one' },
      { id: 's2', body: 'two' },
    ];
    const commit = commitOf('d', fence, { taken: ['a#1', 'b#1'], state: 'after', due: 77, decided: 1, segments });
    assert.equal(await store.commit(shard, clock, commit, 500), 'committed');
    assert.deepEqual(await read(store), { state: 'after', ids: ['c#1'] });
    assert.deepEqual((await store.due())[shard], { inbox: null, domains: 77, lease: null, outbox: clock + 500 });
    const { undecided, outbox: waiting, outboxSince } = await store.sizes();
    assert.deepEqual({ undecided, waiting, outboxSince }, { undecided: 2, waiting: 2, outboxSince: clock });
    assert.deepEqual(await store.claimDeliveries(outbox, clock + 499, 0, 10), []);
    assert.deepEqual(
      await store.claimDeliveries(outbox, clock + 500, 10, 10),
      segments.map((segment) => ({ ...segment, tries: 1 })),
    );
  });

  it('keeps the segment that is there already', async () => {
    const store = await harness().open();
    for (const body of ['first', 'second']) {
      await store.addToDomains(shard, [toDomain('d', 'a#1')]);
      const commit = commitOf('d', await claimOne(store), { taken: ['a#1'], decided: 1, segments: [{ id: 's', body }] });
      assert.equal(await store.commit(shard, body === 'first' ? clock : clock + 50, commit, 0), 'committed');
    }
    assert.deepEqual(await store.listDeliveries(outbox, 10), [{ id: 's', body: 'first', tries: 0 }]);
    assert.equal((await store.sizes()).outboxSince, clock);
  });

  it('changes nothing while the outbox is full, and lets the domain rest', async () => {
    const store = await harness().open({ outbox: shardCount });
    await store.addToDomains(shard, [toDomain('d', 'a#1')]);
    await store.enqueue(outbox, [{ id: 's1', body: 'one' }], 0);
    const fence = await claimOne(store);
    const commit = commitOf('d', fence, { taken: ['a#1'], state: 'after', decided: 1, segments: [{ id: 's2', body: 'two' }] });
    assert.equal(await store.commit(shard, clock, commit, 0), 'full');
    assert.deepEqual(await read(store), { state: '', ids: ['a#1'] });
    assert.equal((await store.sizes()).undecided, 1);
    assert.equal(await store.commit(shard, clock, commit, 0), 'stale');
    assert.deepEqual(await store.claimDomains(shard, clock + fullOutboxPauseMs - 1, never, hour, 10), []);
    assert.equal((await store.due())[shard]?.lease, clock + fullOutboxPauseMs);
    await store.removeDeliveries(outbox, ['s1']);
    const next = await claimOne(store, clock + fullOutboxPauseMs);
    assert.equal(await store.commit(shard, clock + fullOutboxPauseMs, { ...commit, fence: next }, 0), 'committed');
    assert.equal((await store.sizes()).outbox, 1);
  });

  it('commits a decision with more segments than the outbox takes while that is not full: else it never could be', async () => {
    const store = await harness().open({ outbox: 2 * shardCount });
    const segments = ['s1', 's2', 's3'].map((id) => ({ id, body: id }));
    await store.enqueue(outbox, [{ id: 's0', body: 's0' }], 0);
    await store.addToDomains(shard, [toDomain('d', 'a#1')]);
    const commit = commitOf('d', await claimOne(store), { taken: ['a#1'], decided: 1, segments });
    assert.equal(await store.commit(shard, clock, commit, 0), 'committed');
    assert.equal((await store.sizes()).outbox, 4);
    await store.addToDomains(shard, [toDomain('d', 'b#1')]);
    const next = commitOf('d', await claimOne(store), { taken: ['b#1'], decided: 1, segments: [{ id: 's4', body: 's4' }] });
    assert.equal(await store.commit(shard, clock, next, 0), 'full');
  });

  it('commits what has no segment though the outbox is full', async () => {
    const store = await harness().open({ outbox: shardCount });
    await store.enqueue(outbox, [{ id: 's1', body: 'one' }], 0);
    await store.addToDomains(shard, [toDomain('d', 'a#1')]);
    assert.equal(await store.commit(shard, clock, commitOf('d', await claimOne(store), { taken: ['a#1'], decided: 1 }), 0), 'committed');
  });

  it('remembers a state for its time, for good when that is null, not at all when it is empty', async () => {
    const store = await harness().open();
    const commitState = async (state: string, stateTtl: number | null) => {
      await store.addToDomains(shard, [toDomain('d', 'a#1')]);
      const commit = commitOf('d', await claimOne(store), { taken: ['a#1'], decided: 1, state, stateTtl });
      assert.equal(await store.commit(shard, clock, commit, 0), 'committed');
      await harness().pass(store, 30);
      return (await read(store)).state;
    };
    assert.equal(await commitState('short', 20), '');
    assert.equal(await commitState('long', hour), 'long');
    assert.equal(await commitState('for good', null), 'for good');
    assert.equal(await commitState('not any more', 0), '');
    assert.equal(await commitState('for good', null), 'for good');
    assert.equal(await commitState('', null), '');
  });

  it('takes five thousand entries and hundreds of segments in one commit', async () => {
    const store = await harness().open();
    const ids = Array.from({ length: 5_000 }, (_, index) => `a#${index}`);
    await store.addToDomains(
      shard,
      ids.map((id) => toDomain('d', id)),
    );
    const segments = Array.from({ length: 400 }, (_, index) => ({ id: `s${index}`, body: 'b' }));
    assert.equal(
      await store.commit(shard, clock, commitOf('d', await claimOne(store), { taken: ids, decided: ids.length, segments }), 0),
      'committed',
    );
    assert.deepEqual(await read(store), { state: '', ids: [] });
    assert.deepEqual((({ undecided, outbox: waiting, domains }) => ({ undecided, waiting, domains }))(await store.sizes()), {
      undecided: 0,
      waiting: 400,
      domains: 0,
    });
  });
}
