/**
 * Forty more scenarios (drain, preemption, autoscaling, quota, failing and silent pods, bursts of edits, ...), from Events alone:
 * the causal chains that controllers really write, and where the Events alone do not tell, how far off we are.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkShape, checkTold, labelsOf, loadCapture, replay } from '../helpers/trace.ts';
import { score } from './score.ts';

const folder = fileURLToPath(new URL('./scenarios/', import.meta.url));
const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

/** Where Events alone leave it open: a size changed in mid-rollout, repeats that count for several edits. */
const known: Readonly<Record<string, { readonly wrong: number; readonly f1: number }>> = {
  'cronjob-policies': { wrong: 0, f1: 0.99 },
  'edits-burst': { wrong: 2, f1: 0.99 },
  'scale-during-rollout': { wrong: 2, f1: 0.9 },
  'sts-parallel': { wrong: 0, f1: 0.8 },
};

describe('replay of scenarios, from Events alone', () => {
  it('there are forty', () => assert.equal(names.length, 40));

  for (const name of names) {
    it(`${name}: parents and changes`, async () => {
      const capture = await loadCapture(`../scenarios/${name}`, 'watch');
      const segments = replay(capture);
      checkShape(segments);
      checkTold(segments, capture.observations);
      const result = score(segments, labelsOf(`../scenarios/${name}`), capture.observations);
      const wanted = known[name] ?? { wrong: 0, f1: 1 };
      assert.deepEqual(result.missing, []);
      assert.ok(result.wrong.length <= wanted.wrong, `${result.wrong.length} wrong parents: ${result.wrong.join(', ')}`);
      assert.ok(result.f1 >= wanted.f1, `F1 ${result.f1}`);
      assert.equal(result.pullsWrong, 0);
    });
  }
});
