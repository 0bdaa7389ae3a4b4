/** The text that the correlator keeps in the store: what is read is what was written; other rules than the writer's are asked anew. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as codec from '../../functions/correlator/codec.ts';
import type { Routed } from '../../shared/correlation/occurrence.ts';
import { builtInRules } from '../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../shared/correlation/rules/match.ts';
import type { Rule } from '../../shared/correlation/rules/rule.ts';
import { decideDomain, emptyDomain } from '../../shared/correlation/steps.ts';
import { emptyObjects } from '../../shared/kubernetes/object-index.ts';
import { observation } from '../helpers/observation.ts';
import { captures, loadCapture } from '../helpers/trace.ts';

const rules = compileRules(builtInRules);
const origin = ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 1.5] as const;
const hour = 3_600_000_000;

async function eventsOf(name: string): Promise<codec.EventEntry[]> {
  const { observations } = await loadCapture(name, 'watch');
  return observations.map((one) => ({ observation: one, meaning: meaningOf(rules, one), origin: null }));
}

describe('an Event in the inbox', () => {
  for (const name of captures)
    it(`${name}: is read as it was written, with the meaning that the rules give it`, async () => {
      for (const event of await eventsOf(name)) assert.deepEqual(codec.readEvent(codec.eventText(event, rules), rules), event);
    });

  it('keeps the request that has brought it', () => {
    const event = { observation: observation(), meaning: meaningOf(rules, observation()), origin };
    assert.deepEqual(codec.readEvent(codec.eventText(event, rules), rules), event);
  });

  it('has the meaning that the rules in force give it, where others wrote it', () => {
    const reason = 'Reticulated';
    const rule = (verb: 'create' | 'delete'): Rule => ({
      id: 'splines',
      reason: [reason],
      class: 'action',
      patterns: ['^made (?<name>.+)$'],
      subject: { kind: 'Spline' },
      verb,
    });
    const [before, after] = [compileRules(builtInRules, [rule('create')]), compileRules(builtInRules, [rule('delete')])];
    const one = observation({ reason, message: 'made a-b' });
    const text = codec.eventText({ observation: one, meaning: meaningOf(before, one), origin: null }, before);
    assert.equal(codec.readEvent(text, before).meaning.verb, 'create');
    assert.equal(codec.readEvent(text, before).meaning.subject?.name, 'a-b');
    assert.equal(codec.readEvent(text, after).meaning.verb, 'delete');
    assert.deepEqual(codec.readEvent(text, rules).meaning, meaningOf(rules, one));
  });

  it('of another release is refused by name', () => {
    assert.throws(
      () => codec.readEvent('1{"cluster":"a"}', rules),
      /^Error: Cannot read the store: its text begins with '1\{"c', wanted '\[2,'/,
    );
  });
});

describe('an Event in its domain', () => {
  const involved = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'p' };
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: 'shop', name: 'web', uid: 'r' };
  const one = observation({ involved, n: 3 });
  const event = { observation: one, meaning: meaningOf(rules, one), origin };

  for (const chain of [[involved], [involved, owner], [{ ...involved, uid: 'other' }, owner], [owner, involved]])
    it(`keeps the chain ${chain.map(({ uid }) => uid).join(' < ')}`, () => {
      const routed: Routed = { observation: one, meaning: event.meaning, chain, owners: 1, tellsFirst: false };
      const route = codec.routeText(routed, involved);
      assert.deepEqual(codec.readRoute(route, involved), { chain, owners: 1 });
      const text = codec.routedText(codec.eventText(event, rules), route, false);
      assert.deepEqual(codec.readRouted(text, rules), { routed, origin });
    });
});

describe('the state of a domain', () => {
  for (const name of captures)
    it(`${name}: is read as it was written at any moment, each Event as the text that it was`, async () => {
      const texts = new Map<Routed, string>();
      const routed = (await eventsOf(name)).map((event) => {
        const { observation: one, meaning } = event;
        const own: Routed = { observation: one, meaning, chain: [one.involved], owners: 1, tellsFirst: true };
        texts.set(own, codec.routedText(codec.eventText(event, rules), codec.routeText(own, one.involved), true));
        return own;
      });
      const from = Math.min(...routed.map(({ observation: { first } }) => first.at));
      for (const minutes of [0, 1, 2, 5]) {
        const input = { observations: routed, objects: emptyObjects, now: from + (minutes / 60) * hour };
        const { after } = decideDomain(emptyDomain, input, { cluster: 'c', rootService: 'knspan', budget: 1_000, orphans: 'digest' });
        const text = codec.stateText(after, (one) => texts.get(one) ?? assert.fail('an Event that was not given'));
        const read = new Map<Routed, string>();
        const again = codec.readState(text, rules, (entry, line) => read.set(entry.routed, line));
        assert.deepEqual(again, JSON.parse(JSON.stringify(after)));
        assert.equal(
          codec.stateText(again, (one) => read.get(one) ?? assert.fail('an Event that was not read')),
          text,
        );
      }
    });

  it('is empty where nothing was written', () => {
    assert.equal(
      codec.readState('', rules, () => assert.fail('it holds nothing')),
      emptyDomain,
    );
  });
});
