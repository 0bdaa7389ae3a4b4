/** What was said lately is not said again; what is remembered of it has a bound. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RecentFactFilter } from '../../../functions/correlator/receive/fact-filter.ts';
import { builtInRules } from '../../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../../shared/correlation/rules/match.ts';
import { parseEvent } from '../../../shared/events/parse-event.ts';
import { eventJson } from '../../helpers/event.ts';

it('facts are said once, again after ten minutes, and again when newer ones have taken their place', () => {
  const rules = compileRules(builtInRules, [], 'tested');
  const parsed = parseEvent(eventJson());
  assert.ok(parsed.ok);
  const recall = new RecentFactFilter();
  const say = (cluster: string, now: number) => recall.factsOf(cluster, parsed.value, meaningOf(rules, parsed.value), now);
  const all = say('a', 0);
  assert.ok(all.length > 0);
  recall.written(all, 0);
  const again = say('a', 1).length;
  assert.ok(again < all.length);
  assert.equal(say('a', 600_000).length, all.length);
  const others = (from: number) => Array.from({ length: 25_000 }, (_, place) => ({ key: `other-${from + place}`, member: '', score: 0 }));
  recall.written(others(0), 1);
  assert.equal(say('a', 1).length, again);
  recall.written(others(25_000), 1);
  assert.equal(say('a', 1).length, all.length);
});
