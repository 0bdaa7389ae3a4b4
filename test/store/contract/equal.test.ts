/** Random sequences of calls give the same answers from the in-memory store and from Redis, whatever the bounds. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { shardCount } from '../../../shared/store/store.ts';
import { type RedisProcess, startRedis } from '../../helpers/redis.ts';
import { families, type Learnt } from './calls.ts';
import { type Harness, memoryHarness, redisHarness } from './harness.ts';

const runs = 150;
const bounds = fc.record({
  pending: fc.constantFrom(shardCount, 4 * shardCount, 1_000),
  outbox: fc.constantFrom(shardCount, 3 * shardCount),
  letters: fc.constantFrom(1, 3),
});

describe('the stores', () => {
  let redis: RedisProcess;
  let harness: Harness;
  before(async () => {
    redis = await startRedis({ appendfsync: 'everysec' });
    harness = await redisHarness(redis.url);
  });
  after(async () => {
    await harness.close();
    await redis.stop();
  });

  for (const [name, calls] of Object.entries(families)) {
    it(`answer alike to ${runs} sequences of calls of ${name}`, async () => {
      const sequence = fc.array(calls, { minLength: 30, maxLength: 60, size: 'max' });
      await fc.assert(
        fc.asyncProperty(bounds, sequence, async (bound, all) => {
          const [one, other] = [await memoryHarness().open(bound), await harness.open(bound)];
          const learnt: readonly [Learnt, Learnt] = [new Map(), new Map()];
          for (const call of all) assert.deepEqual(await call(other, learnt[1]), await call(one, learnt[0]), String(call));
          assert.deepEqual([await other.due(), await other.sizes()], [await one.due(), await one.sizes()]);
        }),
        { numRuns: runs, seed: 7 },
      );
    });
  }
});
