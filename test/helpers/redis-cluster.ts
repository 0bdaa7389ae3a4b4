/** Redis Cluster and Redis Sentinel for tests, as real processes. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type RedisProcess, redisCli, ServerProcess, startRedis } from './redis.ts';
import { until } from './until.ts';

export interface RedisCluster {
  readonly url: string;
  readonly nodes: readonly RedisProcess[];
  stop(): Promise<void>;
}

/** Three masters. A node that is away takes its slots with it, the others go on. */
export async function startRedisCluster(password?: string): Promise<RedisCluster> {
  const nodes = await Promise.all(
    [1, 2, 3].map(async () => {
      const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())];
      const args = [...cluster, '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'];
      return startRedis({ args, ...(password === undefined ? {} : { password }) });
    }),
  );
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const secret = password === undefined ? [] : ['--no-auth-warning', '-a', password];
  redisCli([...secret, '--cluster', 'create', ...addresses, '--cluster-yes']);
  await until('the cluster is joined', () => nodes.every((node) => node.cli('cluster', 'info').includes('cluster_state:ok')));
  const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return {
    url: `redis+cluster://${login}${addresses.join(',')}`,
    nodes,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

export interface RedisSentinel {
  readonly url: string;
  /** The first is the master at the start, the other its replica. */
  readonly nodes: readonly RedisProcess[];
  cli(...args: string[]): string;
  stop(): Promise<void>;
}

/** A master and a replica, watched by one Sentinel. */
export async function startRedisSentinel(password: string): Promise<RedisSentinel> {
  const master = await startRedis({ password });
  const replica = await startRedis({
    password,
    args: ['--replicaof', '127.0.0.1', String(master.port), '--repl-diskless-sync-delay', '0'],
  });
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'knspan-sentinel-'));
  const file = join(dir, 'sentinel.conf');
  const settings = [`port ${port}`, 'bind 127.0.0.1', `dir ${dir}`, `sentinel monitor main 127.0.0.1 ${master.port} 1`];
  const more = [
    `sentinel auth-pass main ${password}`,
    'sentinel down-after-milliseconds main 1000',
    'sentinel failover-timeout main 10000',
  ];
  writeFileSync(file, `${[...settings, ...more].join('\n')}\n`);
  const sentinel = new ServerProcess([file, '--sentinel']);
  await sentinel.start();
  const cli = (...args: string[]) => redisCli(['-p', String(port), ...args]);
  await until('the Sentinel knows the replica', () => cli('sentinel', 'replicas', 'main').includes(String(replica.port)));
  return {
    url: `redis+sentinel://:${encodeURIComponent(password)}@127.0.0.1:${port}/main`,
    nodes: [master, replica],
    cli,
    stop: async () => {
      await sentinel.end('SIGTERM');
      rmSync(dir, { recursive: true });
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}
