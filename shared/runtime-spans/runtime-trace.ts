/** The kept spans of one runtime trace, put together from all requests that brought a part of it. */
import { isHandler, isTaskWait, requestOf, runtimeCallOf } from './classify.ts';
import type { RuntimeSpan } from './runtime-span.ts';

const depthMost = 64;

export interface RuntimeTrace {
  readonly traceId: string;
  /** By start, the longer first. */
  readonly spans: readonly RuntimeSpan[];
  /** By the id of the parent; what has no parent here stands under the empty id. */
  readonly children: ReadonlyMap<string, readonly RuntimeSpan[]>;
  readonly byId: ReadonlyMap<string, RuntimeSpan>;
}

/** The same spans give the same trace in any order and with any repetitions. */
export function traceOf(traceId: string, spans: readonly RuntimeSpan[]): RuntimeTrace {
  const byId = new Map<string, RuntimeSpan>();
  for (const span of spans) {
    const known = byId.get(span.spanId);
    if (known === undefined || JSON.stringify(span) < JSON.stringify(known)) byId.set(span.spanId, span);
  }
  const sorted = [...byId.values()].sort(inTime);
  const children = new Map<string, RuntimeSpan[]>();
  for (const span of sorted) {
    const parent = isUnder(span, byId) ? span.parentSpanId : '';
    const list = children.get(parent);
    if (list) list.push(span);
    else children.set(parent, [span]);
  }
  return { traceId, spans: sorted, children, byId };
}

export function tracesOf(spans: readonly RuntimeSpan[]): RuntimeTrace[] {
  return [...Map.groupBy(spans, (span) => span.traceId)].map(([traceId, own]) => traceOf(traceId, own));
}

export function inTime(a: RuntimeSpan, b: RuntimeSpan): number {
  return a.start - b.start || b.end - a.end || (a.spanId < b.spanId ? -1 : a.spanId > b.spanId ? 1 : 0);
}

/**
 * A span that tells the same work a second time: the server's half of a call to the runtime below the client's half, the handler inside
 * of the request that it handles, the shim's wait for a container. What it adds are attributes and children.
 */
export function isSecondHalf(span: RuntimeSpan, parent: RuntimeSpan): boolean {
  if (isTaskWait(parent)) return span.name.endsWith('Task/Wait');
  if (runtimeCallOf(span) !== '') return span.name === parent.name && span.kind === 'server';
  return isHandler(span) && requestOf(parent) !== null;
}

/** Parents may be in no request, name each other in a circle, or stand on each other higher than any real call does. */
function isUnder(span: RuntimeSpan, byId: ReadonlyMap<string, RuntimeSpan>): boolean {
  if (!byId.has(span.parentSpanId)) return false;
  let depth = 0;
  for (let at: RuntimeSpan | undefined = span; at; at = byId.get(at.parentSpanId)) {
    depth += 1;
    if (depth > depthMost) return false;
  }
  return true;
}
