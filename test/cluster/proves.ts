/** Tests on a cluster: each has namespaces of its own, and shows the pods and their logs when it fails. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { diagnostics } from './installation.ts';
import { Stage } from './stage.ts';
import { slowDeployment } from './workloads.ts';

export const settledWithinMs = 120_000;

const open: Stage[] = [];

export function stage(name: string): Stage {
  const made = new Stage(`${name}-${process.pid}`);
  open.push(made);
  return made;
}

export function closeStages(): void {
  for (const one of open.splice(0)) one.close();
}

export function proves(what: string, prove: () => Promise<void>): void {
  it(what, async (test) => {
    try {
      await prove();
    } catch (error) {
      test.diagnostic(diagnostics());
      throw error;
    } finally {
      closeStages();
    }
  });
}

/** A rollout in the middle of which something happens. */
export async function rollout(name: string, disturb: (here: Stage) => Promise<void> | void, withinMs = settledWithinMs): Promise<void> {
  const here = stage(name);
  here.apply(slowDeployment(here.namespace, 'web'));
  await here.seen('Started');
  await disturb(here);
  here.kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
  const found = await here.told(withinMs);
  assert.equal(new Set(found.map(({ trace }) => trace)).size, 1, 'one rollout, one trace');
}
