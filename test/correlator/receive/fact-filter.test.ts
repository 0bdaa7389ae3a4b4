/** What was said lately is not said again; what is remembered of it has a bound. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RecentFactFilter } from '../../../functions/correlator/receive/fact-filter.ts';
import { builtInRules } from '../../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../../shared/correlation/rules/match.ts';
import { parseEvent } from '../../../shared/events/parse-event.ts';
import { eventJson } from '../../helpers/event.ts';

it('facts are written once, again after ten minutes, and again when newer ones have taken their place', () => {
  const rules = compileRules(builtInRules, [], 'tested');
  const parsed = parseEvent(eventJson());
  assert.ok(parsed.ok);
  let now = 0;
  const filter = new RecentFactFilter(() => now);
  const factsAt = (at: number) => {
    now = at;
    return filter.factsOf('a', parsed.value, meaningOf(rules, parsed.value));
  };
  const all = factsAt(0);
  assert.ok(all.length > 0);
  filter.written(all);
  const again = factsAt(1).length;
  assert.ok(again < all.length);
  assert.equal(factsAt(600_000).length, all.length);
  filter.written(all);
  const others = (from: number) => Array.from({ length: 25_000 }, (_, place) => ({ key: `other-${from + place}`, member: '', score: 0 }));
  filter.written(others(0));
  assert.equal(factsAt(600_001).length, again);
  filter.written(others(25_000));
  filter.written(others(50_000));
  assert.equal(factsAt(600_001).length, all.length);
});
