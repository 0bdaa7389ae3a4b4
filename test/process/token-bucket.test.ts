/** The token bucket: burst, rate, and refusal of callers whose turn would be too late. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../../shared/process/clock.ts';
import { TokenBucket } from '../../shared/process/token-bucket.ts';

describe('token bucket', () => {
  it('gives a burst at once, then so many a second in the order in which they were asked for', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, clock);
    const times: number[] = [];
    const all = Array.from({ length: 8 }, async (_, index) => {
      assert.equal(await bucket.take(), true);
      times.push(clock.now() + index / 1_000);
    });
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1_000);
    await Promise.all(all);
    assert.deepEqual(times, [0, 0.001, 0.002, 100.003, 200.004, 300.005, 400.006, 500.007]);
  });

  it('says no at once to whose turn would come too late, and loses nothing by it', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, clock);
    assert.equal(await bucket.take(0), true);
    assert.equal(await bucket.take(999), false);
    assert.equal(await bucket.take(999), false);
    await clock.advance(1_000);
    assert.equal(await bucket.take(1_000), true);
  });

  it('saves up no more than the burst', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 1, burst: 2 }, clock);
    await clock.advance(3_600_000);
    const taken = [await bucket.take(clock.now()), await bucket.take(clock.now()), await bucket.take(clock.now())];
    assert.deepEqual(taken, [true, true, false]);
  });

  it('lets go of who is told to stop', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, clock);
    const stop = new AbortController();
    await bucket.take();
    const waiting = bucket.take(Number.POSITIVE_INFINITY, stop.signal);
    stop.abort(new Error('stopped'));
    await assert.rejects(waiting, /stopped/);
  });
});
