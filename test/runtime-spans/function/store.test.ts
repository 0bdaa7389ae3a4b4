/** One suite over every store of runtime spans: in memory, in Redis, in a Redis Cluster. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { MemorySpanStore } from '../../../functions/runtime-spans/store/memory.ts';
import { RedisSpanStore } from '../../../functions/runtime-spans/store/redis.ts';
import {
  type Bounds,
  defaultBounds,
  idsMost,
  lifetimeOf,
  partsMost,
  type SpanStore,
  type StoredPart,
} from '../../../functions/runtime-spans/store/span-store.ts';
import { startRedis } from '../../helpers/redis.ts';
import { startRedisCluster } from '../../helpers/redis-cluster.ts';
import { openClient } from '../../store/contract/harness.ts';

interface Opened {
  /** `now`: moves the clock by which usage expires. */
  open(bounds?: Partial<Bounds>, now?: () => number): SpanStore;
  stop(): Promise<void>;
}

async function overRedis(server: { readonly url: string; stop(): Promise<void> }): Promise<Opened> {
  const client = await openClient(server.url);
  return {
    open: (bounds, now = Date.now) => new RedisSpanStore(client, `${randomUUID()}:`, now, { ...defaultBounds, ...bounds }),
    stop: async () => {
      client.disconnect();
      await server.stop();
    },
  };
}

const stores: readonly (readonly [string, () => Promise<Opened>])[] = [
  [
    'memory',
    async () => ({ open: (bounds, now = Date.now) => new MemorySpanStore(now, { ...defaultBounds, ...bounds }), stop: async () => {} }),
  ],
  ['Redis', async () => overRedis(await startRedis())],
  ['Redis Cluster', async () => overRedis(await startRedisCluster())],
];

const part = (id: string, body: string, fields: Partial<StoredPart> = {}): StoredPart => ({
  id,
  body: Buffer.from(body),
  spans: 1,
  keys: [`key of ${id}`],
  ...fields,
});
const texts = (found: readonly (readonly Buffer[])[]) => found.map((parts) => parts.map(String));

for (const [name, start] of stores)
  describe(`span store: ${name}`, () => {
    let opened: Opened;
    before(async () => {
      opened = await start();
    });
    after(() => opened.stop());

    it('reads the parts of an id in their order, bytes unchanged', async () => {
      const store = opened.open();
      assert.equal(await store.put('spans', [part('a', 'one'), part('b', 'else')]), true);
      await store.put('spans', [{ ...part('a', ''), body: Buffer.from([0, 255, 128]) }]);
      const [a, b, none] = await store.read('spans', ['a', 'b', 'none']);
      assert.deepEqual(
        a?.map((body) => [...body]),
        [[...Buffer.from('one')], [0, 255, 128]],
      );
      assert.deepEqual(texts([b ?? [], none ?? []]), [['else'], []]);
    });

    it('keeps spans and outlines apart', async () => {
      const store = opened.open();
      await store.put('spans', [part('a', 'spans')]);
      await store.put('outlines', [part('a', 'outline', { keys: ['other'] })]);
      assert.deepEqual(texts([...(await store.read('spans', ['a'])), ...(await store.read('outlines', ['a']))]), [['spans'], ['outline']]);
      assert.deepEqual(await store.find('spans', ['other']), [[]]);
      assert.deepEqual(await store.find('outlines', ['other']), [['a']]);
    });

    it('finds ids by key, the newest first, each once', async () => {
      let now = 1_000_000;
      const store = opened.open({}, () => now);
      for (const id of ['a', 'b', 'a', 'c']) {
        now += 1;
        await store.put('spans', [part(id, id, { keys: ['k', `own ${id}`] })]);
      }
      now += 1;
      await store.link('spans', 'b', ['k']);
      assert.deepEqual(await store.find('spans', ['k', 'own a', 'none']), [['b', 'c', 'a'], ['a'], []]);
    });

    it(`keeps the newest ${idsMost} ids of a key and the last ${partsMost} parts of an id`, async () => {
      let now = 1_000_000;
      const store = opened.open({}, () => now++);
      await store.put(
        'spans',
        Array.from({ length: idsMost + 10 }, (_, index) => part(`id-${index}`, 'x', { keys: ['k'] })),
      );
      const [ids = []] = await store.find('spans', ['k']);
      assert.equal(ids.length, idsMost);
      assert.ok(ids.includes(`id-${idsMost + 9}`) && !ids.includes('id-0'));
      await store.put(
        'spans',
        Array.from({ length: partsMost + 3 }, (_, index) => part('a', `part ${index}`)),
      );
      const [parts = []] = texts(await store.read('spans', ['a']));
      assert.deepEqual([parts.length, parts[0]], [partsMost, 'part 3']);
    });

    it('takes nothing more when it is full by bytes or by spans, and again when what it has expires', async () => {
      for (const bounds of [{ bytes: 3_000 }, { spans: 10 }]) {
        let now = 1_000_000;
        const store = opened.open({ ...bounds, ttlMs: 60_000 }, () => now);
        const big = part('big', 'x'.repeat(3_000), { spans: 10 });
        assert.equal(await store.put('spans', [big]), true);
        assert.ok((await store.usage()).bytes > 3_000);
        assert.equal(await store.put('spans', [part('more', 'x')]), false);
        assert.deepEqual(texts(await store.read('spans', ['more'])), [[]]);
        now += 71_000;
        assert.deepEqual(await store.usage(), { bytes: 0, spans: 0 });
        assert.equal(await store.put('spans', [part('more', 'x')]), true);
      }
    });

    it('forgets after its time, and sooner what has no key', async () => {
      let moved = 0;
      const store = opened.open({ ttlMs: 40 }, () => Date.now() + moved);
      await store.put('spans', [part('a', 'x'), part('b', 'x', { keys: [] })]);
      moved = 50;
      const gone = async () =>
        texts(await store.read('spans', ['a', 'b'])).flat().length === 0 && (await store.find('spans', ['key of a'])).flat().length === 0;
      while (!(await gone())) await new Promise((resolve) => setTimeout(resolve, 10));
    });

    it('knows what was told of a trace; the first delivery stays', async () => {
      const store = opened.open();
      assert.deepEqual(await store.told('t'), new Map());
      await store.tell('t', new Map([['c1', 'd1']]));
      await store.tell(
        't',
        new Map([
          ['c1', 'd2'],
          ['c2', 'd2'],
        ]),
      );
      await store.tell('t', new Map());
      assert.deepEqual([...(await store.told('t'))].sort(), [
        ['c1', 'd1'],
        ['c2', 'd2'],
      ]);
    });

    it('gives a due trace to one who asks, and to another when the lease has ended', async () => {
      const store = opened.open();
      await store.schedule('t', 2_000);
      await store.schedule('t', 1_000);
      await store.schedule('t', 3_000);
      assert.deepEqual(await store.claim(999, 500, 10), []);
      const claims = await Promise.all([store.claim(1_000, 500, 10), store.claim(1_000, 500, 10)]);
      assert.deepEqual(claims.flat(), ['t']);
      assert.deepEqual(await store.claim(1_499, 500, 10), []);
      assert.deepEqual(await store.claim(1_500, 500, 10), ['t']);
      await store.finish('t');
      assert.deepEqual(await store.claim(9_000, 500, 10), []);
    });

    it('keeps a time that is set while the trace is claimed', async () => {
      const store = opened.open();
      await store.schedule('t', 1_000);
      assert.deepEqual(await store.claim(1_000, 500, 10), ['t']);
      await store.schedule('t', 1_100);
      await store.finish('t');
      assert.deepEqual(await store.claim(1_100, 500, 10), ['t']);
    });

    it('claims at most so many, the earliest first', async () => {
      const store = opened.open();
      for (const [id, at] of [
        ['c', 3],
        ['a', 1],
        ['b', 2],
      ] as const)
        await store.schedule(id, at);
      assert.deepEqual(await store.claim(10, 500, 2), ['a', 'b']);
      assert.deepEqual(await store.claim(10, 500, 2), ['c']);
    });
  });

describe('lifetimeOf', () => {
  const bounds = { bytes: 1_000, spans: 100, ttlMs: 1_200_000 };
  for (const [bytes, spans, wanted] of [
    [0, 0, 1_200_000],
    [500, 50, 1_200_000],
    [750, 0, 600_000],
    [0, 75, 600_000],
    [999, 0, 60_000],
    [1_000, 0, 0],
    [0, 100, 0],
  ] as const)
    it(`${bytes} of 1,000 bytes and ${spans} of 100 spans: ${wanted} ms`, () => assert.equal(lifetimeOf({ bytes, spans }, bounds), wanted));
});
