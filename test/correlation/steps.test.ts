/** The steps shared by all drivers: which notification stands for an Event's first occurrence, and when a domain is due again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultConfig } from '../../shared/correlation/config.ts';
import { builtInRules } from '../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../shared/correlation/rules/match.ts';
import { decidableBy, decideDomain, emptyDomain, toldOnce } from '../../shared/correlation/steps.ts';
import { emptyObjects } from '../../shared/kubernetes/object-index.ts';
import { captures, loadCapture, textOf } from '../helpers/trace.ts';

const rules = compileRules(builtInRules);

describe('toldOnce', () => {
  const first = { n: 3, route: 'first' };

  it('lets the occurrence that was routed first tell of the first one', () => {
    assert.deepEqual(toldOnce(3, 'own', first), { route: 'own', tellsFirst: true });
    assert.deepEqual(toldOnce(4, 'own', first), { route: 'own', tellsFirst: false });
  });

  it('sends the first one itself to the same domain', () => {
    assert.deepEqual(toldOnce(1, 'own', first), { route: 'first', tellsFirst: true });
    assert.deepEqual(toldOnce(1, 'own', { n: 1, route: '' }), { route: 'own', tellsFirst: true });
  });
});

describe('decideDomain', () => {
  for (const name of captures)
    it(`${name}: decided whenever it says that it is due gives what deciding at the end gives, and ends`, async () => {
      const { observations } = await loadCapture(name, 'watch');
      const routed = observations.map((observation) => {
        const chain = [observation.involved];
        return { observation, meaning: meaningOf(rules, observation), chain, owners: 1, tellsFirst: true };
      });
      const input = { observations: routed, objects: emptyObjects };
      const whole = decideDomain(emptyDomain, { ...input, now: Number.POSITIVE_INFINITY }, defaultConfig);
      assert.equal(whole.due, null);
      const segments = [];
      let state = emptyDomain;
      let due: number | null = Math.min(...observations.map(decidableBy));
      for (let rounds = 0; due !== null; rounds += 1) {
        assert.ok(rounds < 1_000, 'it comes to an end');
        const decided = decideDomain(state, { ...input, observations: rounds === 0 ? routed : [], now: due }, defaultConfig);
        assert.ok(decided.due === null || decided.due > due, 'it is due later than it was decided');
        segments.push(...decided.segments);
        state = decided.after;
        due = decided.due;
      }
      assert.deepEqual(textOf(segments), textOf(whole.segments));
    });
});
