/** Redis killed, hung, full, or partly unavailable: nothing acknowledged is lost, callers fail fast, and it recovers. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { RedisStore } from '../../../shared/store/redis/store.ts';
import { defaultBounds, type Store, StoreError, shardCount } from '../../../shared/store/store.ts';
import { type RedisProcess, startRedis } from '../../helpers/redis.ts';
import { startRedisCluster } from '../../helpers/redis-cluster.ts';
import { until } from '../../helpers/until.ts';
import { commitOf, entry, hour, nameInEach, namesIn, never, openClient, toDomain } from '../contract/harness.ts';

interface Opened {
  readonly redis: RedisProcess;
  readonly store: Store;
}

/** Closed after the test, however that ends. */
async function open(t: TestContext, url: string, answerIn?: number): Promise<Store> {
  const client = await openClient(url, answerIn);
  t.after(() => client.disconnect());
  return new RedisStore(client, 'test:', defaultBounds);
}

async function openRedis(t: TestContext, answerIn?: number): Promise<Opened> {
  const redis = await startRedis();
  t.after(() => redis.stop());
  return { redis, store: await open(t, redis.url, answerIn) };
}

async function openCluster(t: TestContext): Promise<{ readonly nodes: readonly RedisProcess[]; readonly store: Store }> {
  const cluster = await startRedisCluster();
  t.after(() => cluster.stop());
  return { nodes: cluster.nodes, store: await open(t, cluster.url) };
}

/** Rejects as said, and long before a call would give up waiting for an answer. */
async function rejectsAtOnce(call: Promise<unknown>, wanted: RegExp): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise((resolve) => {
    late = setTimeout(resolve, 5_000);
  });
  await assert.rejects(Promise.race([call, tooLate]), (error) => error instanceof StoreError && wanted.test(error.message));
  clearTimeout(late);
}

describe('Redis killed', () => {
  it('has after its restart all that it acknowledged, each commit whole', async (t) => {
    const { redis, store } = await openRedis(t);
    const known: string[] = [];
    const committed: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      const names = Array.from({ length: 300 }, (_, index) => `e${round}-${index}`);
      const appends = names.map(async (name) => {
        if ((await store.append([entry(name)])) !== null) known.push(name);
      });
      const commits = Array.from({ length: 20 }, async (_, index) => {
        const domain = `d${round}-${index}`;
        await store.addToDomains(index % shardCount, [toDomain(domain, 'a#1')]);
        for (const { fence, domain: claimed } of await store.claimDomains(index % shardCount, 0, never, hour, 1)) {
          const segments = [{ id: claimed, body: 'b' }];
          const outcome = await store.commit(index % shardCount, 0, commitOf(claimed, fence, { taken: ['a#1'], decided: 1, segments }), 0);
          if (outcome === 'committed') committed.push(claimed);
        }
      });
      const all = Promise.allSettled([...appends, ...commits]);
      // Killed earlier and later: at the first answers, and in every second round among those to commits.
      const [some, decided] = [known.length + 30 * round, committed.length];
      const isEnough = () => known.length > some && (round % 2 === 0 || committed.length > decided + round);
      await until('some are acknowledged', isEnough);
      await redis.kill9();
      await all;
      await redis.restart();
      await until('the store is ready again', () => store.ready());
    }
    assert.deepEqual([...new Set(await store.unseen(known.map((event) => ({ event, n: 1 }))))], [false]);
    const waiting = new Set<string>();
    for (let shard = 0; shard < shardCount; shard += 1)
      for (const { event } of (await store.claimInbox(shard, 'w', never, hour, 10_000)) ?? []) waiting.add(event);
    assert.deepEqual(
      known.filter((name) => !waiting.has(name)),
      [],
    );
    const sent = new Set<string>();
    for (let shard = 0; shard < shardCount; shard += 1)
      for (const { id } of await store.listDeliveries({ kind: 'outbox', shard }, 10_000)) sent.add(id);
    assert.deepEqual(
      committed.filter((domain) => !sent.has(domain)),
      [],
    );
    let left = 0;
    for (let shard = 0; shard < shardCount; shard += 1) {
      const domains = Array.from({ length: 8 }, (_, round) => Array.from({ length: 20 }, (__, index) => `d${round}-${index}`)).flat();
      for (const { incoming } of await store.readDomains(shard, domains)) left += incoming.length;
    }
    assert.equal((await store.sizes()).undecided, left);
  });

  it('is told to every caller at once while it is away, without what was to be stored', async (t) => {
    const { redis, store } = await openRedis(t);
    await store.append([entry('a')]);
    await redis.kill9();
    await until('the store is not ready', () => !store.ready());
    const body = 'a secret';
    const calls: readonly Promise<unknown>[] = [
      store.append([entry('b', { body })]),
      store.claimInbox(0, 'w', never, hour, 1),
      store.readDomains(0, ['d']),
      store.readIndex(['k']),
      store.listDeliveries({ kind: 'dead-letters' }, 1),
      store.park({ kind: 'dead-letters' }, 'x', body),
      store.due(),
      store.sizes(),
      store.clock(),
      store.check(),
      store.setOnce('n', body, null),
    ];
    await Promise.all(calls.map((call) => rejectsAtOnce(call, /^Cannot [\w\s-]+ in Redis: it is unavailable$/)));
    await redis.restart();
    await until('the store is ready again', () => store.ready());
    assert.deepEqual(await store.append([entry('a'), entry('b')]), [false, true]);
  });
});

describe('Redis in trouble', () => {
  it('that does not answer counts as away until it does', async (t) => {
    const { redis, store } = await openRedis(t, 500);
    await store.append([entry('a')]);
    redis.signal('SIGSTOP');
    await rejectsAtOnce(store.append([entry('b')]), /Cannot append in Redis: it (did not answer in time|is unavailable)/);
    redis.signal('SIGCONT');
    await until('it answers again', async () => store.ready() && (await store.append([entry('a')]).catch(() => null)) !== null);
    assert.equal((await store.unseen([{ event: 'a', n: 1 }]))[0], false);
  });

  it('without memory takes nothing in, and goes on leading out what it holds', async (t) => {
    const { redis, store } = await openRedis(t);
    const [event = ''] = namesIn(0, 1);
    await store.append([entry(event)]);
    redis.cli('config', 'set', 'maxmemory', '1');
    await rejectsAtOnce(store.append([entry('more')]), /Cannot append in Redis: it is out of memory/);
    await rejectsAtOnce(store.enqueue({ kind: 'dead-letters' }, [{ id: 'l', body: 'b' }], 0), /out of memory/);
    assert.equal((await store.claimInbox(0, 'w', never, hour, 1))?.length, 1);
    await store.pinRoutes(0, 'w', [{ event, n: 1, route: 'd' }]);
    await store.putIndex([{ key: 'k', member: 'm', score: 1 }], hour, 1);
    assert.equal(await store.setOnce('alias', 'd', null), 'd');
    assert.equal(await store.acquireLease('tick', 'w', hour), true);
    assert.equal(await store.addToDomains(0, [toDomain('d', `${event}#1`)]), true);
    await store.completeRouting(0, 'w', [{ event, n: 1 }], true);
    const [claimed] = await store.claimDomains(0, 0, never, hour, 1);
    const commit = commitOf('d', claimed?.fence ?? 0, {
      taken: [`${event}#1`],
      decided: 1,
      state: 's',
      segments: [{ id: 's', body: 'b' }],
    });
    assert.equal(await store.commit(0, 0, commit, 0), 'committed');
    const outbox = { kind: 'outbox', shard: 0 } as const;
    assert.equal((await store.claimDeliveries(outbox, 0, 0, 1)).length, 1);
    await store.postponeDelivery(outbox, 's', 1);
    await store.removeDeliveries(outbox, ['s']);
    assert.deepEqual((({ inbox, undecided, outbox: left }) => ({ inbox, undecided, left }))(await store.sizes()), {
      inbox: 0,
      undecided: 0,
      left: 0,
    });
    redis.cli('config', 'set', 'maxmemory', '0');
    assert.deepEqual(await store.append([entry('more')]), [true]);
  });
});

describe('a Redis Cluster', () => {
  it('goes on without a node in the shards of the others, says what is away, and is whole again by itself', async (t) => {
    const { nodes, store } = await openCluster(t);
    const names = nameInEach();
    assert.deepEqual(
      await store.append(names.map((name) => entry(name))),
      names.map(() => true),
    );
    const [, node] = nodes;
    await node?.kill9();
    await until('the store sees that a node is away', () => !store.ready());
    const outcomes = await Promise.allSettled(names.map((name) => store.append([entry(name)])));
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    assert.ok(reasons.length > 0 && reasons.length < shardCount);
    for (const reason of reasons)
      assert.match(String(reason), /^StoreError: Cannot append in Redis: (a part of the cluster|it) is unavailable$/);
    assert.deepEqual(outcomes.filter(({ status }) => status === 'fulfilled').length, shardCount - reasons.length);
    await node?.restart();
    await until('all nodes are there again', () => store.ready());
    await until('every shard answers', async () => (await store.append(names.map((name) => entry(name))).catch(() => null)) !== null);
    assert.deepEqual(
      await store.unseen(names.map((event) => ({ event, n: 1 }))),
      names.map(() => false),
    );
  });

  it('that is gone altogether is told at once, and found again', async (t) => {
    const { nodes, store } = await openCluster(t);
    await store.append([entry('a')]);
    for (const node of nodes) await node.kill9();
    await until('the store sees that the cluster is away', () => !store.ready());
    await rejectsAtOnce(store.append([entry('b')]), /Cannot append in Redis: (a part of the cluster|it) is unavailable/);
    await rejectsAtOnce(store.sizes(), /is unavailable/);
    for (const node of nodes) await node.restart();
    await until('the cluster answers again', async () => store.ready() && (await store.append([entry('a')]).catch(() => null)) !== null);
    assert.deepEqual(await store.append([entry('a'), entry('b')]), [false, true]);
  });
});
