/** Tests on a cluster: each has namespaces of its own, and shows the pods and their logs when it fails. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { diagnostics, home } from './installation.ts';
import { kubectl } from './kubectl.ts';
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

/** K_SINK, from the SinkBindings, of those who send by themselves. */
export function sinksHaveArrived(kind: 'ksvc' | 'deployment'): void {
  const brokers = { correlator: 'traces', reconciler: 'events' };
  for (const [name, broker] of Object.entries(brokers)) {
    const env = kubectl('-n', home, 'get', `${kind}/${name}`, '-o', 'jsonpath={.spec.template.spec.containers[0].env}');
    assert.match(env, new RegExp(`"K_SINK","value":"http[^"]+/${home}/${broker}"`));
  }
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
