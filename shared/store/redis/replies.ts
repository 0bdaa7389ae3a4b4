/** Replies of Redis, checked and typed; numbers in Redis' form. */

export function listOf(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw new TypeError(`Cannot read a reply of Redis: wanted a list, found ${typeof reply}`);
}

export function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply;
  throw new TypeError(`Cannot read a reply of Redis: wanted text, found ${typeof reply}`);
}

/** Redis writes the infinite as inf. */
const infinite: Readonly<Record<string, number>> = { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY };

export function numberOf(reply: unknown): number {
  const number = typeof reply === 'string' && reply !== '' ? (infinite[reply] ?? Number(reply)) : reply;
  if (typeof number === 'number' && !Number.isNaN(number)) return number;
  throw new TypeError(`Cannot read a reply of Redis: wanted a number, found ${typeof reply}`);
}

/** '' and nil are null. */
export function numberOrNull(reply: unknown): number | null {
  return reply === '' || reply === null || reply === undefined ? null : numberOf(reply);
}

/** The list in pairs. */
export function pairs<T>(list: readonly T[]): [T, T][] {
  const found: [T, T][] = [];
  for (let index = 0; index + 1 < list.length; index += 2) {
    const [one, other] = [list[index], list[index + 1]];
    if (one !== undefined && other !== undefined) found.push([one, other]);
  }
  return found;
}

export function inParts<T>(list: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / most) }, (_, part) => list.slice(part * most, (part + 1) * most));
}

export function score(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '+inf' : value === Number.NEGATIVE_INFINITY ? '-inf' : String(value);
}

/** A time to live for Redis: whole milliseconds, at least 1. */
export function lifetime(ms: number): number {
  return Math.max(1, Math.ceil(ms));
}
