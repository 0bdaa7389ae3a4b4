/** A trace with its spans, and the traces that it is linked with, in both directions. */
import type { Micros } from '../../events/observation.ts';
import type { Database } from '../database.ts';
import { flag, json, list, optional, type RowOf, rowOf, spanId, text, time } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { hyphenated } from '../write/identity.ts';
import { type Change, changeColumns, changeRow, changeTables } from './changes.ts';
import { at } from './filter.ts';
import { type Scope, visible } from './scope.ts';

const spanRow = rowOf({
  spanId,
  /** Null: the root. */
  parentId: optional(spanId),
  start: time,
  end: time,
  failed: flag,
  service: text,
  name: text,
  title: text,
  kind: text,
  namespace: text,
  object: text,
  objectUid: optional(text),
  phase: optional(text),
  reporter: optional(text),
  /** Why it is here. */
  rule: optional(text),
  evidence: optional(text),
  statusMessage: optional(text),
  /** All others. */
  attributes: json,
  /** Span events: `{ name, at, attributes }`, times in RFC 3339 with microseconds. */
  told: optional(list),
  /** `{ trace, span, attributes }` */
  links: optional(list),
});
export type TraceSpan = RowOf<typeof spanRow>;

export interface HistoryTrace {
  readonly trace: Change;
  /** Parents before children of later start; at most 10,000. */
  readonly spans: readonly TraceSpan[];
  /** That it links to, and that link to it. */
  readonly linked: readonly Change[];
}

const spansMax = 10_000;
const linkedMax = 100;

/** Null where there is none that the reader may see: not settled yet, or older than the retention. */
export async function readTrace(database: Database, scope: Scope, traceId: string): Promise<HistoryTrace | null> {
  const [trace] = await database.rows(changeRow, traceSql(scope, traceId));
  if (trace === undefined) return null;
  const [spans, linked] = await Promise.all([
    database.rows(spanRow, spansSql(scope, trace)),
    database.rows(changeRow, linkedTracesSql(scope, traceId)),
  ]);
  return { trace, spans, linked };
}

export function traceSql(scope: Scope, traceId: string): Sql {
  return sql`
    select ${changeColumns} from ${changeTables}
    where traces.trace_id = ${hyphenated(traceId)}::uuid and ${visible(scope, sql`traces`)}`;
}

/** The times of the trace tell in which days to look. A span without a namespace is of a trace that the reader sees. */
export function spansSql(
  scope: Scope,
  { traceId, start, end }: { readonly traceId: string; readonly start: Micros; readonly end: Micros },
): Sql {
  return sql`
    select
      span_id as "spanId", parent_id as "parentId", start, "end", failed, service, name, title, kind, namespace, object,
      object_uid as "objectUid", phase, reporter, rule, evidence, status_message as "statusMessage", attributes, told, links
    from history.spans as spans
    where spans.trace_id = ${hyphenated(traceId)}::uuid and spans.start >= ${at(start)} and spans.start <= ${at(end)}
      and (${visible(scope, sql`spans`)} or spans.namespace = '')
    order by spans.start, spans.parent_id nulls first, spans.span_id limit ${spansMax}`;
}

export function linkedTracesSql(scope: Scope, traceId: string): Sql {
  return sql`
    select ${changeColumns} from ${changeTables}
    where traces.trace_id in (
      select linked from history.trace_links where trace_id = ${hyphenated(traceId)}::uuid
      union select trace_id from history.trace_links where linked = ${hyphenated(traceId)}::uuid
    ) and ${visible(scope, sql`traces`)}
    order by traces.start, traces.trace_id limit ${linkedMax}`;
}
