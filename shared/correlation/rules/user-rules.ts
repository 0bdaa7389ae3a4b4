/**
 * Reads rules that users write, in YAML or JSON: `rules: [ {id: .., class: .., ..} ]`. Each fault is told with its line and
 * column and the values that would do; the good rules come out beside the faults, so that the caller decides whether a
 * faulty file is used in part. Nothing a file holds can make this throw, and no pattern it lets through can run away.
 */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { builtInRules } from './built-in/index.ts';
import { genericPrefix, groupNamesOf, patternFault } from './match.ts';
import type { Rule } from './rule.ts';
import { childrenOf, type Draft, keysOf, type RuleKey, ruleFrom } from './rule-schema.ts';
import { patternDanger } from './safe-pattern.ts';
import { referencesOf } from './subject.ts';

export { type RuleKey, ruleSchema } from './rule-schema.ts';

export const userRuleLimits = {
  fileBytesMax: 1024 * 1024,
  rulesMax: 1_000,
  patternsMax: 20,
  patternLengthMax: 500,
  listLengthMax: 100,
  textLengthMax: 253,
  faultsMax: 1_000,
} as const;

export interface RuleFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The key at fault, e.g. `class` or `subject.kind`; empty for the rule or file as a whole. */
  readonly key: string;
  /** A whole sentence, with the place and the values that would do. */
  readonly message: string;
}

export interface UserRules {
  readonly rules: Rule[];
  readonly faults: RuleFault[];
}

/** All rules of a file that can be used, and all that is wrong with the others. */
export function parseUserRules(text: string, file: string): UserRules {
  const bytes = Buffer.byteLength(text);
  if (bytes > userRuleLimits.fileBytesMax) return faulty(file, `its size is ${bytes} bytes, permitted are ${userRuleLimits.fileBytesMax}`);
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  } catch (error) {
    // Text that is nested thousands of levels deep exhausts the stack of the YAML parser.
    return faulty(file, error instanceof RangeError ? 'it is nested too deeply' : String(error));
  }
  return new Reader(file, lines).read(document);
}

function faulty(file: string, detail: string): UserRules {
  return {
    rules: [],
    faults: [{ file, line: 1, column: 1, key: '', message: `Cannot read rules in ${file} line 1, column 1: ${detail}` }],
  };
}

/** Characters of a faulty value that a message shows. */
const shownMax = 100;
const conditions = ['reporter', 'group', 'kind', 'reason', 'patterns'];
const idShape = /^[a-z0-9][a-z0-9._-]*$/u;
const builtInIds: ReadonlySet<string> = new Set(builtInRules.map((rule) => rule.id));

/** Walks one file's nodes, collecting rules and faults. */
class Reader {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #faults: RuleFault[] = [];
  readonly #rules: Rule[] = [];
  readonly #ids = new Set<string>();
  #faultCount = 0;
  /** How messages name the rule that is being read. */
  #current = '';

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  read(document: Document.Parsed): UserRules {
    // Broken syntax shifts everything behind it, so nothing of such a file is used.
    for (const error of document.errors)
      this.#fault(error.pos[0], '', error.code === 'MULTIPLE_DOCS' ? 'it holds several documents, wanted one' : error.message);
    if (document.errors.length === 0) this.#readRoot(document.contents);
    return { rules: this.#rules, faults: this.#faults };
  }

  #readRoot(root: unknown): void {
    if (!isMap(root)) {
      this.#fault(startOf(root), '', `the file is ${describe(root)}, wanted a map with the key rules`);
      return;
    }
    let list: unknown;
    for (const pair of root.items) {
      const name = textOf(pair.key);
      if (name === 'rules' && list === undefined) list = pair.value;
      else if (name === 'rules') this.#fault(startOf(pair.key), name, 'the key rules comes twice');
      else this.#fault(startOf(pair.key), cut(name), `the key '${cut(name)}' is unknown, permitted is rules`);
    }
    const { rulesMax } = userRuleLimits;
    const at = startOf(list ?? root);
    if (!isSeq(list)) this.#fault(at, 'rules', `rules is ${describe(list)}, wanted a list`);
    else if (list.items.length > rulesMax) this.#fault(at, 'rules', `rules holds ${list.items.length} rules, permitted are ${rulesMax}`);
    else for (const [i, item] of list.items.entries()) this.#readRule(item, i + 1);
  }

  #readRule(node: unknown, position: number): void {
    this.#current = `rule ${position}`;
    if (!isMap(node)) {
      this.#fault(startOf(node), '', `it is ${describe(node)}, wanted a map with the keys ${keysOf('').join(', ')}`);
      return;
    }
    const id = node.get('id');
    if (typeof id === 'string' && id !== '') this.#current = `rule '${cut(id)}'`;
    const faultsBefore = this.#faultCount;
    const draft: Draft = { texts: new Map(), lists: new Map(), flags: new Map() };
    this.#readKeys(node, '', draft);
    this.#checkId(node, draft);
    this.#checkSubject(node, draft);
    if (node.has('service') && !node.has('reporter'))
      this.#fault(
        startOf(node.get('service', true)),
        'reporter',
        'reporter is missing, a service needs the reporters whose spans it names',
      );
    if (!conditions.some((name) => node.has(name))) {
      this.#fault(startOf(node), '', `it fits every Event, wanted at least one of ${conditions.join(', ')}`);
    }
    if (this.#faultCount === faultsBefore) this.#rules.push(ruleFrom(draft));
  }

  #readKeys(map: YAMLMap, prefix: string, draft: Draft): void {
    const permitted = childrenOf(prefix);
    const seen = new Set<string>();
    for (const pair of map.items) {
      const name = prefix + textOf(pair.key);
      const schema = permitted.find((one) => one.key === name);
      if (schema === undefined)
        this.#fault(startOf(pair.key), cut(name), `the key '${cut(name)}' is unknown, permitted are ${keysOf(prefix).join(', ')}`);
      else if (seen.has(name)) this.#fault(startOf(pair.key), name, `the key ${name} comes twice`);
      else this.#readValue(schema, startOf(pair.value ?? pair.key), pair.value, draft);
      seen.add(name);
    }
    for (const { key, required } of permitted) {
      if (required && !seen.has(key)) this.#fault(startOf(map), key, `${key} is missing`);
    }
  }

  #readValue(schema: RuleKey, at: number, value: unknown, draft: Draft): void {
    const { key, type } = schema;
    if (type === 'map') {
      if (isMap(value)) this.#readKeys(value, `${key}.`, draft);
      else this.#fault(at, key, `${key} is ${describe(value)}, wanted a map with the keys ${keysOf(`${key}.`).join(', ')}`);
    } else if (type === 'flag') {
      if (isScalar(value) && typeof value.value === 'boolean') draft.flags.set(key, value.value);
      else this.#fault(at, key, `${key} is ${describe(value)}, permitted are true, false`);
    } else if (type === 'list') this.#readList(schema, at, value, draft);
    else if (this.#isText(schema, at, value)) draft.texts.set(key, textOf(value));
  }

  #readList(schema: RuleKey, at: number, value: unknown, draft: Draft): void {
    const { key } = schema;
    const items: readonly unknown[] = isSeq(value) ? value.items : [value];
    const max = key === 'patterns' ? userRuleLimits.patternsMax : userRuleLimits.listLengthMax;
    if (items.length === 0 || items.length > max) {
      this.#fault(at, key, `${key} holds ${items.length} values, permitted are 1 to ${max}`);
      return;
    }
    const texts: string[] = [];
    for (const item of items) {
      const itemAt = isNode(item) ? startOf(item) : at;
      if (!this.#isText(schema, itemAt, item)) continue;
      if (key !== 'patterns' || this.#isPattern(itemAt, textOf(item))) texts.push(textOf(item));
    }
    if (texts.length === items.length) draft.lists.set(key, texts);
  }

  #isText(schema: RuleKey, at: number, value: unknown): boolean {
    const { key, permitted } = schema;
    const wanted = permitted.length > 0 ? `permitted are ${permitted.join(', ')}` : 'wanted a text';
    const lengthMax = key === 'patterns' ? userRuleLimits.patternLengthMax : userRuleLimits.textLengthMax;
    const text = isScalar(value) && typeof value.value === 'string' ? value.value : null;
    if (text === null || (permitted.length > 0 && !permitted.includes(text)))
      this.#fault(at, key, `${key} is ${describe(value)}, ${wanted}`);
    else if (text === '' && key !== 'group' && key !== 'subject.namespace') this.#fault(at, key, `${key} is empty, ${wanted}`);
    else if (text.length > lengthMax) this.#fault(at, key, `${key} has ${text.length} characters, permitted are ${lengthMax}`);
    else return true;
    return false;
  }

  #isPattern(at: number, source: string): boolean {
    const invalid = patternFault(source);
    const danger = invalid === '' ? patternDanger(source) : '';
    if (invalid !== '') this.#fault(at, 'patterns', `the pattern '${source}' is not a regular expression: ${invalid}`);
    else if (danger !== '') this.#fault(at, 'patterns', `the pattern '${source}' may take too long: ${danger}`);
    return invalid === '' && danger === '';
  }

  #checkId(map: YAMLMap, draft: Draft): void {
    const id = draft.texts.get('id');
    if (id === undefined) return;
    const at = startOf(map.get('id', true));
    if (!idShape.test(id)) this.#fault(at, 'id', `id is '${id}', wanted small letters, digits, '.', '_' and '-'`);
    else if (id.startsWith(genericPrefix)) this.#fault(at, 'id', `id is '${id}', and ids with '${genericPrefix}' are reserved`);
    else if (builtInIds.has(id)) this.#fault(at, 'id', `id is '${id}', which a built-in rule has, wanted another one`);
    else if (this.#ids.has(id)) this.#fault(at, 'id', `id is '${id}', which a rule above has, wanted another one`);
    this.#ids.add(id);
  }

  /** A subject's `$group` must be a named group of some pattern. */
  #checkSubject(map: YAMLMap, draft: Draft): void {
    if (!map.has('subject')) return;
    const at = startOf(map.get('subject', true));
    if (!map.has('patterns')) {
      this.#fault(at, 'patterns', 'patterns is missing, a subject needs one that names it');
      return;
    }
    const patterns = draft.lists.get('patterns');
    if (patterns === undefined) return;
    const groups = new Set(patterns.flatMap(groupNamesOf));
    for (const key of keysOf('subject.')) {
      const template = draft.texts.get(`subject.${key}`) ?? (key === 'name' ? '$name' : '');
      for (const group of referencesOf(template)) {
        if (!groups.has(group))
          this.#fault(at, `subject.${key}`, `subject.${key} is '${template}', wanted a pattern with the group (?<${group}>..)`);
      }
    }
  }

  #fault(offset: number, key: string, detail: string): void {
    this.#faultCount += 1;
    if (this.#faultCount > userRuleLimits.faultsMax) return;
    const { line, col } = this.#lines.linePos(offset);
    const place = { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
    const action = this.#current === '' ? 'Cannot read rules' : `Cannot use ${this.#current}`;
    this.#faults.push({ ...place, key, message: `${action} in ${place.file} line ${place.line}, column ${place.column}: ${detail}` });
  }
}

function textOf(node: unknown): string {
  return isScalar(node) ? String(node.value) : '';
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function describe(node: unknown): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  if (isAlias(node)) return 'an alias';
  if (!isScalar(node)) return 'missing';
  if (typeof node.value === 'string') return `'${cut(node.value)}'`;
  return node.value === null ? 'empty' : `${String(node.value)} (a ${typeof node.value})`;
}

/** Keeps messages short, whatever a file holds. */
function cut(text: string): string {
  return text.length > shownMax ? `${text.slice(0, shownMax)}..` : text;
}
