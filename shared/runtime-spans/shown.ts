/** What views need to know of runtime spans in a trace: which they are, and when they really were. */
import type { Micros } from '../events/observation.ts';
import { parseTimestamp } from '../events/time.ts';
import type { Span } from '../spans/span.ts';

export const originalTraceKey = 'knspan.runtime.trace_id';
export const originalSpanKey = 'knspan.runtime.span_id';
export const clippedKey = 'knspan.runtime.clipped';
export const startKey = 'knspan.runtime.start';
export const endKey = 'knspan.runtime.end';
export const foldedKey = 'knspan.runtime.folded';

/** A copy of a runtime span, or what stands for several. */
export function isRuntimeSpan({ attributes }: Pick<Span, 'attributes'>): boolean {
  return attributes[originalTraceKey] !== undefined || attributes[foldedKey] !== undefined;
}

/** Stands for spans of which none has a copy. */
export function isRuntimeFold({ attributes }: Pick<Span, 'attributes'>): boolean {
  return attributes[originalTraceKey] === undefined && attributes[foldedKey] !== undefined;
}

/** With those that are folded. */
export function runtimeSpansIn(spans: readonly Pick<Span, 'attributes'>[]): number {
  const countOf = (span: Pick<Span, 'attributes'>) => Number(span.attributes[foldedKey] ?? 0) + (isRuntimeFold(span) ? 0 : 1);
  return spans.filter(isRuntimeSpan).reduce((sum, span) => sum + countOf(span), 0);
}

/** Those of the original where the copy was cut at the edge of its parent. */
export function trueTimes({ attributes, start, end }: Pick<Span, 'attributes' | 'start' | 'end'>): { start: Micros; end: Micros } {
  return { start: parseTimestamp(attributes[startKey]) ?? start, end: parseTimestamp(attributes[endKey]) ?? end };
}

const beginning = ['runtime.edit', 'runtime.create', 'runtime.scale', 'runtime.delete', 'runtime.binding'];

/** The request that an action of the trace was, worth a row however short it is. */
export function beginsAction({ attributes }: Pick<Span, 'attributes'>): boolean {
  return beginning.includes(String(attributes['knspan.rule'] ?? ''));
}
