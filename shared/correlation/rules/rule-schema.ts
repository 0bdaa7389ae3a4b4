/** What a rule in a user's file may hold: the table by which `user-rules.ts` reads and from which help texts are printed. */
import { classes, phases, verbs } from './rule.ts';

export interface RuleKey {
  readonly key: string;
  /** text; list (of texts, one text will do); flag (true or false); map (its keys are named `subject.*`). */
  readonly type: 'text' | 'list' | 'flag' | 'map';
  readonly required: boolean;
  /** The permitted values, where they are a closed set; else empty. */
  readonly permitted: readonly string[];
  readonly help: string;
}

export const ruleSchema: readonly RuleKey[] = [
  key('id', 'text', 'Stable and unique name, shown on spans as knspan.rule, e.g. my-operator.restart', { required: true }),
  key('class', 'text', 'What the Event is to its change', { required: true, permitted: classes }),
  key('reporter', 'list', "Reporting components, any of; '*' at the end matches a prefix"),
  key('group', 'list', "API groups of the involved object, any of; '' is the core group"),
  key('kind', 'list', 'Kinds of the involved object, any of'),
  key('reason', 'list', 'Reasons, any of'),
  key('patterns', 'list', 'Regular expressions for the message, the first that matches wins; named groups such as (?<name>[^ ]+) are kept'),
  key('verb', 'text', 'What an action does to its subject', { permitted: verbs.filter((verb) => verb !== '') }),
  key('subject', 'map', 'The object that the Event is really about; absent: the involved object'),
  key('subject.kind', 'text', 'Its kind, literally or as $group', { required: true }),
  key('subject.name', 'text', 'Its name; default $name'),
  key('subject.namespace', 'text', "Its namespace; default the involved object's; '' for cluster-scoped kinds"),
  key('subject.uid', 'text', 'Its uid, as $group'),
  key('pair', 'text', 'Joins a start and its end on the same object and container'),
  key('phase', 'text', 'The phase that a start opens or an end closes', { permitted: phases.filter((phase) => phase !== '') }),
  key('opens', 'flag', 'A first sign of life of the involved object: begins a change where nothing caused it'),
  key('always', 'flag', 'Begins a change of its own, whatever is still open'),
  key('home', 'text', "Whose change the Event belongs to, if not the involved object's", { permitted: ['related', 'node'] }),
  key('fails', 'flag', 'For failures and ends: the change has failed'),
];

/** Names of the keys of a rule (prefix '') or of its subject (prefix 'subject.'), without the prefix. */
export function keysOf(prefix: string): readonly string[] {
  return childrenOf(prefix).map((one) => one.key.slice(prefix.length));
}

export function childrenOf(prefix: string): readonly RuleKey[] {
  return ruleSchema.filter((one) => one.key.startsWith(prefix) && !one.key.slice(prefix.length).includes('.'));
}

function key(name: string, type: RuleKey['type'], help: string, more: { required?: boolean; permitted?: readonly string[] } = {}): RuleKey {
  return { key: name, type, required: more.required ?? false, permitted: more.permitted ?? [], help };
}
