/** Whether a Trigger lets an event pass of which only some attributes are known: yes, no, or it depends on the others. */
import { evaluate } from './cesql/evaluate.ts';
import type { Expression } from './cesql/syntax.ts';
import type { Attributes, Filter } from './filters.ts';
import { passes } from './filters.ts';

export type May = 'yes' | 'no' | 'maybe';

export function couldMatch(filter: Filter, known: Attributes): May {
  switch (filter.kind) {
    case 'all':
      return every(filter.filters.map((one) => couldMatch(one, known)));
    case 'any':
      // Of nothing lets everything pass, as `all` does.
      return filter.filters.length === 0 ? 'yes' : opposite(every(filter.filters.map((one) => opposite(couldMatch(one, known)))));
    case 'not':
      return opposite(couldMatch(filter.filter, known));
    case 'cesql':
      return namesIn(filter.expression).every((name) => known.has(name)) ? certain(isTrue(filter.expression, known)) : 'maybe';
    default: {
      const told = filter.entries.filter(([name]) => known.has(name));
      if (told.length === 0) return filter.entries.length === 0 ? 'yes' : 'maybe';
      const isPassed = passes({ ...filter, entries: told }, known);
      return told.length === filter.entries.length || !isPassed ? certain(isPassed) : 'maybe';
    }
  }
}

function every(all: readonly May[]): May {
  if (all.includes('no')) return 'no';
  return all.includes('maybe') ? 'maybe' : 'yes';
}

function opposite(may: May): May {
  return may === 'maybe' ? may : certain(may === 'no');
}

function certain(passed: boolean): May {
  return passed ? 'yes' : 'no';
}

function isTrue(expression: Expression, known: Attributes): boolean {
  const { value, fault } = evaluate(expression, (name) => known.get(name));
  return fault === undefined && value === true;
}

function namesIn(expression: Expression): string[] {
  switch (expression.kind) {
    case 'literal':
      return [];
    case 'attribute':
    case 'exists':
      return [expression.name];
    case 'not':
    case 'negate':
    case 'like':
      return namesIn(expression.operand);
    case 'binary':
      return [expression.left, expression.right].flatMap(namesIn);
    case 'in':
      return [expression.operand, ...expression.set].flatMap(namesIn);
    case 'call':
      return expression.inputs.flatMap(namesIn);
  }
}
