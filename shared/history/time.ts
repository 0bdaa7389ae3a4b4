/** Microseconds since 1970 to the text that PostgreSQL takes for a `timestamptz`, and back. A `Date` would cut them to milliseconds. */
import type { Micros } from '../events/observation.ts';

const microsPerSecond = 1_000_000;

export function timeText(at: Micros): string {
  const seconds = Math.floor(at / microsPerSecond);
  const fraction = String(at - seconds * microsPerSecond).padStart(6, '0');
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** Of PostgreSQL's ISO style, in any time zone: `2026-11-20 20:42:53.58197+01`. Null for anything else, such as `infinity`. */
export function parseTime(text: string): Micros | null {
  const parts = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?([+-]\d{2})(?::(\d{2}))?$/.exec(text);
  if (!parts) return null;
  const [, date, time, fraction = '', hours, minutes = '00'] = parts;
  const millis = Date.parse(`${date}T${time}${hours}:${minutes}`);
  return Number.isNaN(millis) ? null : millis * 1_000 + Number(fraction.padEnd(6, '0'));
}

/** The day of a time in UTC: `20261120`. */
export function dayOf(at: Micros): string {
  return timeText(at).slice(0, 10).replaceAll('-', '');
}
