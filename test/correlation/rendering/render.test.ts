/** Rendering reads decisions and changes none. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defaultConfig } from '../../../shared/correlation/config.ts';
import { emptyContext, emptyKeep } from '../../../shared/correlation/context.ts';
import { correlate } from '../../../shared/correlation/correlate.ts';
import { renderChange } from '../../../shared/correlation/rendering/render.ts';
import { builtInRules } from '../../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../../shared/correlation/rules/match.ts';
import { told } from '../../helpers/story.ts';

/** Freezes plain data through and through. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

const evicted = `object {"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-1","namespace":"shop","uid":"Pod-web-1-uid"},"status":{"conditions":[{"type":"DisruptionTarget","status":"True","reason":"EvictionByEvictionAPI"}]}}
0 kubelet | Pod/web-1 | Killing | Stopping container app | container=app`;

it('renderChange() leaves the change as it is, also where objects say more of it', () => {
  const { observations, objects } = told(evicted);
  const rules = compileRules(builtInRules);
  const routed = observations.map((observation) => ({
    observation,
    meaning: meaningOf(rules, observation),
    chain: [observation.involved],
    owners: 1,
    tellsFirst: true,
  }));
  const now = 15_000_000 + Math.max(...observations.map(({ last }) => last.at));
  const { context, keep } = correlate({ observations: routed, keep: emptyKeep, objects, context: emptyContext(), now }, defaultConfig);
  const [change] = Object.values(context.changes);
  assert.equal(change?.kind, 'delete');
  const input = frozen({ change, placed: keep.placed, context });
  const { spans } = renderChange({ ...input, objects, config: defaultConfig, settledAt: now });
  assert.equal(spans[0]?.attributes['knspan.change'], 'evict');
  assert.equal(spans[0]?.name, 'Pod web-1: evict');
});
