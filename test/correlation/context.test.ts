/** The state of a domain stays bounded, however much has happened to it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defaultConfig } from '../../shared/correlation/config.ts';
import { type Context, emptyContext, emptyKeep } from '../../shared/correlation/context.ts';
import { correlate } from '../../shared/correlation/correlate.ts';
import type { Routed } from '../../shared/correlation/occurrence.ts';
import { builtInRules } from '../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../shared/correlation/rules/match.ts';
import { emptyObjects } from '../../shared/kubernetes/object-index.ts';
import { type ObservationFields, observation } from '../helpers/observation.ts';

const rules = compileRules(builtInRules);
const minute = 60_000_000;
const began = Date.UTC(2026, 5, 1) * 1_000;
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'd' };

/** The Events of the n-th rollout, 10 minutes after the one before: each has a ReplicaSet and Events of its own. */
function rolloutOf(nth: number): Routed[] {
  const [n, last] = [nth, nth - 1].map((one) => String(one).padStart(5, '0'));
  const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: 'shop', name: `web-${n}`, uid: `rs-${n}` };
  const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: `web-${n}-1`, uid: `pod-${n}` };
  const at = began + nth * 10 * minute;
  const step = (index: number, fields: ObservationFields, chain: readonly Routed['chain'][number][]): Routed => {
    const time = { at: at + index * 100_000, uncertainty: 0 };
    const one = observation({ uid: `e${n}-${index}`, first: time, last: time, ...fields, involved: chain[0] ?? {} });
    return { observation: one, meaning: meaningOf(rules, one), chain, owners: chain.length, tellsFirst: true };
  };
  const scaled = { reporter: 'deployment-controller', reason: 'ScalingReplicaSet' };
  return [
    step(0, { ...scaled, message: `Scaled up replica set web-${n} from 0 to 1` }, [deployment]),
    step(1, { reporter: 'replicaset-controller', reason: 'SuccessfulCreate', message: `Created pod: web-${n}-1` }, [set, deployment]),
    step(2, { reporter: 'kubelet', reason: 'Started', message: 'Started container app' }, [pod, set, deployment]),
    step(3, { ...scaled, message: `Scaled down replica set web-${last} from 1 to 0` }, [deployment]),
    step(4, { reporter: 'deployment-controller', type: 'Warning', reason: 'Odd', message: `rollout ${n}` }, [deployment]),
  ];
}

it('correlate() keeps the context of a domain bounded and flat over 2,000 rollouts', () => {
  let context: Context = emptyContext();
  let keep = emptyKeep;
  let most = 0;
  const highWater: number[] = [];
  for (let n = 1; n <= 2_000; n += 1) {
    const now = began + (n * 10 + 9) * minute;
    ({ context, keep } = correlate({ observations: rolloutOf(n), keep, objects: emptyObjects, context, now }, defaultConfig));
    most = Math.max(most, JSON.stringify(context).length);
    if (n % 200 === 0) {
      highWater.push(most);
      most = 0;
    }
  }
  const [early = 0, late = 0] = [highWater[0], highWater.at(-1)];
  assert.ok(early < 40_000, `${early} characters`);
  assert.ok(late <= early * 1.01, `${early} characters in the first 200 rollouts, ${late} in the last`);
});
