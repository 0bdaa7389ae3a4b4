/** Whether a Trigger could match an event of which only some attributes are known: yes, no, or it depends on the others. */
import type { Attributes, Filter } from './filters.ts';
import { passes } from './filters.ts';

export type May = 'yes' | 'no' | 'maybe';

export function couldMatch(filter: Filter, known: Attributes): May {
  switch (filter.kind) {
    case 'all':
      return every(filter.filters.map((one) => couldMatch(one, known)));
    case 'any':
      // An empty `any` lets everything pass, as an empty `all` does.
      return filter.filters.length === 0 ? 'yes' : opposite(every(filter.filters.map((one) => opposite(couldMatch(one, known)))));
    case 'not':
      return opposite(couldMatch(filter.filter, known));
    default: {
      const decidable = filter.entries.filter(([name]) => known.has(name));
      if (decidable.length === 0) return filter.entries.length === 0 ? 'yes' : 'maybe';
      const isPassed = passes({ ...filter, entries: decidable }, known);
      return decidable.length === filter.entries.length || !isPassed ? certain(isPassed) : 'maybe';
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
