/** Deciding gives way: nobody works on while the pause lasts, and requests come in between. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Turns } from '../../functions/correlator/turns.ts';

it('work goes on within its slice, then all pause together', async () => {
  let now = 0;
  const turns = new Turns(
    () => false,
    () => now,
  );
  await turns.give();
  now += 1;
  assert.equal(turns.give(), null);
  now += 10;
  const pause = turns.give();
  assert.ok(pause);
  assert.equal(turns.give(), pause);
  let came = false;
  setImmediate(() => {
    came = true;
  });
  await pause;
  assert.equal(turns.give(), null);
  now += 10;
  await turns.give();
  assert.ok(came);
});

it('while requests wait, work rests as well', async () => {
  let now = 0;
  let asked = 0;
  const turns = new Turns(
    () => {
      asked += 1;
      return true;
    },
    () => now,
  );
  let turnsOfTheLoop = 0;
  let isOver = false;
  const count = () => {
    turnsOfTheLoop += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  now += 10;
  await turns.give();
  isOver = true;
  assert.equal(asked, 1);
  assert.ok(turnsOfTheLoop > 1);
});
