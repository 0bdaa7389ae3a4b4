/** Deciding gives way: nobody works on while the pause lasts, and requests come in between. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Turns } from '../../functions/correlator/turns.ts';

it('work goes on within its slice, then all pause together while the loop goes round', async () => {
  let now = 0;
  const turns = new Turns(() => now);
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
