/**
 * The table of `kubectl get events` and `kubectl events`, of any version and with any columns, back to Events as far as it goes: ages
 * become times, no more exact than they were printed; there are no uids, and mostly no reporters.
 */
import type { Json } from '../../events/json.ts';
import type { Micros } from '../../events/observation.ts';
import { nameSuffixTime } from '../../events/time.ts';
import { kindOfName } from './kinds.ts';

interface Column {
  readonly name: string;
  readonly from: number;
}

/** The titles of columns, without blanks, in any version of kubectl. */
const titles: readonly string[] = [
  'NAMESPACE',
  'LASTSEEN',
  'FIRSTSEEN',
  'COUNT',
  'NAME',
  'KIND',
  'SUBOBJECT',
  'TYPE',
  'REASON',
  'OBJECT',
  'SOURCE',
  'MESSAGE',
];
const messageMax = 64 * 1_024;
/** What recorders put behind the object's name to name the Event. */
const suffix = /\.[0-9a-f]{13,16}$/;
/** Between the clock of the cluster and that of the printer. */
const clockSkew: Micros = 60_000_000;

export class EventsTable {
  readonly #columns: readonly Column[];
  readonly #printedAt: Micros;
  readonly #namespace: string;

  private constructor(columns: readonly Column[], printedAt: Micros, namespace: string) {
    this.#columns = columns;
    this.#printedAt = printedAt;
    this.#namespace = namespace;
  }

  /** Null where the line is no header of such a table. `namespace` is that of tables without such a column. */
  static open(header: string, printedAt: Micros, namespace: string): EventsTable | null {
    if (!header.includes('REASON') || !header.includes('MESSAGE')) return null;
    const columns: Column[] = [];
    for (const match of header.matchAll(/(?:LAST SEEN|FIRST SEEN|\S+)/g)) {
      const name = match[0].replace(' ', '');
      if (!titles.includes(name)) return null;
      columns.push({ name, from: match.index });
    }
    const has = (name: string) => columns.some((column) => column.name === name);
    return has('LASTSEEN') && has('REASON') && (has('OBJECT') || has('KIND')) ? new EventsTable(columns, printedAt, namespace) : null;
  }

  /** The Event of a row; null where the line is none. */
  row(line: string): Json | null {
    return this.#eventOf(this.#cellsByOffset(line)) ?? this.#eventOf(this.#cellsByGaps(line));
  }

  #eventOf(cells: ReadonlyMap<string, string> | null): Json | null {
    if (cells === null) return null;
    const cell = (name: string) => cells.get(name) ?? '';
    const seen = agesIn(cell('LASTSEEN'), cell('FIRSTSEEN'), cell('COUNT'));
    const involved = objectIn(cell('OBJECT'), cell('KIND'), cell('NAME').replace(suffix, ''));
    if (seen === null || involved === null || !/^\S+$/.test(cell('REASON'))) return null;
    const namespace = cell('NAMESPACE') || this.#namespace;
    const [, component = '', host = ''] = /^([^,]*)(?:, *(.*))?$/.exec(cell('SOURCE')) ?? [];
    const name = cell('KIND') === '' || suffix.test(cell('NAME')) ? cell('NAME') : '';
    const resolution = Math.max(seen.last.resolution, seen.first.resolution);
    const firstAt = this.#printedAt - seen.first.age - seen.first.resolution;
    const named = nameSuffixTime(name);
    // The name of an Event has its first time exactly; not where another one has borne the name before.
    const exact = named !== null && named >= firstAt - clockSkew && named <= firstAt + resolution + clockSkew ? named : null;
    const lastAt = this.#printedAt - seen.last.age - seen.last.resolution;
    return {
      kind: 'Event',
      metadata: {
        name,
        namespace,
        annotations: { 'knspan.input': 'table', 'knspan.time.resolution': `${resolution / 1_000_000}s` },
      },
      involvedObject: { ...involved, fieldPath: cell('SUBOBJECT') },
      type: cell('TYPE'),
      reason: cell('REASON'),
      message: cell('MESSAGE').slice(0, messageMax),
      source: { component, host },
      count: seen.count,
      firstTimestamp: stampOf(exact ?? firstAt),
      lastTimestamp: stampOf(seen.count === 1 ? (exact ?? lastAt) : lastAt),
    };
  }

  /** Columns begin where their titles do. Null where a row is wider than the titles, as those of a table that was followed. */
  #cellsByOffset(line: string): Map<string, string> | null {
    const cells = new Map<string, string>();
    for (const [index, { name, from }] of this.#columns.entries()) {
      if (from > 0 && from < line.length && line[from - 1] !== ' ') return null;
      cells.set(name, line.slice(from, this.#columns[index + 1]?.from).trim());
    }
    return cells;
  }

  /** Columns are divided by several blanks; a message may hold such too. */
  #cellsByGaps(line: string): Map<string, string> | null {
    const texts = line.trim().split(/ {2,}|\t/);
    const message = this.#columns.findIndex(({ name }) => name === 'MESSAGE');
    const behind = this.#columns.length - message - 1;
    if (texts.length < this.#columns.length) return null;
    const all = [...texts.slice(0, message), texts.slice(message, texts.length - behind).join('  '), ...texts.slice(texts.length - behind)];
    return new Map(this.#columns.map(({ name }, index) => [name, all[index] ?? '']));
  }
}

interface Age {
  /** Microseconds before the table was printed, at least. */
  readonly age: Micros;
  /** How much older it may be. */
  readonly resolution: Micros;
}

/** `3m12s`, and `3s (x5 over 10m)`. */
function agesIn(last: string, first: string, count: string): { last: Age; first: Age; count: number } | null {
  const [, lastText = '', times, over] = /^(\S+)(?: \(x(\d+) over (\S+)\))?$/.exec(last) ?? [];
  const lastAge = ageOf(lastText);
  if (lastAge === null) return null;
  const firstAge = ageOf(over ?? first);
  // Nothing can have begun after its last time.
  const began = firstAge !== null && firstAge.age >= lastAge.age ? firstAge : lastAge;
  return { last: lastAge, first: began, count: Math.max(1, Number(times ?? (/^\d{1,9}$/.test(count) ? count : 1))) };
}

const units: Readonly<Record<string, Micros>> = {
  y: 365 * 86_400_000_000,
  d: 86_400_000_000,
  h: 3_600_000_000,
  m: 60_000_000,
  s: 1_000_000,
};

/** Kubernetes prints an age in one or two units and cuts the rest. */
function ageOf(text: string): Age | null {
  if (!/^(?:\d{1,6}[ydhms]){1,3}$/.test(text)) return null;
  let age = 0;
  let resolution = 0;
  for (const [, number, unit] of text.matchAll(/(\d+)([ydhms])/g)) {
    resolution = units[unit ?? ''] ?? 0;
    age += Number(number) * resolution;
  }
  return { age, resolution };
}

/** `pod/web-1`; old tables have the kind in a column of its own, and the name of the Event or of the object in another. */
function objectIn(object: string, kind: string, name: string): { kind: string; name: string } | null {
  if (kind !== '') return { kind: kindOfName(kind), name };
  const [, prefix = '', rest = ''] = /^([A-Za-z][\w.-]*)(?:\/(\S+))?$/.exec(object) ?? [];
  return prefix === '' ? null : { kind: kindOfName(prefix), name: rest };
}

function stampOf(at: Micros): string {
  return new Date(at / 1_000).toISOString();
}
