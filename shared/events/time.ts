/** Times as Kubernetes writes them: RFC 3339 stamps, the nanoseconds in an Event's name, Go durations. */
import type { Micros } from './observation.ts';

/** Times outside these years come from broken clocks or zero values. */
export const earliestTime: Micros = Date.UTC(2006, 0, 1) * 1_000;
export const latestTime: Micros = Date.UTC(2100, 0, 1) * 1_000;

/** RFC 3339 with up to 9 digits of fraction; null if it is not one, or an absurd one. */
export function parseTimestamp(text: unknown): Micros | null {
  if (typeof text !== 'string' || text.length > 40) return null;
  const parts = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  if (!parts) return null;
  const millis = Date.parse(`${parts[1]}${parts[3]}`);
  if (Number.isNaN(millis)) return null;
  const micros = Number((parts[2] ?? '').padEnd(6, '0').slice(0, 6));
  return plausible(millis * 1_000 + micros);
}

/** The time in an Event's name as recorders write it: `<object name>.<hex of Unix nanoseconds>`. */
export function nameSuffixTime(name: string): Micros | null {
  const suffix = /\.([0-9a-f]{16})$/.exec(name)?.[1];
  return suffix === undefined ? null : plausible(Number(BigInt(`0x${suffix}`) / 1_000n));
}

const goUnits: Readonly<Record<string, number>> = {
  h: 3_600_000_000,
  m: 60_000_000,
  s: 1_000_000,
  ms: 1_000,
  µs: 1,
  μs: 1,
  us: 1,
  ns: 0.001,
};

/** A Go duration (`1m2.5s`, `893.5ms`) in microseconds; null if it is not one. */
export function goDurationMicros(text: string): Micros | null {
  if (text.length > 60 || !/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|µs|μs|us|ns))+$/.test(text)) return null;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|µs|μs|us|ns)/g))
    sum += Number(number) * (goUnits[unit ?? ''] ?? 0);
  return Math.round(sum);
}

function plausible(at: Micros): Micros | null {
  return at >= earliestTime && at < latestTime ? at : null;
}
