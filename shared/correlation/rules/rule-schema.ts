/**
 * What a rule in a user's file may hold: the table by which `user-rules.ts` reads and from which help texts are printed, and the rule
 * made of what was read. Built-in rules use the same fields (`rule.ts`).
 */
import { begun, classes, homes, phases, type Rule, type SubjectTemplate, verbs, waits } from './rule.ts';

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
  key('id', 'text', 'Stable and unique name, shown on spans as knspan.event.rule, e.g. my-operator.restart', { required: true }),
  key('class', 'text', 'Role of the Event in its change', { required: true, permitted: classes }),
  key('reporter', 'list', "Reporting components, any of; '*' at the end matches a prefix"),
  key('group', 'list', "API groups of the involved object, any of; '' is the core group"),
  key('kind', 'list', 'Kinds of the involved object, any of'),
  key('reason', 'list', 'Reasons, any of'),
  key('patterns', 'list', 'Regular expressions for the message, the first that matches wins; named groups such as (?<name>[^ ]+) are kept'),
  key('verb', 'text', 'Effect of an action on its subject; for failures: what was not done', { permitted: named(verbs) }),
  key('subject', 'map', 'The object that the Event is really about; absent: the involved object'),
  key('subject.kind', 'text', 'Its kind, literally or as $group', { required: true }),
  key('subject.name', 'text', 'Its name; default $name'),
  key('subject.namespace', 'text', "Its namespace; default the involved object's; '' for cluster-scoped kinds"),
  key('subject.uid', 'text', 'Its uid, as $group'),
  key('pair', 'list', 'Joins a start and its end on the same object and container; an end with several closes the first that is open'),
  key('phase', 'text', 'The phase that a start opens or an end closes', { permitted: named(phases) }),
  key('firstSign', 'flag', 'A first sign of life of the involved object: begins a change where nothing caused it'),
  key('begins', 'text', 'Always begins a change of this kind, whatever else is open', { permitted: begun }),
  key('expectsEnd', 'flag', 'The change that it begins stays open until an Event that ends it'),
  key('ends', 'flag', 'For ends: closes the whole change, not only its pair'),
  key('home', 'text', "Whose change the Event belongs to, if not the involved object's; outage: the node's, while it is out", {
    permitted: homes,
  }),
  key('fails', 'flag', 'For failures and ends: the change has failed'),
  key('recurs', 'flag', 'For failures: each repeat is the same trouble anew, even after a recovery'),
  key('probe', 'flag', 'A health check: the object is unready, not broken, and a restart that follows answers it'),
  key('waitsFor', 'text', 'For failures: what the object lacks until it can go on', { permitted: waits }),
  key('heals', 'flag', 'For deletions: the subject had failed and is deleted to be made anew'),
  key('lines', 'flag', 'Each line of the message reports an action of its own, which the rules of the same reason explain line by line'),
  key('remark', 'flag', 'A remark on what the object is doing: a span event of that span, not a span of its own'),
  key('warns', 'flag', 'For states: shown as a warning, decides no outcome'),
  key('service', 'text', "service.name of the spans of the rule's reporters; default: one of a fixed list, or other-controller"),
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

function named(values: readonly string[]): readonly string[] {
  return values.filter((value) => value !== '');
}

/** What was read of one rule, by key; values of closed sets are checked already. */
export interface Draft {
  readonly texts: Map<string, string>;
  readonly lists: Map<string, readonly string[]>;
  readonly flags: Map<string, boolean>;
}

export function ruleFrom({ texts, lists, flags }: Draft): Rule {
  const kind = texts.get('subject.kind');
  return {
    id: texts.get('id') ?? '',
    class: oneOf(classes, texts.get('class') ?? ''),
    ...defined('reporter', lists.get('reporter')),
    ...defined('group', lists.get('group')),
    ...defined('kind', lists.get('kind')),
    ...defined('reason', lists.get('reason')),
    ...defined('patterns', lists.get('patterns')),
    ...defined('verb', optional(verbs, texts.get('verb'))),
    ...defined('subject', kind === undefined ? undefined : subjectFrom(kind, texts)),
    ...defined('pair', lists.get('pair')),
    ...defined('phase', optional(phases, texts.get('phase'))),
    ...defined('firstSign', flags.get('firstSign')),
    ...defined('begins', optional(begun, texts.get('begins'))),
    ...defined('expectsEnd', flags.get('expectsEnd')),
    ...defined('ends', flags.get('ends')),
    ...defined('home', optional(homes, texts.get('home'))),
    ...defined('fails', flags.get('fails')),
    ...defined('recurs', flags.get('recurs')),
    ...defined('probe', flags.get('probe')),
    ...defined('waitsFor', optional(waits, texts.get('waitsFor'))),
    ...defined('heals', flags.get('heals')),
    ...defined('lines', flags.get('lines')),
    ...defined('remark', flags.get('remark')),
    ...defined('warns', flags.get('warns')),
    ...defined('service', texts.get('service')),
  };
}

function subjectFrom(kind: string, texts: ReadonlyMap<string, string>): SubjectTemplate {
  return {
    kind,
    ...defined('name', texts.get('subject.name')),
    ...defined('namespace', texts.get('subject.namespace')),
    ...defined('uid', texts.get('subject.uid')),
  };
}

/** The property, or none at all: absent and undefined are not the same to a rule. */
function defined<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  const property: { [P in K]?: V } = {};
  if (value !== undefined) property[key] = value;
  return property;
}

function optional<T extends string>(permitted: readonly T[], text: string | undefined): T | undefined {
  return text === undefined ? undefined : oneOf(permitted, text);
}

/** The reader has checked the value; anything else is a bug. */
function oneOf<T extends string>(permitted: readonly T[], text: string): T {
  const value = permitted.find((one) => one === text);
  if (value === undefined) throw new Error(`Cannot build rule: '${text}' is not one of ${permitted.join(', ')}`);
  return value;
}
