/**
 * Which events a Trigger lets pass, decided as by the filter of Knative's MT broker: the dialects of the Subscriptions API except CESQL,
 * and the older `filter.attributes`. Reading is separate from deciding: what Knative's webhook refuses, or crashes its filter process, is
 * a fault here; the decision is the same as there, where an invalid part is left out and so passes when it stands alone.
 */
import type { Part } from './manifest-reader.ts';

export type Attributes = ReadonlyMap<string, string>;

type MatchKind = 'exact' | 'prefix' | 'suffix';

export type Filter =
  | { readonly kind: MatchKind; readonly entries: readonly (readonly [string, string])[] }
  | { readonly kind: 'attributes'; readonly entries: readonly (readonly [string, string])[] }
  | { readonly kind: 'all' | 'any'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter };

/** `none`: the filter is empty. */
type Verdict = 'pass' | 'fail' | 'none';

/** In the order of precedence when an object has several. */
const dialects = ['exact', 'prefix', 'suffix', 'all', 'any', 'not'] as const;
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

/** null for an empty filter. */
function readOne(part: Part, depth: number): Filter | null {
  if (depth > depthMost) {
    part.refuse(`wanted at most ${depthMost} levels of filters`);
    return null;
  }
  if (part.get('cesql').exists) {
    part.get('cesql').refuse(`CESQL is not supported by the local broker, wanted one of ${dialects.join(', ')}`);
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

/** null if one entry is invalid, which invalidates all of them; an empty value has a meaning in `filter.attributes` only. */
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

/** Attributes of the specification always exist, if need be as an empty text; an extension may be missing. */
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
