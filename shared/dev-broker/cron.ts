/** The schedule of a PingSource: cron with five fields, or six with seconds in front, and the descriptors such as @hourly. */
import type { Result } from '../events/json.ts';

export interface Cron {
  /** The first time after this one, both in milliseconds since 1970; null when there is none within five years. */
  next(after: number): number | null;
}

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** For months and days of the week, from `least` on. */
  readonly words?: readonly string[];
}

interface Chosen {
  readonly values: ReadonlySet<number>;
  /** Whether it was left open, by `*` or `?`: of the two kinds of day only those then count that were not. */
  readonly open: boolean;
}

interface LocalTime {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const fields: readonly Field[] = [
  { name: 'second', least: 0, most: 59 },
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of the month', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { name: 'day of the week', least: 0, most: 6, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const searchMost = 5 * 366 * 24 * hour;

class Refusal extends Error {}

export function parseCron(text: string, timezone = 'UTC'): Result<Cron> {
  try {
    const written = (Object.hasOwn(descriptors, text.trim()) ? (descriptors[text.trim()] ?? '') : text).trim().split(/\s+/);
    if (written.length !== 5 && written.length !== 6)
      throw new Refusal(`wanted 5 fields, or 6 with seconds, or one of ${Object.keys(descriptors).join(', ')}`);
    const whole = written.length === 5 ? ['0', ...written] : written;
    const sets = fields.map((field, index) => parseField(whole[index] ?? '', field));
    return { ok: true, value: new Schedule(sets, localTimes(timezone)) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, reason: `Cannot read the schedule '${text.slice(0, 100)}': ${error.message}` };
  }
}

class Schedule implements Cron {
  readonly #sets: readonly Chosen[];
  readonly #local: (at: number) => LocalTime;

  constructor(sets: readonly Chosen[], local: (at: number) => LocalTime) {
    this.#sets = sets;
    this.#local = local;
  }

  /** Goes by hours, then minutes, then seconds to the first time that fits; so no change of the clocks makes it miss one. */
  next(after: number): number | null {
    const most = after + searchMost;
    let at = Math.floor(after / second) * second + second;
    while (at <= most) {
      const time = this.#local(at);
      if (!this.#isDay(time) || !this.#has(2, time.hour)) at += hour - time.minute * minute - time.second * second;
      else if (!this.#has(1, time.minute)) at += minute - time.second * second;
      else if (!this.#has(0, time.second)) at += second;
      else return at;
    }
    return null;
  }

  #has(field: number, value: number): boolean {
    return this.#sets[field]?.values.has(value) ?? false;
  }

  /** When both kinds of day are given one of them is enough. */
  #isDay(time: LocalTime): boolean {
    if (!this.#has(4, time.month)) return false;
    const ofMonth = this.#has(3, time.day);
    const ofWeek = this.#has(5, time.weekday);
    return this.#sets[3]?.open || this.#sets[5]?.open ? ofMonth && ofWeek : ofMonth || ofWeek;
  }
}

function parseField(text: string, field: Field): Chosen {
  const values = new Set<number>();
  let open = false;
  for (const item of text.split(',')) {
    const [range = '', stepText, ...more] = item.split('/');
    const step = stepText === undefined ? 1 : number(stepText, field, 1, field.most + 1);
    if (more.length > 0) throw wanted(field, item);
    const any = range === '*' || range === '?';
    if (any && step === 1) open = true;
    const [from, to] = any ? [field.least, field.most] : rangeOf(range, field, stepText !== undefined);
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return { values, open };
}

/** `a`, `a-b`, and `a/n`, which counts from a to the end. */
function rangeOf(text: string, field: Field, isStepped: boolean): [number, number] {
  const [first = '', last, ...more] = text.split('-');
  if (more.length > 0) throw wanted(field, text);
  const from = number(first, field, field.least, field.most);
  const to = last === undefined ? (isStepped ? field.most : from) : number(last, field, field.least, field.most);
  if (to < from) throw wanted(field, text);
  return [from, to];
}

function number(text: string, field: Field, least: number, most: number): number {
  const word = field.words?.indexOf(text.toLowerCase()) ?? -1;
  const value = word >= 0 ? word + field.least : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw wanted(field, text);
}

function wanted(field: Field, found: string): Refusal {
  return new Refusal(`wanted a ${field.name} from ${field.least} to ${field.most}, found '${found}'`);
}

function localTimes(timezone: string): (at: number) => LocalTime {
  if (timezone === 'UTC' || timezone === '') return utcTime;
  let format: Intl.DateTimeFormat;
  try {
    const numeric = { month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, hourCycle: 'h23', year: 'numeric', ...numeric });
  } catch {
    throw new Refusal(`wanted an IANA time zone, found '${timezone.slice(0, 60)}'`);
  }
  return (at) => {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 0, day = 0 } = part;
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
    return { month, day, weekday, hour: part['hour'] ?? 0, minute: part['minute'] ?? 0, second: part['second'] ?? 0 };
  };
}

function utcTime(at: number): LocalTime {
  const date = new Date(at);
  return {
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}
