/**
 * Sixty-six more scenarios (drain, preemption, autoscaling, quota, failing and silent pods, bursts of edits, ...), from Events alone: the causal
 * chains that controllers write, and the score where Events alone are not enough.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkShape, checkTold, labelsOf, loadCapture, replay } from '../helpers/trace.ts';
import { score } from './score.ts';

const folder = fileURLToPath(new URL('./scenarios/', import.meta.url));
const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

/** Where Events alone leave it open, and why. */
const known: Readonly<Record<string, { readonly wrong: number; readonly f1: number }>> = {
  // Which of two runs a tick that could not start one belongs to.
  'cronjob-policies': { wrong: 0, f1: 0.99 },
  // A ReplicaSet scaled by hand, and the Deployment that sets it back: the pods come before anything says why.
  'bare-replicaset': { wrong: 0, f1: 0.94 },
  // A label taken from the node and given back: pods go and come as in a rollout.
  'daemonset-label': { wrong: 0, f1: 0.83 },
  // The strategy is edited while the rollout hangs, and the same rollout goes on.
  'host-port': { wrong: 0, f1: 0.83 },
  // Failing metrics go on through the next edit of the autoscaler.
  'hpa-max': { wrong: 0, f1: 0.99 },
  // More pods at a time, edited in the middle of a run.
  'job-suspend': { wrong: 0, f1: 0.89 },
  // Noise of the Route counts for its deletion as well.
  'knative-service': { wrong: 0, f1: 0.99 },
  // The rest of a partitioned rollout looks like its slow continuation.
  'sts-partition': { wrong: 0, f1: 0.78 },
  // The highest pod deleted and made again: scaled down and up, or restarted.
  'sts-retention': { wrong: 0, f1: 0.94 },
};

describe('replay of scenarios, from Events alone', () => {
  it('there are sixty-six', () => assert.equal(names.length, 66));

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
