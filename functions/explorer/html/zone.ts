/** Times in a zone, as people read them, and where the ticks of a time axis stand. */
import type { Micros } from '../../../shared/events/observation.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';

export interface Tick {
  readonly at: Micros;
  readonly label: string;
}

const second = 1_000_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const steps = [1, 2, 5, 10, 15, 30]
  .flatMap((count) => [count * second])
  .concat(
    [1, 2, 5, 10, 15, 30].map((count) => count * minute),
    [1, 2, 3, 6, 12].map((count) => count * hour),
    [1, 2, 7, 14, 28, 56, 112, 365].map((count) => count * day),
  );

export class Zone {
  /** IANA name. */
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;

  private constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-GB', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'short',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  }

  /** Null: there is no such zone. */
  static of(name: string): Zone | null {
    try {
      return /^[A-Za-z0-9_+/-]{1,64}$/.test(name) ? new Zone(name) : null;
    } catch {
      return null;
    }
  }

  static readonly own: Zone = Zone.of(new Intl.DateTimeFormat().resolvedOptions().timeZone) ?? new Zone('UTC');

  /** `Berlin`, of `Europe/Berlin`. */
  get city(): string {
    return (this.name.split('/').at(-1) ?? this.name).replaceAll('_', ' ');
  }

  /** `26 Nov 2026` */
  date(at: Micros): string {
    const { day, month, year } = this.#parts(at);
    return `${day} ${month} ${year}`;
  }

  /** `26 Nov` */
  shortDate(at: Micros): string {
    const { day, month } = this.#parts(at);
    return `${day} ${month}`;
  }

  /** `12:03:04` */
  clock(at: Micros): string {
    const { hour, minute, second } = this.#parts(at);
    return `${hour}:${minute}:${second}`;
  }

  /** `12:03:04.118` */
  exact(at: Micros): string {
    return `${this.clock(at)}.${String(Math.floor(at / 1_000) % 1_000).padStart(3, '0')}`;
  }

  /** The time of day alone on the day of `now`, else with its day. */
  brief(at: Micros, now: Micros): string {
    return this.date(at) === this.date(now) ? this.clock(at) : `${this.shortDate(at)} ${this.clock(at)}`;
  }

  /** `26 Nov 2026 12:03:04` */
  full(at: Micros): string {
    return `${this.date(at)} ${this.clock(at)}`;
  }

  /** At round times of the zone, at most so many. */
  ticks({ from, to }: Range, most: number): Tick[] {
    const step = steps.find((one) => (to - from) / one <= most) ?? steps.at(-1) ?? day;
    const offset = this.#offset(from);
    const ticks: Tick[] = [];
    for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to && ticks.length <= most; at += step)
      ticks.push({ at, label: this.#tickLabel(at, step) });
    return ticks;
  }

  #tickLabel(at: Micros, step: number): string {
    const clock = this.clock(at);
    if (step >= day) return this.shortDate(at);
    if (step < minute) return clock;
    return clock.startsWith('00:00') ? this.shortDate(at) : clock.slice(0, 5);
  }

  /** From UTC, in microseconds. */
  #offset(at: Micros): number {
    const { day, month, year, hour, minute, second: seconds } = this.#parts(at);
    const local = Date.parse(`${day} ${month} ${year} ${hour}:${minute}:${seconds} UTC`);
    return (local - Math.floor(at / second) * 1_000) * 1_000;
  }

  #parts(at: Micros): Record<'day' | 'month' | 'year' | 'hour' | 'minute' | 'second', string> {
    const parts = { day: '', month: '', year: '', hour: '', minute: '', second: '' };
    for (const { type, value } of this.#format.formatToParts(at / 1_000)) if (type in parts) Object.assign(parts, { [type]: value });
    return parts;
  }
}
