/**
 * Applies the rules: Event -> meaning. Rules are compiled once and indexed by reason, since a reason narrows
 * a few hundred rules to a handful; the first rule whose reporter, group, kind and message fit wins. Users' rules come
 * first, then the built-in ones in their order, then the generic ones, so that there is always a match.
 */
import type { Observation } from '../../events/observation.ts';
import type { Act, Meaning, Rule } from './rule.ts';
import { ServiceNames } from './service-names.ts';
import { type CompiledSubject, compileSubject, referencesOf, subjectFrom } from './subject.ts';

/** Only the start of longer messages is matched. */
export const messageLengthMax = 4096;

/** Further lines of a message are not read. */
const linesMost = 100;

/** Rules whose id begins so are tried last, and not at all for Events that tell of trouble. */
export const genericPrefix = 'generic.';

/** A built-in rule that cannot be compiled: a bug, never a consequence of input. */
export class RuleError extends Error {
  readonly rule: string;

  constructor(rule: string, detail: string, options?: ErrorOptions) {
    super(`Cannot compile rule '${rule}': ${detail}`, options);
    this.name = 'RuleError';
    this.rule = rule;
  }
}

export interface CompiledRules {
  /** Differs where a rule differs: what was kept under another version is worked out again. */
  readonly version: string;
  readonly byId: ReadonlyMap<string, CompiledRule>;
  /** For each reason that some rule names: all rules that may fit, in order. */
  readonly byReason: ReadonlyMap<string, readonly CompiledRule[]>;
  /** The rules that name no reason, for all other reasons. */
  readonly anyReason: readonly CompiledRule[];
  readonly generic: readonly CompiledRule[];
  readonly services: ServiceNames;
}

export interface CompiledRule {
  readonly reporters: readonly string[] | null;
  readonly reporterPrefixes: readonly string[];
  readonly groups: readonly string[] | null;
  readonly kinds: readonly string[] | null;
  readonly patterns: readonly CompiledPattern[] | null;
  readonly subject: CompiledSubject | null;
  readonly lines: boolean;
  readonly fixed: FixedMeaning;
}

/** What an Event means. Never fails: an Event that no rule knows gets a `generic.*` meaning. */
export function meaningOf(rules: CompiledRules, o: Observation): Meaning {
  const message = o.message.length > messageLengthMax ? o.message.slice(0, messageLengthMax) : o.message;
  const group = groupOf(o.involved.apiVersion);
  const service = rules.services.of(o.reporter);
  const known = firstMeaning(rules.byReason.get(o.reason) ?? rules.anyReason, o, group, message, service);
  if (known !== null) return withLines(rules, known, o);
  if (o.type === 'Warning') return warningMeaning.of(service);
  if (troubleWords.test(o.reason)) return failureMeaning.of(service);
  return firstMeaning(rules.generic, o, group, message, service) ?? stateMeaning.of(service);
}

/** The meaning again of an Event that this rule was found to fit, by the groups that its pattern had found; null: there is no such rule. */
export function meaningByRule(rules: CompiledRules, id: string, groups: Meaning['groups'], o: Observation): Meaning | null {
  const service = rules.services.of(o.reporter);
  const rule = rules.byId.get(id);
  if (rule === undefined) return fallbackMeanings.get(id)?.of(service) ?? null;
  return withLines(rules, meaningWith(rule, groups, o, service), o);
}

/** What the further lines of a message say, where each has a meaning of its own. */
function withLines(rules: CompiledRules, meaning: Meaning, o: Observation): Meaning {
  if (!rules.byId.get(meaning.rule)?.lines || !o.message.includes('\n')) return meaning;
  const candidates = rules.byReason.get(o.reason) ?? rules.anyReason;
  const group = groupOf(o.involved.apiVersion);
  const lines = o.message.slice(0, messageLengthMax).split('\n').slice(1, linesMost);
  const others = lines.flatMap((line): Act[] => {
    const found = firstMeaning(candidates, o, group, line, meaning.service);
    return found?.subject ? [{ verb: found.verb, subject: found.subject }] : [];
  });
  return { ...meaning, others };
}

/** Compiles rules once for many calls of `meaningOf`. Throws a RuleError on a rule that cannot work, unless tests have shown that all do. */
export function compileRules(builtIn: readonly Rule[], extra: readonly Rule[] = [], tested: 'tested' | '' = ''): CompiledRules {
  const ids = new Set<string>();
  const reasons = new Set<string>();
  for (const rule of [...extra, ...builtIn]) {
    if (ids.has(rule.id)) throw new RuleError(rule.id, 'another rule has this id, wanted a unique one');
    ids.add(rule.id);
    for (const reason of rule.reason ?? []) reasons.add(reason);
  }
  const byId = new Map<string, CompiledRule>();
  const byReason = new Map<string, CompiledRule[]>();
  for (const reason of reasons) byReason.set(reason, []);
  const anyReason: CompiledRule[] = [];
  const generic: CompiledRule[] = [];
  for (const rule of [...extra, ...builtIn]) {
    if (tested === '') checkRule(rule);
    const compiled = compileRule(rule);
    byId.set(rule.id, compiled);
    if (rule.id.startsWith(genericPrefix)) {
      generic.push(compiled);
      continue;
    }
    for (const reason of rule.reason === undefined ? reasons : new Set(rule.reason)) byReason.get(reason)?.push(compiled);
    if (rule.reason === undefined) anyReason.push(compiled);
  }
  const all = [...extra, ...builtIn];
  return { version: versionOf(all), byId, byReason, anyReason, generic, services: new ServiceNames(all) };
}

/** FNV-1a of their text, 32 bits: `node:crypto` takes longer to load than this takes. */
function versionOf(rules: readonly Rule[]): string {
  const text = JSON.stringify(rules);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(36);
}

/** Says whether a text is a regular expression with the flags used here: the empty string, or what is wrong with it. */
export function patternFault(source: string): string {
  try {
    new RegExp(source, patternFlags);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Names of the named groups in a pattern, each once. */
export function groupNamesOf(source: string): readonly string[] {
  const names = new Set<string>();
  for (const match of source.matchAll(/\\.|\(\?<([A-Za-z_$][\w$]*)>/gsu)) if (match[1] !== undefined) names.add(match[1]);
  return [...names];
}

const patternFlags = 'su';
const troubleWords = /fail|error|back-?off|unhealthy/iu;

const emptyGroups: Readonly<Record<string, string>> = Object.freeze({});
const none: readonly string[] = [];
const noActs: readonly Act[] = [];

/** The meaning of a rule as far as the message does not change it: one object per service, shared by all Events that add nothing to it. */
class FixedMeaning {
  readonly #bare: Meaning;
  readonly #byService = new Map<string, Meaning>();

  constructor(rule: Rule) {
    this.#bare = bareMeaning(rule);
  }

  of(service: string): Meaning {
    let meaning = this.#byService.get(service);
    if (meaning === undefined) {
      meaning = Object.freeze({ ...this.#bare, service });
      this.#byService.set(service, meaning);
    }
    return meaning;
  }
}

const stateMeaning = new FixedMeaning({ id: `${genericPrefix}state`, class: 'state' });
const warningMeaning = new FixedMeaning({ id: `${genericPrefix}warning`, class: 'state', warns: true });
const failureMeaning = new FixedMeaning({ id: `${genericPrefix}failure`, class: 'state', warns: true });
const fallbackMeanings: ReadonlyMap<string, FixedMeaning> = new Map([
  [`${genericPrefix}state`, stateMeaning],
  [`${genericPrefix}warning`, warningMeaning],
  [`${genericPrefix}failure`, failureMeaning],
]);

/** Compiled when it is used first: most never are in the life of a function. */
class CompiledPattern {
  readonly #source: string;
  #regexp: RegExp | undefined;
  #groups: readonly string[] | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  get regexp(): RegExp {
    this.#regexp ??= new RegExp(this.#source, patternFlags);
    return this.#regexp;
  }

  get groups(): readonly string[] {
    this.#groups ??= groupNamesOf(this.#source);
    return this.#groups;
  }
}

function firstMeaning(
  rules: readonly CompiledRule[],
  o: Observation,
  group: string | null,
  message: string,
  service: string,
): Meaning | null {
  for (const rule of rules) {
    if (!fits(rule, o, group)) continue;
    if (rule.patterns === null) return rule.fixed.of(service);
    for (const pattern of rule.patterns) {
      const match = pattern.regexp.exec(message);
      if (match !== null) return meaningFrom(rule, pattern, match, o, service);
    }
  }
  return null;
}

/** What an Event leaves out (hand-made ones often do) cannot speak against a rule, save the kind, which carries the most. */
function fits(rule: CompiledRule, o: Observation, group: string | null): boolean {
  if (rule.kinds !== null && !rule.kinds.includes(o.involved.kind)) return false;
  if (rule.groups !== null && group !== null && !rule.groups.includes(group)) return false;
  if (rule.reporters === null || o.reporter === '' || rule.reporters.includes(o.reporter)) return true;
  return rule.reporterPrefixes.some((prefix) => o.reporter.startsWith(prefix));
}

function meaningFrom(rule: CompiledRule, pattern: CompiledPattern, match: RegExpExecArray, o: Observation, service: string): Meaning {
  if (pattern.groups.length === 0 && rule.subject === null) return rule.fixed.of(service);
  const groups: Record<string, string> = {};
  for (const name of pattern.groups) {
    const value = match.groups?.[name];
    if (value !== undefined) groups[name] = value;
  }
  return meaningWith(rule, groups, o, service);
}

function meaningWith(rule: CompiledRule, groups: Meaning['groups'], o: Observation, service: string): Meaning {
  if (rule.subject === null && isEmpty(groups)) return rule.fixed.of(service);
  const subject = rule.subject === null ? null : subjectFrom(rule.subject, groups, o);
  return { ...rule.fixed.of(service), subject, groups };
}

function isEmpty(groups: Meaning['groups']): boolean {
  for (const _ in groups) return false;
  return true;
}

/** `apps/v1` is group `apps`, `v1` is the core group (the empty string), nothing is unknown (null). */
function groupOf(apiVersion: string): string | null {
  if (apiVersion === '') return null;
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? coreGroup(apiVersion) : apiVersion.slice(0, slash);
}

/** Events of very old clusters name the group alone (`extensions`), without a version. */
function coreGroup(apiVersion: string): string {
  return /^v\d/u.test(apiVersion) ? '' : apiVersion;
}

function compileRule(rule: Rule): CompiledRule {
  return {
    reporters: rule.reporter === undefined ? null : rule.reporter.filter((reporter) => !reporter.endsWith('*')),
    reporterPrefixes: (rule.reporter ?? []).filter((reporter) => reporter.endsWith('*')).map((reporter) => reporter.slice(0, -1)),
    groups: rule.group ?? null,
    kinds: rule.kind ?? null,
    patterns: rule.patterns?.map((source) => new CompiledPattern(source)) ?? null,
    subject: rule.subject === undefined ? null : compileSubject(rule.subject),
    lines: rule.lines ?? false,
    fixed: new FixedMeaning(rule),
  };
}

function checkRule(rule: Rule): void {
  for (const source of rule.patterns ?? []) {
    const fault = patternFault(source);
    if (fault !== '') throw new RuleError(rule.id, `pattern '${source}' is not a regular expression: ${fault}`);
  }
  checkReferences(rule);
}

/** A subject that no pattern can ever name is a slip of the pen. */
function checkReferences(rule: Rule): void {
  if (rule.subject === undefined) return;
  if (rule.patterns === undefined) throw new RuleError(rule.id, 'it has a subject but no patterns that could name one');
  const { kind, name = '$name', namespace = '', uid = '' } = rule.subject;
  const known = new Set(rule.patterns.flatMap(groupNamesOf));
  for (const group of [kind, name, namespace, uid].flatMap(referencesOf)) {
    if (!known.has(group)) throw new RuleError(rule.id, `its subject names the group '${group}', which no pattern has`);
  }
}

function bareMeaning(rule: Rule): Meaning {
  return {
    rule: rule.id,
    class: rule.class,
    verb: rule.verb ?? '',
    subject: null,
    others: noActs,
    pairs: rule.pair === undefined ? none : [rule.pair].flat(),
    phase: rule.phase ?? '',
    firstSign: rule.firstSign ?? false,
    begins: rule.begins ?? '',
    expectsEnd: rule.expectsEnd ?? false,
    ends: rule.ends ?? false,
    home: rule.home ?? '',
    fails: rule.fails ?? false,
    recurs: rule.recurs ?? false,
    probe: rule.probe ?? false,
    waitsFor: rule.waitsFor ?? '',
    heals: rule.heals ?? false,
    remark: rule.remark ?? false,
    warns: rule.warns ?? false,
    service: '',
    groups: emptyGroups,
  };
}
