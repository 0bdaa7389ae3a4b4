/**
 * Reads rules that users write, in YAML or JSON: `rules: [ {id: .., class: .., ..} ]`. Each fault is told with its line and
 * column and the values that would do; the good rules come out beside the faults, so that the caller decides whether a
 * faulty file is used in part. Nothing a file holds can make this throw, and no pattern it lets through can run away.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { genericPrefix, groupNamesOf, patternFault, referencesOf } from './match.ts';
import { classes, phases, type Rule, type SubjectTemplate, verbs } from './rule.ts';
import { builtInRules } from './rules/index.ts';
import { patternDanger } from './safe-pattern.ts';

export const userRuleLimits = { fileBytesMax: 1024 * 1024, rulesMax: 1_000, patternsMax: 20, patternLengthMax: 500, listLengthMax: 100, textLengthMax: 253 } as const;

export interface RuleFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The key at fault, e.g. `class` or `subject.kind`; empty for the file as a whole. */
  readonly key: string;
  /** A whole sentence, with the place and the values that would do. */
  readonly message: string;
}

export interface UserRules {
  readonly rules: Rule[];
  readonly faults: RuleFault[];
}

export interface RuleKey {
  readonly key: string;
  /** text; list (of texts, one text will do); flag (true or false); map (with the keys named `subject.*`). */
  readonly type: 'text' | 'list' | 'flag' | 'map';
  readonly required: boolean;
  /** The permitted values, where they are a closed set. */
  readonly permitted: readonly string[];
  readonly help: string;
}

/** What a rule may hold, for help texts and for the reader below. */
export const ruleSchema: readonly RuleKey[] = [
  key('id', 'text', 'Stable and unique name, shown on spans as knspan.rule, e.g. my-operator.restart', { required: true }),
  key('class', 'text', 'What the Event is to its change', { required: true, permitted: classes }),
  key('reporter', 'list', "Reporting components, any of; '*' at the end matches a prefix"),
  key('group', 'list', "API groups of the involved object, any of; '' is the core group"),
  key('kind', 'list', 'Kinds of the involved object, any of'),
  key('reason', 'list', 'Reasons, any of'),
  key('patterns', 'list', 'Regular expressions for the message, the first that matches wins; named groups such as (?<name>..) are kept'),
  key('verb', 'text', 'What an action does to its subject', { permitted: verbs.filter((verb) => verb !== '') }),
  key('subject', 'map', 'The object that the Event is really about; absent: the involved object'),
  key('subject.kind', 'text', 'Its kind, literally or $group', { required: true }),
  key('subject.name', 'text', 'Its name; default $name'),
  key('subject.namespace', 'text', "Its namespace; default the involved object's; '' for cluster-scoped kinds"),
  key('subject.uid', 'text', 'Its uid, as $group'),
  key('pair', 'text', 'Joins a start and its end on the same object and container'),
  key('phase', 'text', 'Phase that a start opens or an end closes', { permitted: phases.filter((phase) => phase !== '') }),
  key('opens', 'flag', 'A first sign of life of the involved object: begins a change where nothing caused it'),
  key('always', 'flag', 'Begins a change of its own, whatever is still open'),
  key('home', 'text', "Whose change the Event belongs to, if not its object's", { permitted: ['related', 'node'] }),
  key('fails', 'flag', 'For failures and ends: the change has failed'),
];

/** All rules of a file that can be used, and all that is wrong with the others. */
export function parseUserRules(text: string, file: string): UserRules {
  const bytes = Buffer.byteLength(text);
  if (bytes > userRuleLimits.fileBytesMax) return faulty(file, `its size is ${bytes} bytes, permitted are ${userRuleLimits.fileBytesMax}`);
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  } catch (error) {
    // Text that is nested thousands of levels deep exhausts the stack of the YAML parser.
    return faulty(file, error instanceof RangeError ? 'it is nested too deeply' : String(error));
  }
  return new Reader(file, lines).read(document);
}

function faulty(file: string, detail: string): UserRules {
  return { rules: [], faults: [{ file, line: 1, column: 1, key: '', message: `Cannot read rules in ${file} line 1, column 1: ${detail}` }] };
}

const idShape = /^[a-z0-9][a-z0-9._-]*$/u;
const builtInIds: ReadonlySet<string> = new Set(builtInRules.map((rule) => rule.id));

/** What the reader has understood of one rule, by key. */
interface Draft {
  readonly texts: Map<string, string>;
  readonly lists: Map<string, readonly string[]>;
  readonly flags: Map<string, boolean>;
}

/** Walks one file's nodes, collecting rules and faults. */
class Reader {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #faults: RuleFault[] = [];
  readonly #rules: Rule[] = [];
  readonly #ids = new Set<string>();
  /** How messages name the rule that is being read. */
  #current = '';

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  read(document: Document.Parsed): UserRules {
    for (const error of document.errors) this.#fault(error.pos[0], '', error.message);
    if (document.errors.length === 0) this.#readRoot(document.contents);
    return { rules: this.#rules, faults: this.#faults };
  }

  #readRoot(root: Node | null): void {
    if (!isMap(root)) return this.#fault(startOf(root), '', `it holds ${describe(root)}, wanted a map with the key 'rules'`);
    let list: unknown;
    for (const pair of root.items) {
      const name = textOf(pair.key);
      if (name === 'rules') list = pair.value;
      else this.#fault(startOf(pair.key), name, `the key '${name}' is unknown, permitted is rules`);
    }
    if (!isSeq(list)) return this.#fault(startOf(list ?? root), 'rules', `rules is ${describe(list)}, wanted a list`);
    if (list.items.length > userRuleLimits.rulesMax) {
      return this.#fault(startOf(list), 'rules', `rules holds ${list.items.length} rules, permitted are ${userRuleLimits.rulesMax}`);
    }
    list.items.forEach((item, i) => {
      this.#readRule(item, i + 1);
    });
  }

  #readRule(node: unknown, position: number): void {
    this.#current = `rule ${position}`;
    if (!isMap(node)) return this.#fault(startOf(node), '', `it is ${describe(node)}, wanted a map with the keys ${keysOf('').join(', ')}`);
    const faultsBefore = this.#faults.length;
    const id = node.get('id');
    if (typeof id === 'string' && id !== '') this.#current = `rule '${id}'`;
    const draft: Draft = { texts: new Map(), lists: new Map(), flags: new Map() };
    this.#readKeys(node, '', draft);
    this.#checkId(node, draft);
    this.#checkSubject(node, draft);
    this.#checkBreadth(node, draft);
    if (this.#faults.length === faultsBefore) this.#rules.push(ruleFrom(draft));
    this.#current = '';
  }

  #readKeys(map: YAMLMap, prefix: string, draft: Draft): void {
    const permitted = keysOf(prefix);
    for (const pair of map.items) {
      const name = textOf(pair.key);
      const schema = permitted.includes(name) ? ruleSchema.find((one) => one.key === prefix + name) : undefined;
      if (schema === undefined) {
        this.#fault(startOf(pair.key), prefix + name, `the key '${prefix}${name}' is unknown, permitted are ${permitted.join(', ')}`);
      } else this.#readValue(schema, pair.value ?? pair.key, pair.value, draft);
    }
    for (const { key: name, required } of ruleSchema) {
      if (required && isChild(name, prefix) && !map.has(name.slice(prefix.length))) this.#fault(startOf(map), name, `${name} is missing`);
    }
  }

  #readValue(schema: RuleKey, place: unknown, value: unknown, draft: Draft): void {
    const at = startOf(place);
    if (schema.type === 'map') {
      if (isMap(value)) this.#readKeys(value, `${schema.key}.`, draft);
      else this.#fault(at, schema.key, `${schema.key} is ${describe(value)}, wanted a map with the keys ${keysOf(`${schema.key}.`).join(', ')}`);
    } else if (schema.type === 'flag') {
      if (isScalar(value) && typeof value.value === 'boolean') draft.flags.set(schema.key, value.value);
      else this.#fault(at, schema.key, `${schema.key} is ${describe(value)}, permitted are true, false`);
    } else if (schema.type === 'list') this.#readList(schema, at, value, draft);
    else if (this.#isText(schema, at, value)) draft.texts.set(schema.key, textOf(value));
  }

  #readList(schema: RuleKey, at: number, value: unknown, draft: Draft): void {
    const items = isSeq(value) ? value.items : [value];
    const max = schema.key === 'patterns' ? userRuleLimits.patternsMax : userRuleLimits.listLengthMax;
    if (items.length === 0 || items.length > max) {
      return this.#fault(at, schema.key, `${schema.key} holds ${items.length} values, permitted are 1 to ${max}`);
    }
    const texts: string[] = [];
    for (const item of items) {
      const itemAt = isScalar(item) ? startOf(item) : at;
      if (this.#isText(schema, itemAt, item) && (schema.key !== 'patterns' || this.#isPattern(itemAt, textOf(item)))) texts.push(textOf(item));
    }
    if (texts.length === items.length) draft.lists.set(schema.key, texts);
  }

  #isText(schema: RuleKey, at: number, value: unknown): boolean {
    const { key: name, permitted } = schema;
    if (!isScalar(value) || typeof value.value !== 'string') {
      this.#fault(at, name, `${name} is ${describe(value)}, ${permitted.length > 0 ? `permitted are ${permitted.join(', ')}` : 'wanted a text'}`);
      return false;
    }
    const text = value.value;
    const lengthMax = name === 'patterns' ? userRuleLimits.patternLengthMax : userRuleLimits.textLengthMax;
    if (permitted.length > 0 && !permitted.includes(text)) this.#fault(at, name, `${name} is '${text.slice(0, lengthMax)}', permitted are ${permitted.join(', ')}`);
    else if (text === '' && name !== 'group' && name !== 'subject.namespace') this.#fault(at, name, `${name} is empty, wanted a text`);
    else if (text.length > lengthMax) this.#fault(at, name, `${name} is ${text.length} characters long, permitted are ${lengthMax}`);
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
    else if (builtInIds.has(id) || id.startsWith(genericPrefix)) this.#fault(at, 'id', `id is '${id}', which a built-in rule has, wanted another one`);
    else if (this.#ids.has(id)) this.#fault(at, 'id', `id is '${id}', which a rule above has, wanted another one`);
    this.#ids.add(id);
  }

  /** A subject's `$group` must be a named group of some pattern. */
  #checkSubject(map: YAMLMap, draft: Draft): void {
    const patterns = draft.lists.get('patterns');
    if (!map.has('subject') || !draft.texts.has('subject.kind') || (map.has('patterns') && patterns === undefined)) return;
    const groups = [...new Set((patterns ?? []).flatMap(groupNamesOf))];
    for (const part of ['kind', 'name', 'namespace', 'uid']) {
      const template = draft.texts.get(`subject.${part}`) ?? (part === 'name' ? '$name' : '');
      for (const group of referencesOf(template)) {
        if (groups.includes(group)) continue;
        const known = groups.length > 0 ? `permitted are ${groups.map((one) => `$${one}`).join(', ')}` : 'the patterns have no named groups';
        this.#fault(startOf(map.get('subject', true)), `subject.${part}`, `subject.${part} is '${template}', ${known}`);
      }
    }
    if (patterns === undefined && groups.length === 0 && !referencesIn(draft)) this.#fault(startOf(map), 'patterns', 'patterns is missing, a subject needs them');
  }

  /** A rule without any condition would swallow every Event. */
  #checkBreadth(map: YAMLMap, draft: Draft): void {
    const conditions = ['reporter', 'group', 'kind', 'reason', 'patterns'];
    if (conditions.some((name) => draft.lists.has(name) || map.has(name))) return;
    this.#fault(startOf(map), '', `it fits every Event, wanted at least one of ${conditions.join(', ')}`);
  }

  #fault(offset: number, faultyKey: string, detail: string): void {
    const { line, col } = this.#lines.linePos(offset);
    const place = { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
    const action = this.#current === '' ? 'Cannot read rules' : `Cannot use ${this.#current}`;
    this.#faults.push({ ...place, key: faultyKey, message: `${action} in ${place.file} line ${place.line}, column ${place.column}: ${detail}` });
  }
}
