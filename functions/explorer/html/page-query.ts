/**
 * The query string of a page: all state is in it, so that a link shows another person the same. Unknown parameters and values that cannot
 * be are refused with a sentence; links to other states of the page are made from what was read.
 */

import type { Result } from '../../../shared/events/json.ts';
import type { Micros } from '../../../shared/events/observation.ts';
import { parseTimestamp } from '../../../shared/events/time.ts';
import type { ChangeFilter } from '../../../shared/history/queries/changes.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';
import { timeText } from '../../../shared/history/time.ts';
import { toMs } from '../../../shared/process/settings.ts';
import { Zone } from './zone.ts';

/** Of all pages; each says which it takes. */
export const filterParameters = ['cluster', 'ns', 'kind', 'name', 'change', 'outcome', 'by', 'q', 'failed', 'deleted'] as const;
export const rangeParameters = ['from', 'to', 'tz'] as const;

export interface PageQuery {
  readonly path: string;
  /** As given, known ones alone. */
  readonly parameters: URLSearchParams;
  readonly filter: ChangeFilter;
  readonly failedOnly: boolean;
  readonly withDeleted: boolean;
  readonly range: Range;
  /** Ends now: it moves with time. */
  readonly isRelative: boolean;
  readonly zone: Zone;
  readonly now: Micros;
}

/** Values of parameters: a text, several, or none. */
export type Changes = Readonly<Record<string, string | readonly string[] | null>>;

const hourMicros = 3_600_000_000;
const yearMicros = 366 * 24 * hourMicros;
const valueMax = 500;
/** All headers together have 16 KiB. */
const sqlMax = 8_000;
const valuesMax = 50;
const defaultFrom = '-24h';
/** The furthest that a range may end ahead: the last bar of a histogram is at most a week. */
const aheadMax = 8 * 24 * hourMicros;

export function readPageQuery(path: string, search: string, known: readonly string[], now: Micros): Result<PageQuery> {
  const given = new URLSearchParams(search);
  const parameters = new URLSearchParams([...given].filter(([, value]) => value !== ''));
  const unknown = [...given.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) return refuse(`Cannot use parameter '${unknown.slice(0, 50)}': this page knows ${known.join(', ')}`);
  const control = [...parameters].find(([name, value]) => (name === 'sql' ? /\u0000/ : /[\u0000-\u001f]/).test(value));
  if (control) return refuse(`Cannot use parameter '${control[0]}': wanted a text without control characters`);
  const long = [...parameters].find(([name, value]) => value.length > (name === 'sql' ? sqlMax : valueMax));
  if (long)
    return refuse(
      `Cannot use parameter '${long[0]}': it has ${long[1].length} characters, wanted at most ${long[0] === 'sql' ? sqlMax : valueMax}`,
    );
  if ([...parameters].length > valuesMax) return refuse(`Cannot use so many parameters: wanted at most ${valuesMax}`);
  for (const name of ['failed', 'deleted']) {
    const value = parameters.get(name);
    if (value !== null && value !== '1' && value !== '0') return refuse(`Cannot use ${name} '${value.slice(0, 50)}': wanted 1 or 0`);
  }
  const zone = parameters.has('tz') ? Zone.of(parameters.get('tz') ?? '') : Zone.own;
  if (zone === null)
    return refuse(`Cannot use time zone '${parameters.get('tz')?.slice(0, 64)}': wanted a name such as Europe/Berlin or UTC`);
  const range = rangeOf(parameters, now);
  if (!range.ok) return range;
  const failedOnly = parameters.get('failed') === '1';
  return {
    ok: true,
    value: {
      path,
      parameters,
      filter: filterOf(parameters),
      failedOnly,
      withDeleted: parameters.get('deleted') !== '0',
      ...range.value,
      zone,
      now,
    },
  };
}

function rangeOf(parameters: URLSearchParams, now: Micros): Result<Pick<PageQuery, 'range' | 'isRelative'>> {
  const [fromText, toText] = [parameters.get('from') ?? defaultFrom, parameters.get('to')];
  const from = timeOf(fromText, now);
  const to = toText === null ? now : timeOf(toText, now);
  const wanted = 'a time such as 2026-11-26T12:00:00Z, or one before now such as -90m, -24h or -7d';
  if (from === null) return refuse(`Cannot use from '${fromText.slice(0, 50)}': wanted ${wanted}`);
  if (to === null) return refuse(`Cannot use to '${toText?.slice(0, 50)}': wanted ${wanted}`);
  if (from >= to)
    return refuse(`Cannot use range: it ends at ${timeText(to)}, before it begins at ${timeText(from)}, wanted from before to`);
  if (to - from > yearMicros) return refuse('Cannot use range: it is longer than a year, wanted at most 366 days');
  if (to > now + aheadMax) return refuse(`Cannot use to '${toText?.slice(0, 50)}': it lies ahead, wanted at most now`);
  return { ok: true, value: { range: { from, to }, isRelative: toText === null && fromText.startsWith('-') } };
}

/** RFC 3339, or before now. */
export function timeOf(text: string, now: Micros): Micros | null {
  const [, count = '', unit = ''] = /^-(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== '') return now - (unit === 'd' ? Number(count) * 24 * hourMicros : toMs(`${count}${unit}`) * 1_000);
  const at = parseTimestamp(text);
  return at !== null && at >= 0 ? at : null;
}

/** Words such as `ns:checkout` in the free text are filters. */
function filterOf(parameters: URLSearchParams): ChangeFilter {
  const words = (parameters.get('q') ?? '').split(/\s+/).filter((word) => word !== '');
  const written = words.flatMap((word) => {
    const [, key = '', value = ''] = /^(cluster|ns|kind|name|change|outcome|by):(\S+)$/.exec(word) ?? [];
    return key === '' ? [] : [{ word, key, value }];
  });
  const all = (name: string) => {
    const values = [...parameters.getAll(name), ...written.filter(({ key }) => key === name).map(({ value }) => value)];
    return values.length === 0 ? undefined : values;
  };
  const search = words.filter((word) => !written.some((one) => one.word === word)).join(' ');
  const fields = {
    clusters: all('cluster'),
    namespaces: all('ns')?.map((value) => (value === '-' ? '' : value)),
    kinds: all('kind'),
    name: all('name')?.[0],
    changes: all('change'),
    outcomes: parameters.get('failed') === '1' ? ['failed', 'failing'] : all('outcome'),
    actors: all('by'),
    search: search === '' ? undefined : search,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The page with some parameters changed; where it has more than one page of rows, from the first. */
export function linkTo({ path, parameters }: Pick<PageQuery, 'path' | 'parameters'>, changes: Changes = {}): string {
  const next = new URLSearchParams(parameters);
  next.delete('before');
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const one of value === null ? [] : typeof value === 'string' ? [value] : value) next.append(name, one);
  }
  const text = next.toString().replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%2C', ',');
  return text === '' ? path : `${path}?${text}`;
}

/** Another page, with those of the parameters that it shares. */
export function linkToPage(
  { parameters }: Pick<PageQuery, 'parameters'>,
  path: string,
  shared: readonly string[],
  changes: Changes = {},
): string {
  const kept = new URLSearchParams([...parameters].filter(([name]) => shared.includes(name)));
  return linkTo({ path, parameters: kept }, changes);
}

/** As a parameter: whole seconds are enough for a person, microseconds for a cursor. */
export function timeParameter(at: Micros): string {
  return timeText(at).replace(/\.?0+Z$/, 'Z');
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
