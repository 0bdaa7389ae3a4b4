/** Runtime spans and traces in, copies out: what the command line and the function `runtime-spans` do alike. */
import type { Span } from '../spans/span.ts';
import { clockGaps } from './clocks.ts';
import { type Copy, copiesOf } from './copies.ts';
import { factsOf } from './facts.ts';
import { foldToBudget } from './fold.ts';
import { join } from './join.ts';
import type { RuntimeTrace } from './runtime-trace.ts';
import type { TraceOutline } from './trace-outline.ts';
import { waitsOf } from './waits.ts';

/** By trace id, the copies that belong into it, parents before children. `budget`: copies per trace. */
export function copiesByTrace(outlines: readonly TraceOutline[], traces: readonly RuntimeTrace[], budget: number): Map<string, Span[]> {
  const copies = [...allCopies(outlines, traces)];
  return new Map(copies.map(([outline, all]) => [outline.traceId, foldToBudget(all, outline, budget).spans]));
}

/** The copies that belong into each trace, whatever their number. */
export function allCopies(outlines: readonly TraceOutline[], traces: readonly RuntimeTrace[]): Map<TraceOutline, Copy[]> {
  const facts = factsOf(traces, outlines);
  const gaps = clockGaps(traces);
  const copies = new Map<TraceOutline, Copy[]>();
  for (const [outline, placed] of Map.groupBy(join(outlines, facts), ({ target }) => target.outline))
    copies.set(outline, copiesOf({ placed, waits: waitsOf(placed, facts), clockGaps: gaps }));
  return copies;
}
