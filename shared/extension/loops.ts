/** Which replies of a function would come back to it, according to the wiring. */
import { couldMatch } from '../dev-broker/could-match.ts';
import type { Trigger, Wiring } from '../dev-broker/wiring.ts';
import type { ExtensionFunction } from './definition.ts';
import { sourceOf } from './reply.ts';

export interface Loop {
  readonly reply: string;
  readonly trigger: string;
}

/** A reply enters the Broker whose Trigger delivered the event, and from there reaches every Trigger of that Broker. */
export function loopsIn(wiring: Wiring, { name, replies }: Pick<ExtensionFunction, 'name' | 'replies'>): Loop[] {
  const own = wiring.triggers.filter(({ subscriber }) => subscriber.kind === 'service' && subscriber.name === name);
  const loops: Loop[] = [];
  for (const brought of own) {
    for (const next of own.filter((trigger) => isSameBroker(trigger, brought))) {
      for (const reply of replies) {
        const known = new Map([
          ['type', reply],
          ['source', sourceOf(name)],
          ['specversion', '1.0'],
        ]);
        if (couldMatch(next.filter, known) !== 'no') loops.push({ reply, trigger: `${next.namespace}/${next.name}` });
      }
    }
  }
  return loops;
}

function isSameBroker(one: Trigger, other: Trigger): boolean {
  return one.namespace === other.namespace && one.broker === other.broker;
}
