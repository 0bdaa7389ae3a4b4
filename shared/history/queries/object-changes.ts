/** The changes of an object: those that began on it, and those whose spans tell of it. And its phases, for the bar of its life. */
import type { Database } from '../database.ts';
import { flag, int, optional, type RowOf, rowOf, spanId, text, time, traceId } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { type Change, changeColumns, changeRow, changeTables } from './changes.ts';
import { at, type Range } from './filter.ts';
import { type Scope, visible } from './scope.ts';

const tracesMax = 1_000;
const phasesMax = 2_000;

/** The latest first. */
export function changesOfObject(database: Database, scope: Scope, uid: string, range: Range, limit: number): Promise<Change[]> {
  return database.rows(changeRow, changesOfObjectSql(scope, uid, range, limit));
}

export function changesOfObjectSql(scope: Scope, uid: string, { from, to }: Range, limit: number): Sql {
  return sql`
    select ${changeColumns} from ${changeTables}
    where traces.trace_id in (
      select trace_id from history.traces where root_uid = ${uid}::uuid and "end" >= ${at(from)} and start < ${at(to)}
      union
      (select trace_id from history.spans where object_uid = ${uid}::uuid and start >= ${at(from)} and start < ${at(to)}
       group by trace_id order by max(start) desc limit ${tracesMax})
    ) and ${visible(scope, sql`traces`)}
    order by traces."end" desc, traces.trace_id desc limit ${limit}`;
}

const phaseRow = rowOf({
  phase: text,
  start: time,
  end: time,
  title: text,
  failed: flag,
  traceId,
  spanId,
  container: optional(text),
  uncertaintyMs: optional(int),
});
export type ObjectPhase = RowOf<typeof phaseRow>;

/** Spans with a phase, the earliest first. */
export function phasesOfObject(database: Database, scope: Scope, uid: string, range: Range): Promise<ObjectPhase[]> {
  return database.rows(phaseRow, phasesOfObjectSql(scope, uid, range));
}

export function phasesOfObjectSql(scope: Scope, uid: string, { from, to }: Range): Sql {
  return sql`
    select
      spans.phase, spans.start, spans."end", spans.title, spans.failed, spans.trace_id as "traceId", spans.span_id as "spanId",
      spans.attributes ->> 'k8s.container.name' as container, (spans.attributes ->> 'knspan.time.uncertainty_ms')::integer as "uncertaintyMs"
    from history.spans as spans
    where spans.object_uid = ${uid}::uuid and spans.start >= ${at(from)} and spans.start < ${at(to)} and spans.phase is not null
      and spans.parent_id is not null and ${visible(scope, sql`spans`)}
    order by spans.start, spans.span_id limit ${phasesMax}`;
}
