/** Puts runtime spans from files into the traces of a replay. */
import { copiesByTrace } from '../runtime-spans/index.ts';
import type { RuntimeTrace } from '../runtime-spans/runtime-trace.ts';
import { outlineOf } from '../runtime-spans/trace-outline.ts';
import type { Segment } from '../spans/span.ts';

export interface JoinedSegment {
  readonly segment: Segment;
  /** The same with its runtime spans. */
  readonly joined: Segment;
}

/** `budget`: runtime spans per trace; 0: no limit. Late Events of a trace are a segment of their own; the first segment gets the spans. */
export function withRuntimeSpans(segments: readonly Segment[], traces: readonly RuntimeTrace[], budget: number): JoinedSegment[] {
  const whole = [...Map.groupBy(segments, ({ traceId }) => traceId).values()].flatMap(([first, ...late]) =>
    first === undefined ? [] : [{ ...first, spans: [first, ...late].flatMap(({ spans }) => spans) }],
  );
  const copies = copiesByTrace(whole.map(outlineOf), traces, budget === 0 ? Number.POSITIVE_INFINITY : budget);
  return segments.map((segment) => {
    const own = copies.get(segment.traceId) ?? [];
    copies.delete(segment.traceId);
    return { segment, joined: own.length === 0 ? segment : { ...segment, spans: [...segment.spans, ...own] } };
  });
}
