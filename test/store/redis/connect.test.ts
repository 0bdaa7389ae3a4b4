/** From a URL to a usable Redis: one server, Sentinel, TLS, passwords; messages on failure. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { connectRedis, parseRedisUrl, whenReady } from '../../../shared/store/redis/connect.ts';
import { RedisStore } from '../../../shared/store/redis/store.ts';
import { defaultBounds } from '../../../shared/store/store.ts';
import { freePort, startRedis } from '../../helpers/redis.ts';
import { startRedisSentinel } from '../../helpers/redis-cluster.ts';
import { until } from '../../helpers/until.ts';
import { entry, openClient } from '../contract/harness.ts';

describe('the URL of a Redis', () => {
  const nodes = [
    { host: 'a', port: 1 },
    { host: '::1', port: 6379 },
  ];
  const login = { username: 'u', password: 'p:@/' };
  const rows: readonly [string, unknown][] = [
    ['redis://a:1', { kind: 'server', url: 'redis://a:1', tls: false }],
    ['rediss://u:p@a/2', { kind: 'server', url: 'rediss://u:p@a/2', tls: true }],
    ['redis+cluster://u:p:%40%2F@a:1,[::1]', { kind: 'cluster', nodes, login, tls: false }],
    ['rediss+cluster://a:1,[::1]:6379', { kind: 'cluster', nodes, login: {}, tls: true }],
    ['redis+sentinel://:p%3A%40%2F@a:1,[::1]/main', { kind: 'sentinel', nodes, master: 'main', login: { password: 'p:@/' }, tls: false }],
    ['redis+sentinel://a:1', null],
    ['redis+cluster://a:1,,b', null],
    ['redis+cluster://%zz:p@a:1', null],
    ['redis+other://a:1', null],
    ['http://a:1', null],
    ['a:1', null],
    ['', null],
  ];
  for (const [text, wanted] of rows)
    it(`${text || 'an empty one'} is ${wanted === null ? 'none' : 'understood'}`, () => assert.deepEqual(parseRedisUrl(text), wanted));
});

async function saysWhyNot(url: string): Promise<string> {
  const target = parseRedisUrl(url);
  assert.ok(target);
  const client = connectRedis(target, () => {});
  const reason = await whenReady(client, 700);
  client.disconnect();
  return reason;
}

describe('a connection', () => {
  it('is made with the password, and says when it is wrong', async (t) => {
    const redis = await startRedis({ password: 's e:c@ret/' });
    t.after(() => redis.stop());
    assert.match(await saysWhyNot(redis.url.replace(/:[^:]*@/, ':wrong@')), /WRONGPASS/);
    assert.match(await saysWhyNot(redis.url.replace(/\/\/.*@/, '//')), /NOAUTH/);
    const client = await openClient(redis.url);
    t.after(() => client.disconnect());
    assert.equal(await client.ping(), 'PONG');
  });

  it('says when nobody is there', async () => {
    const port = await freePort();
    assert.match(await saysWhyNot(`redis://127.0.0.1:${port}`), /ECONNREFUSED/);
    assert.match(await saysWhyNot(`redis+cluster://127.0.0.1:${port}`), /refresh slots|ECONNREFUSED/i);
    assert.match(await saysWhyNot(`redis+sentinel://127.0.0.1:${port}/main`), /sentinel|ECONNREFUSED/i);
  });

  it('over TLS trusts only known authorities', async (t) => {
    const redis = await startRedis({ tls: true, password: 'secret' });
    t.after(() => redis.stop());
    assert.match(await saysWhyNot(redis.url), /certificate/);
    const trusted = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...trusted, readFileSync(redis.ca, 'utf8')]);
    const client = await openClient(redis.url);
    t.after(() => client.disconnect());
    assert.equal(await client.ping(), 'PONG');
    tls.setDefaultCACertificates(trusted);
  });

  it('by Sentinel follows the master', async (t) => {
    const sentinel = await startRedisSentinel('secret');
    t.after(() => sentinel.stop());
    const [master, replica] = sentinel.nodes;
    const client = await openClient(sentinel.url);
    t.after(() => client.disconnect());
    const store = new RedisStore(client, 'test:', defaultBounds);
    await store.append([entry('before')]);
    await until(
      'the replica has it',
      () => Number(replica?.cli('dbsize')) > 0 && replica?.cli('info', 'replication').includes('master_link_status:up') === true,
    );
    await master?.kill9();
    await until('the store sees that its master is gone', () => !store.ready());
    await until('the store has found the new master', () => store.ready());
    assert.deepEqual(await store.append([entry('before'), entry('after')]), [false, true]);
  });
});
