/** Turns what `user-rules.ts` has read and checked of one rule into the rule itself. */
import { classes, phases, type Rule, type SubjectTemplate, verbs } from './rule.ts';

/** What was understood of one rule, by key; closed sets are checked already. */
export interface Draft {
  readonly texts: Map<string, string>;
  readonly lists: Map<string, readonly string[]>;
  readonly flags: Map<string, boolean>;
}

export function ruleFrom(draft: Draft): Rule {
  const { texts, lists, flags } = draft;
  const verb = texts.get('verb');
  const phase = texts.get('phase');
  const home = texts.get('home');
  const kind = texts.get('subject.kind');
  return {
    id: texts.get('id') ?? '',
    class: oneOf(classes, texts.get('class') ?? ''),
    ...defined('reporter', lists.get('reporter')),
    ...defined('group', lists.get('group')),
    ...defined('kind', lists.get('kind')),
    ...defined('reason', lists.get('reason')),
    ...defined('patterns', lists.get('patterns')),
    ...defined('verb', verb === undefined ? undefined : oneOf(verbs, verb)),
    ...defined('subject', kind === undefined ? undefined : subjectFrom(kind, texts)),
    ...defined('pair', texts.get('pair')),
    ...defined('phase', phase === undefined ? undefined : oneOf(phases, phase)),
    ...defined('opens', flags.get('opens')),
    ...defined('always', flags.get('always')),
    ...defined('home', home === undefined ? undefined : oneOf(['related', 'node'] as const, home)),
    ...defined('fails', flags.get('fails')),
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

/** The reader has checked the value; anything else is a bug. */
function oneOf<T extends string>(permitted: readonly T[], text: string): T {
  const value = permitted.find((one) => one === text);
  if (value === undefined) throw new Error(`Cannot build rule: '${text}' is not one of ${permitted.join(', ')}`);
  return value;
}
