/** Deciding gives way: nobody works on while the pause lasts, and requests come in between. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CooperativeYield } from '../../../functions/correlator/decide/event-loop-yield.ts';

it('work goes on within its slice, then all pause together while the loop goes round', async () => {
  let now = 0;
  const turns = new CooperativeYield(() => now);
  now += 0.5;
  assert.equal(turns.give(), null);
  now += 10;
  let came = false;
  setImmediate(() => {
    came = true;
  });
  const pause = turns.give();
  assert.ok(pause);
  assert.equal(turns.give(), pause);
  await pause;
  assert.ok(came);
  assert.equal(turns.give(), null);
  // A clock that is set back.
  now -= 5_000;
  assert.ok(turns.give());
});

it('waits for rounds of the loop in which no request moves, but not for ever', async () => {
  let now = 0;
  const turns = new CooperativeYield(() => now);
  const rounds = async (movesFor: number, tookMs: number) => {
    now += 5;
    let [left, went] = [movesFor, 0];
    const request = () => {
      now += tookMs;
      went += 1;
      if (left <= 0) return;
      left -= 1;
      turns.moved();
      setImmediate(request);
    };
    setImmediate(request);
    const pause = turns.give();
    assert.ok(pause);
    await pause;
    left = 0;
    return went;
  };
  assert.ok((await rounds(4, 0)) > 4);
  assert.ok((await rounds(1_000, 2)) < 10);
});

it('runs each of a list, in order, and pauses in between', async () => {
  let now = 0;
  const turns = new CooperativeYield(() => now);
  const seen: string[] = [];
  setImmediate(() => seen.push('request'));
  const results = await turns.map(['a', 'b', 'c'], (name, place) => {
    now += 3;
    seen.push(name);
    return `${name}${place}`;
  });
  assert.deepEqual(results, ['a0', 'b1', 'c2']);
  assert.deepEqual(seen, ['a', 'request', 'b', 'c']);
});
