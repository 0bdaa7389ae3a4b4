/** One suite over every store: in memory, in Redis, in a Redis Cluster. */
import { after, before, describe } from 'node:test';
import { startRedis } from '../../helpers/redis.ts';
import { startRedisCluster } from '../../helpers/redis-cluster.ts';
import { type Harness, memoryHarness, redisHarness } from './harness.ts';
import { domainContract } from './store-domains.ts';
import { inboxContract } from './store-inbox.ts';
import { boxContract, generalContract, indexContract } from './store-rest.ts';

interface Stores {
  readonly name: string;
  start(): Promise<{ readonly harness: Harness; stop(): Promise<void> }>;
}

async function over(server: { readonly url: string; stop(): Promise<void> }) {
  return { harness: await redisHarness(server.url), stop: () => server.stop() };
}

const stores: readonly Stores[] = [
  { name: 'memory', start: async () => ({ harness: memoryHarness(), stop: async () => {} }) },
  { name: 'Redis', start: async () => over(await startRedis({ password: 'p@ss:w/rd' })) },
  { name: 'Redis Cluster', start: async () => over(await startRedisCluster('p@ss:w/rd')) },
];

for (const { name, start } of stores) {
  describe(`store: ${name}`, () => {
    let running: Awaited<ReturnType<typeof start>>;
    before(async () => {
      running = await start();
    });
    after(async () => {
      await running.harness.close();
      await running.stop();
    });
    const harness = () => running.harness;
    describe('inbox', () => inboxContract(harness));
    describe('domains', () => domainContract(harness));
    describe('boxes', () => boxContract(harness));
    describe('index', () => indexContract(harness));
    describe('in general', () => generalContract(harness));
  });
}
