/** The step of a histogram: as asked for, or so that the bars are as many as one can tell apart. */
import type { Micros } from '../../../shared/events/observation.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';

const second = 1_000_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export const steps = { auto: 0, '1m': minute, '10m': 10 * minute, '1h': hour, '1d': day } as const;
/** Divisors and multiples of an hour. */
const automatic = [
  second,
  5 * second,
  10 * second,
  30 * second,
  minute,
  5 * minute,
  10 * minute,
  30 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  7 * day,
];
const barsMost = 150;
const bucketsMax = 2_000;

/** Null: there is no such step. */
export function stepOf(text: string | null, range: Range): Micros | null {
  const asked = Object.entries(steps).find(([name]) => name === (text ?? 'auto'))?.[1];
  if (asked === undefined) return null;
  if (asked !== 0) return asked;
  return automatic.find((step) => (range.to - range.from) / step <= barsMost) ?? 7 * day;
}

export function isTooFine(step: Micros, { from, to }: Range): boolean {
  return (to - from) / step > bucketsMax;
}

/** Widened to whole steps, so that the first and the last bar count all that is in them. */
export function wholeSteps({ from, to }: Range, step: Micros): Range {
  return { from: Math.floor(from / step) * step, to: Math.ceil(to / step) * step };
}
