/**
 * Events by name and by free text. Names are looked up among the objects first: their index is small, and the Events of an object are
 * found by its uid. A free text that is the beginning of an object's name is such a name; in quotation marks it is searched in messages.
 */
import type { Database } from '../database.ts';
import { rowOf, text } from '../row.ts';
import { allOf, type Sql, sql } from '../sql.ts';
import { contains, type Filter, nameIs, placeIs } from './filter.ts';
import type { Scope } from './scope.ts';

export interface EventFilter {
  /** On the table or alias `events`. */
  readonly condition: Sql;
  /** What the free text was taken for; null: there was none. */
  readonly searched: 'objects' | 'messages' | null;
  /** True: the hours are enough to count by. */
  readonly isPlace: boolean;
}

const objectsMax = 1_000;
const uidRow = rowOf({ uid: text });
const events = sql`events`;

export async function eventFilter(database: Database, scope: Scope, filter: Filter, failedOnly = false): Promise<EventFilter> {
  const place = placeIs(filter, scope, events);
  const conditions = [place, ...(failedOnly ? [sql`events.failed`] : [])];
  const { name, search } = filter;
  if (name === undefined && search === undefined) return { condition: allOf(conditions), searched: null, isPlace: true };
  if (name !== undefined) conditions.push((await objectsCalled(database, scope, filter, name)) ?? nameIs(filter, events));
  if (search === undefined) return { condition: allOf(conditions), searched: null, isPlace: false };
  const quoted = /^"(.*)"$/.exec(search)?.[1];
  const objects = quoted === undefined && isName(search) ? await objectsCalled(database, scope, filter, search) : null;
  if (objects !== null) return { condition: allOf([...conditions, objects]), searched: 'objects', isPlace: false };
  conditions.push(sql`events.message ilike ${contains(quoted ?? search)}`);
  return { condition: allOf(conditions), searched: 'messages', isPlace: false };
}

/** Shorter ones and words of a sentence are hardly meant as names. */
function isName(search: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{2,252}\*?$/.test(search);
}

/** Null where there are none, or too many to list. */
async function objectsCalled(database: Database, scope: Scope, filter: Filter, name: string): Promise<Sql | null> {
  const rows = await database.rows(uidRow, objectUidsSql(scope, { ...filter, name }));
  const isListed = name === filter.name ? rows.length <= objectsMax : rows.length > 0 && rows.length <= objectsMax;
  return isListed ? sql`events.object_uid = any(${rows.map(({ uid }) => uid)}::uuid[])` : null;
}

export function objectUidsSql(scope: Scope, filter: Filter): Sql {
  const objects = sql`objects`;
  return sql`
    select uid from history.objects as objects
    where ${nameIs(filter, objects)} and ${placeIs(filter, scope, objects)}
    limit ${objectsMax + 1}`;
}
