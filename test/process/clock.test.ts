/** The manual clock: sleepers wake in the order of their deadlines. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock, systemClock } from '../../shared/process/clock.ts';

describe('ManualClock', () => {
  test('wakes in order, each at its own time, also who falls asleep again on the way', async () => {
    const clock = new ManualClock(1_000);
    const woke: (readonly [string, number])[] = [];
    const sleeper = async (name: string, ...times: number[]) => {
      for (const ms of times) {
        await clock.sleep(ms);
        woke.push([name, clock.now()]);
      }
    };
    const all = [sleeper('a', 30, 30), sleeper('b', 10, 10, 10), sleeper('c', 500)];
    await clock.advance(100);
    assert.deepEqual(woke, [
      ['b', 1_010],
      ['b', 1_020],
      ['a', 1_030],
      ['b', 1_030],
      ['a', 1_060],
    ]);
    assert.equal(clock.now(), 1_100);
    assert.equal(clock.sleeping, 1);
    await clock.set(1_500);
    await Promise.all(all);
    assert.deepEqual(woke.at(-1), ['c', 1_500]);
  });

  test('an abort ends the sleep with its reason', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const asleep = clock.sleep(10, abort.signal);
    abort.abort(new Error('stop'));
    await assert.rejects(asleep, /stop/);
    assert.equal(clock.sleeping, 0);
    await assert.rejects(clock.sleep(10, abort.signal), /stop/);
  });
});

test('systemClock: its offset moves it, an abort ends its sleep', async () => {
  assert.ok(systemClock(86_400_000).now() > Date.now());
  const abort = new AbortController();
  const asleep = systemClock().sleep(60_000, abort.signal);
  abort.abort();
  await assert.rejects(asleep, { name: 'AbortError' });
});
