/** `--deliver`: its text is parsed strictly, and its randomness depends on the seed only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDelivery, randomOf } from '../../shared/cli/simulated-delivery.ts';

test('parseDelivery, good', () => {
  assert.deepEqual(parseDelivery('shuffle=7,duplicate=0.5,split=3'), { seed: 7, duplicate: 0.5, calls: 3 });
  assert.deepEqual(parseDelivery('split=2'), { seed: 1, duplicate: 0, calls: 2 });
  assert.deepEqual(parseDelivery('duplicate=1,shuffle=0'), { seed: 0, duplicate: 1, calls: 1 });
});

for (const text of [
  '',
  'shuffle=x',
  'shuffle=1.5',
  'duplicate=2',
  'duplicate=-0.1',
  'duplicate=NaN',
  'split=0',
  'split=1.5',
  'split=Infinity',
  'split=2,',
  'other=1',
  'shuffle=1 split=2',
])
  test(`parseDelivery refuses '${text}'`, () => assert.equal(parseDelivery(text), null));

test('the same seed, the same chance, from 0 on and below 1', () => {
  const draw = (seed: number) => Array.from({ length: 1_000 }, randomOf(seed));
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  assert.ok(draw(1).every((value) => value >= 0 && value < 1));
  const mean = draw(3).reduce((sum, value) => sum + value, 0) / 1_000;
  assert.ok(mean > 0.45 && mean < 0.55);
});
