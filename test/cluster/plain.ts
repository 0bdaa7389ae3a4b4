/**
 * The overlay `plain` on a real cluster (KUBECONFIG): functions as Deployments, without Knative Serving. A rollout gives the trace of a direct
 * replay, even if its correlator is killed in the middle; removal leaves nothing.
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { functionNames, home, Installation, killCorrelators, podsOf } from './installation.ts';
import { kubectl, tryKubectl } from './kubectl.ts';
import { proves, rollout, sinksHaveArrived } from './proves.ts';

export function describePlain(): void {
  let installation: Installation;

  before(async () => {
    installation = new Installation('plain');
    await installation.install();
  });

  after(async () => {
    await installation.remove();
  });

  it('holds no object of Knative Serving, and refers to none', () => {
    assert.doesNotMatch(kubectl('kustomize', installation.folder), /serving\.knative\.dev/);
  });

  proves('each function stays, and knows where to send', async () => {
    for (const name of functionNames) assert.equal(podsOf(name).length, 1, name);
    sinksHaveArrived('deployment');
  });

  proves('to apply it again makes no new pod', async () => {
    const pods = () => functionNames.flatMap(podsOf);
    const first = pods();
    kubectl('apply', '-k', installation.folder);
    for (const name of functionNames) kubectl('-n', home, 'rollout', 'status', `deployment/${name}`, '--timeout=60s');
    assert.deepEqual(pods(), first);
  });

  proves('a rollout whose correlator is killed in the middle: the same trace', (stage) => rollout(stage('plain'), killCorrelators));

  it('leaves nothing behind', async () => {
    await installation.remove();
    assert.deepEqual(installation.left(), []);
    assert.equal(tryKubectl('get', 'all,configmap,pvc', '-n', home, '-o', 'name'), '');
  });
}
