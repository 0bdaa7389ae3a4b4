/** Warnings about a Redis that could lose acknowledged data. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RedisStore } from '../../../shared/store/redis/store.ts';
import { defaultBounds, StoreError } from '../../../shared/store/store.ts';
import { type RedisProcess, startRedis } from '../../helpers/redis.ts';
import { startRedisCluster } from '../../helpers/redis-cluster.ts';
import { openClient } from '../contract/harness.ts';

async function checked(url: string) {
  const client = await openClient(url);
  try {
    return await new RedisStore(client, 'test:', defaultBounds).check();
  } finally {
    client.disconnect();
  }
}

describe('the check of a Redis', () => {
  let redis: RedisProcess;
  before(async () => {
    redis = await startRedis({ args: ['--rename-command', 'BGSAVE', '""'] });
    redis.cli('acl', 'setuser', 'limited', 'on', '>pw', '~*', '&*', '+@all', '-config');
  });
  after(() => redis.stop());
  const withSetting = async (settings: Readonly<Record<string, string>>) => {
    const before = Object.keys(settings).map((name) => [name, redis.cli('config', 'get', name).split('\n')[1] ?? ''] as const);
    for (const [name, value] of Object.entries(settings)) redis.cli('config', 'set', name, value);
    const findings = await checked(redis.url);
    for (const [name, value] of before) redis.cli('config', 'set', name, value);
    return findings;
  };

  it('finds nothing where every write is on the disk before the answer', async () => {
    assert.deepEqual(await checked(redis.url), { refuse: [], warn: [] });
  });

  it('refuses any policy that evicts', async () => {
    for (const policy of ['allkeys-lru', 'volatile-ttl', 'volatile-lru']) {
      const { refuse, warn } = await withSetting({ 'maxmemory-policy': policy });
      assert.equal(refuse.length, 1);
      assert.match(refuse[0] ?? '', new RegExp(`maxmemory-policy '${policy}', wanted 'noeviction'`));
      assert.deepEqual(warn, []);
    }
  });

  it('warns of what may be lost', async () => {
    const rows: readonly [Record<string, string>, RegExp][] = [
      [
        { appendfsync: 'everysec' },
        /appendfsync 'everysec', wanted 'always': when it stops, about the last second of acknowledged Events may be lost/,
      ],
      [
        { appendfsync: 'no' },
        /appendfsync 'no', wanted 'always': when it stops, about the last half minute of acknowledged Events may be lost/,
      ],
      [{ appendonly: 'no' }, /appendonly 'no', wanted 'yes': when it stops, all acknowledged Events are lost/],
      [
        { appendonly: 'no', save: '3600 1' },
        /appendonly 'no', wanted 'yes': when it stops, Events acknowledged since its last snapshot are lost/,
      ],
    ];
    for (const [settings, wanted] of rows) {
      const { refuse, warn } = await withSetting(settings);
      assert.deepEqual(refuse, []);
      assert.equal(warn.length, 1);
      assert.match(warn[0] ?? '', wanted);
    }
  });

  it('says so where it may not ask', async () => {
    const { refuse, warn } = await checked(redis.url.replace('//', '//limited:pw@'));
    assert.deepEqual(refuse, []);
    assert.deepEqual(warn.length, 1);
    assert.match(warn[0] ?? '', /does not permit CONFIG GET: whether it evicts data and whether it persists data is unknown/);
  });

  it('rejects when Redis is away: that is no finding', async () => {
    const client = await openClient(redis.url);
    client.disconnect();
    await assert.rejects(new RedisStore(client, 'test:', defaultBounds).check(), StoreError);
  });

  it('asks every master of a cluster', async (t) => {
    const cluster = await startRedisCluster();
    t.after(() => cluster.stop());
    assert.deepEqual(await checked(cluster.url), { refuse: [], warn: [] });
    cluster.nodes[1]?.cli('config', 'set', 'maxmemory-policy', 'allkeys-random');
    cluster.nodes[2]?.cli('config', 'set', 'appendfsync', 'everysec');
    const { refuse, warn } = await checked(cluster.url);
    assert.deepEqual([refuse.length, warn.length], [1, 1]);
  });
});
