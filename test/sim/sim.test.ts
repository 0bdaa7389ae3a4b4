/** A fixed number of simulated runs over both stores; `npm run sim` runs any number. A failure prints how to repeat it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Clock } from '../../shared/process/clock.ts';
import type { RedisClient } from '../../shared/store/redis/connect.ts';
import type { Store } from '../../shared/store/store.ts';
import { type RedisProcess, startRedis } from '../helpers/redis.ts';
import { openClient } from '../store/contract/harness.ts';
import { simulate } from './simulation.ts';
import { memoryStore, SimulatedRedis } from './stores.ts';

/** KNSPAN_SEED looks elsewhere. */
const first = Number(process.env['KNSPAN_SEED'] ?? 1);

async function allWell(count: number, name: string, open: (clock: Clock) => Store): Promise<void> {
  for (let seed = first; seed < first + count; seed += 1) {
    const { faults, what } = await simulate(seed, open);
    assert.deepEqual(faults, [], `${what}\nagain: npm run sim -- --seeds 1 --from ${seed} --store ${name}`);
  }
}

describe('correlators in trouble', () => {
  let redis: RedisProcess;
  let client: RedisClient;
  before(async () => {
    redis = await startRedis({ appendfsync: 'everysec' });
    client = await openClient(redis.url);
  });
  after(async () => {
    client.disconnect();
    await redis.stop();
  });

  it('over the in-memory store: nothing lost, nothing twice, in time the spans of the direct replay', () =>
    allWell(50, 'memory', memoryStore));
  it('over Redis the same', () => allWell(10, 'redis', (clock) => new SimulatedRedis(client, clock)));
});
