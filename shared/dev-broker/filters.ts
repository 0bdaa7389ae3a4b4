/**
 * Which events a Trigger lets pass, as the filter of Knative's MT broker decides it: the dialects of the Subscriptions API and the older
 * `filter.attributes`. Reading is apart from deciding: a slip that Knative's webhook refuses, or its filter process dies of, is a fault
 * here; decided is all the same as there, where an invalid part is left out and so passes when it stands alone.
 */
import { evaluate, staticType } from './cesql/evaluate.ts';
import { parseCesql } from './cesql/parser.ts';
import type { Expression } from './cesql/syntax.ts';
import type { Part } from './manifest-reader.ts';

export type Attributes = ReadonlyMap<string, string>;

type MatchKind = 'exact' | 'prefix' | 'suffix';

export type Filter =
  | { readonly kind: MatchKind; readonly entries: readonly (readonly [string, string])[] }
  | { readonly kind: 'attributes'; readonly entries: readonly (readonly [string, string])[] }
  | { readonly kind: 'all' | 'any'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'cesql'; readonly text: string; readonly expression: Expression };

/** `none`: there was nothing to decide by. */
type Verdict = 'pass' | 'fail' | 'none';

/** In the order in which they count when an object has several. */
const dialects = ['exact', 'prefix', 'suffix', 'all', 'any', 'not', 'cesql'] as const;
const depthMost = 20;
const filtersMost = 1_000;

export const everything: Filter = { kind: 'all', filters: [] };

export function passes(filter: Filter, attributes: Attributes): boolean {
  return verdict(filter, attributes) !== 'fail';
}

/** The filter in the spec of a Trigger: `filters` where there are any, else `filter.attributes`, else everything. */
export function readFilter(spec: Part): Filter {
  const list = spec.get('filters');
  const old = spec.get('filter');
  old.only(['attributes']);
  const entries = readEntries(old.get('attributes'), true) ?? [];
  const filters = readList(list, 0);
  if (list.list().length > 0) return { kind: 'all', filters };
  return entries.length > 0 ? { kind: 'attributes', entries } : everything;
}

function readList(part: Part, depth: number): Filter[] {
  const items = part.list();
  if (items.length > filtersMost) part.refuse(`wanted at most ${filtersMost} filters, found ${items.length}`);
  return items.slice(0, filtersMost).flatMap((item) => readOne(item, depth + 1) ?? []);
}

/** null where there is nothing to decide by. */
function readOne(part: Part, depth: number): Filter | null {
  if (depth > depthMost) {
    part.refuse(`wanted at most ${depthMost} levels of filters`);
    return null;
  }
  part.only(dialects);
  const used = dialects.filter((dialect) => isUsed(part.get(dialect)));
  if (used.length > 1) part.refuse(`wanted one dialect, found ${used.join(' and ')}`);
  const [dialect] = used;
  if (dialect === undefined) return null;
  const inner = part.get(dialect);
  if (dialect === 'all' || dialect === 'any') return { kind: dialect, filters: readList(inner, depth) };
  if (dialect === 'not') return readNot(inner, depth);
  if (dialect === 'cesql') return readCesql(inner);
  const entries = readEntries(inner, false);
  return entries === null ? null : { kind: dialect, entries };
}

function isUsed(part: Part): boolean {
  if (part.path.endsWith('.not')) return part.exists;
  if (typeof part.value !== 'object' || part.value === null) return part.exists && part.value !== '';
  return Object.keys(part.value).length > 0;
}

function readNot(part: Part, depth: number): Filter | null {
  const filter = readOne(part, depth + 1);
  if (filter === null) part.refuse('wanted a filter, found an empty one, which crashes the filter of a cluster');
  return filter === null ? null : { kind: 'not', filter };
}

function readCesql(part: Part): Filter | null {
  const text = part.text();
  const parsed = parseCesql(text);
  if (!parsed.ok) {
    part.refuse(parsed.reason);
    return null;
  }
  if (staticType(parsed.value) !== 'boolean')
    part.refuse(`wanted an expression that is true or false, found one that gives ${article(staticType(parsed.value))}`);
  return { kind: 'cesql', text, expression: parsed.value };
}

function article(type: string): string {
  return type === 'integer' ? 'an integer' : `a ${type}`;
}

/** null where a part is invalid, which makes the whole of it invalid; an empty value means something in `filter.attributes` only. */
function readEntries(part: Part, mayBeEmpty: boolean): (readonly [string, string])[] | null {
  const entries: [string, string][] = [];
  let valid = true;
  for (const [name, value] of part.entries()) {
    if (!/^[a-z][a-z0-9]*$/.test(name)) value.refuse(`wanted the name of an attribute in a-z and 0-9, found '${name.slice(0, 60)}'`);
    const text = mayBeEmpty ? value.text('') : value.text();
    if (name === '' || (text === '' && !mayBeEmpty)) valid = false;
    entries.push([name, text]);
  }
  return valid ? entries : null;
}

function verdict(filter: Filter, attributes: Attributes): Verdict {
  switch (filter.kind) {
    case 'all':
      return all(filter.filters, attributes);
    case 'any':
      return any(filter.filters, attributes);
    case 'not': {
      const inner = verdict(filter.filter, attributes);
      return inner === 'none' ? 'none' : of(inner === 'fail');
    }
    case 'cesql': {
      const { value, fault } = evaluate(filter.expression, (name) => attributes.get(name));
      return of(fault === undefined && value === true);
    }
    case 'attributes':
      return of(filter.entries.every(([name, wanted]) => matchesOld(attributeOf(attributes, name), wanted)));
    default:
      return of(filter.entries.every(([name, wanted]) => matches(filter.kind, attributeOf(attributes, name), wanted)));
  }
}

function of(passed: boolean): Verdict {
  return passed ? 'pass' : 'fail';
}

function all(filters: readonly Filter[], attributes: Attributes): Verdict {
  let sum: Verdict = 'none';
  for (const filter of filters) {
    const one = verdict(filter, attributes);
    if (one === 'fail') return 'fail';
    if (one === 'pass') sum = 'pass';
  }
  return sum;
}

function any(filters: readonly Filter[], attributes: Attributes): Verdict {
  let sum: Verdict = 'none';
  for (const filter of filters) {
    const one = verdict(filter, attributes);
    if (one === 'pass') return 'pass';
    if (one === 'fail') sum = 'fail';
  }
  return sum;
}

function matches(kind: MatchKind, value: string | undefined, wanted: string): boolean {
  if (value === undefined) return false;
  if (kind === 'exact') return value === wanted;
  return kind === 'prefix' ? value.startsWith(wanted) : value.endsWith(wanted);
}

function matchesOld(value: string | undefined, wanted: string): boolean {
  return value !== undefined && (wanted === '' ? value !== '' : value === wanted);
}

/** What the specification names always exists, if need be as an empty text; an extension may be missing. CESQL sees only what is there. */
function attributeOf(attributes: Attributes, name: string): string | undefined {
  switch (name) {
    case 'time':
      return attributes.get('time') ?? '0001-01-01T00:00:00Z';
    case 'schemaurl':
    case 'dataschema':
      return attributes.get('dataschema') ?? attributes.get('schemaurl') ?? '';
    case 'datamediatype':
      return (attributes.get('datacontenttype') ?? '').split(';', 1).join('').trim().toLowerCase();
    case 'subject':
    case 'datacontenttype':
    case 'datacontentencoding':
      return attributes.get(name) ?? '';
    default:
      return attributes.get(name);
  }
}
