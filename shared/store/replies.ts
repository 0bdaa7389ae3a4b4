/** Replies of Redis, which are of any type, as what they must be. */

export function listOf(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw new TypeError(`Cannot read a reply of Redis: wanted a list, found ${typeof reply}`);
}

export function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply;
  throw new TypeError(`Cannot read a reply of Redis: wanted a text, found ${typeof reply}`);
}

export function numberOf(reply: unknown): number {
  const number = typeof reply === 'string' && reply !== '' ? Number(reply) : reply;
  if (typeof number === 'number' && !Number.isNaN(number)) return number;
  throw new TypeError(`Cannot read a reply of Redis: wanted a number, found ${typeof reply}`);
}

/** '' and nil are null. */
export function numberOrNull(reply: unknown): number | null {
  return reply === '' || reply === null || reply === undefined ? null : numberOf(reply);
}
