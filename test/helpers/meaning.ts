/** A meaning that no rule gives, with the fields of a test. */
import { compileRules, meaningOf } from '../../shared/correlation/rules/match.ts';
import type { Meaning } from '../../shared/correlation/rules/rule.ts';
import { observation } from './observation.ts';

const unknown = meaningOf(compileRules([]), observation({ reason: 'Odd' }));

export function meaningWith(fields: Partial<Meaning> = {}): Meaning {
  return { ...unknown, rule: 'test', ...fields };
}
