/** Tests on a cluster: each has its own namespaces, and prints pods and logs on failure. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { diagnostics, home } from './installation.ts';
import { kubectl } from './kubectl.ts';
import { Stage } from './stage.ts';
import { slowDeployment } from './workloads.ts';

export const settledWithinMs = 120_000;

/** Namespaces of one test, gone when it has ended. */
type OpenStage = (name: string) => Stage;
type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

let turn: Promise<unknown> = Promise.resolve();

/** What must not happen at the same time as something else, while the rest of its test goes on beside the others. */
const inTurn: InTurn = (work) => {
  const mine = turn.then(work);
  turn = mine.catch(() => {});
  return mine;
};

export function proves(what: string, prove: (stage: OpenStage, inTurn: InTurn) => Promise<void>): void {
  it(what, async (test) => {
    const open: Stage[] = [];
    const stage: OpenStage = (name) => {
      const made = new Stage(`${name}-${process.pid}`);
      open.push(made);
      return made;
    };
    try {
      await prove(stage, inTurn);
    } catch (error) {
      test.diagnostic(diagnostics());
      throw error;
    } finally {
      for (const one of open) one.close();
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

/** A rollout in the middle of which something happens, alone; what comes `then` may go on beside other tests. */
export async function rollout(
  here: Stage,
  disturb: () => Promise<void> | void,
  withinMs = settledWithinMs,
  then: () => Promise<void> | void = () => {},
): Promise<void> {
  await inTurn(async () => {
    here.apply(slowDeployment(here.namespace, 'web'));
    await here.seen('Started');
    assert.equal(here.isRolledOut('deployment/web'), false, 'the rollout is under way');
    await disturb();
  });
  await then();
  await here.rolledOut('deployment/web');
  const found = await here.told(withinMs);
  assert.equal(new Set(found.map(({ trace }) => trace)).size, 1, 'one rollout, one trace');
}
