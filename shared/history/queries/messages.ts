/** What the Events of a short range say, the same messages together: what a bar of the histogram shows. */
import type { Database } from '../database.ts';
import { flag, int, type RowOf, rowOf, text } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { eventFilter } from './event-filter.ts';
import { at, type Filter, type Range } from './filter.ts';
import type { Scope } from './scope.ts';

const messageRow = rowOf({ failed: flag, reason: text, message: text, kind: text, events: int, objects: int });
type MessageRow = RowOf<typeof messageRow>;

/** Messages that differ in names, numbers and ids only. */
export interface MessageShape {
  readonly failed: boolean;
  readonly reason: string;
  /** With `…` for what differs. */
  readonly shape: string;
  /** One of them. */
  readonly example: string;
  readonly kind: string;
  readonly events: number;
}

const messagesMax = 2_000;

/** Failures first, then the most frequent. */
export async function messageShapes(
  database: Database,
  scope: Scope,
  filter: Filter,
  range: Range,
  limit: number,
): Promise<MessageShape[]> {
  const { condition } = await eventFilter(database, scope, filter);
  const rows = await database.rows(messageRow, messagesSql(condition, range), { timeoutMs: 2_000 });
  const shapes = new Map<string, MessageShape>();
  for (const row of rows) {
    const shape = shapeOf(row.message);
    const key = JSON.stringify([row.failed, row.reason, row.kind, shape]);
    const known = shapes.get(key);
    shapes.set(key, known ? { ...known, events: known.events + row.events } : toShape(row, shape));
  }
  return [...shapes.values()].sort((a, b) => Number(b.failed) - Number(a.failed) || b.events - a.events).slice(0, limit);
}

export function messagesSql(condition: Sql, range: Range): Sql {
  return sql`
    select failed, reason, left(message, 500) as message, kind, count(*) as events, count(distinct object_uid) as objects
    from history.events as events
    where events.at >= ${at(range.from)} and events.at < ${at(range.to)} and ${condition}
    group by 1, 2, 3, 4 order by failed desc, events desc limit ${messagesMax}`;
}

function toShape({ failed, reason, message, kind, events }: MessageRow, shape: string): MessageShape {
  return { failed, reason, shape, example: message, kind, events };
}

/** Without what is another one for each object: numbers, hashes, ids, and the random endings of names. */
export function shapeOf(message: string): string {
  return message
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '…')
    .replaceAll(/\b(?:sha256:)?[0-9a-f]{12,}\b/gi, '…')
    .replaceAll(/(?<=-)(?:[a-z0-9]{8,10}-)?[bcdf-hj-np-tv-z2456789]{5}(?![a-z0-9])/g, '…')
    .replaceAll(/\d+(?:\.\d+)*/g, '…');
}
