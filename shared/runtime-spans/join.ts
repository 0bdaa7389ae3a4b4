/**
 * Runtime spans + traces -> what belongs under which span of which trace. Pure, and the same for any order of either input: each unit of
 * a runtime trace goes to the trace whose Events fit it best.
 */
import type { Micros } from '../events/observation.ts';
import type { Facts } from './facts.ts';
import { byTable, IndexedOutline, type Target, targetOf } from './match.ts';
import type { RuntimeSpan } from './runtime-span.ts';
import type { RuntimeTrace } from './runtime-trace.ts';
import type { TraceOutline } from './trace-outline.ts';
import type { RequestUnit, SyncUnit, Unit } from './units.ts';

/** A unit and what hangs below it, but for the units among that which have a place of their own. */
export interface Placed {
  readonly trace: RuntimeTrace;
  readonly unit: Unit;
  readonly head: RuntimeSpan;
  readonly target: Target;
}

const second = 1_000_000;
/** A pass without calls is worth telling when it took its time: it waited for a volume or a secret. */
const passTold = 100_000;

export function join(outlines: readonly TraceOutline[], facts: Facts): Placed[] {
  const indexed = [...outlines].sort((a, b) => compare(a.traceId, b.traceId)).map((outline) => new IndexedOutline(outline));
  const served = new Set([...facts.units.keys()].flatMap(({ spans }) => spans.flatMap(({ links }) => links.map(({ spanId }) => spanId))));
  const placed: Placed[] = [];
  for (const [trace, units] of facts.units) {
    const own = inCluster(trace, indexed);
    for (const unit of units) {
      // The same request as the API server served it is told already.
      if (unit.kind === 'request' && unit.head.kind === 'client' && served.has(unit.head.spanId)) continue;
      placed.push(...(unit.kind === 'sync' ? placeSync(trace, unit, own, facts) : placeUnit(trace, unit, own, facts)));
    }
  }
  return withoutIdleEdits(placed);
}

/** Spans and traces may name their cluster in different ways; where one name is the same, it counts. */
function inCluster({ spans }: RuntimeTrace, outlines: readonly IndexedOutline[]): readonly IndexedOutline[] {
  const cluster = spans.find((span) => span.cluster !== '')?.cluster;
  const same = cluster === undefined ? [] : outlines.filter(({ outline }) => outline.cluster === cluster);
  return same.length === 0 ? outlines : same;
}

function placeUnit(trace: RuntimeTrace, unit: Unit, outlines: readonly IndexedOutline[], facts: Facts): Placed[] {
  const targets = outlines.map((outline) => targetOf(unit, outline, facts)).filter((target) => target !== null);
  const best = bestOf(targets);
  return best === undefined ? [] : [{ trace, unit, head: unit.head, target: best }];
}

/** A pass goes to one trace with all its calls: those that an Event tells of under that, the others stay below the pass. */
function placeSync(trace: RuntimeTrace, unit: SyncUnit, outlines: readonly IndexedOutline[], facts: Facts): Placed[] {
  const isTold = unit.calls.length > 0 || unit.pass !== 'sync' || unit.end - unit.start >= passTold;
  if (!isTold) return [];
  let best: { readonly pass: Target; readonly steps: readonly Placed[] } | null = null;
  for (const outline of outlines) {
    const steps = unit.calls.flatMap((call): Placed[] => {
      const target = byTable(call, outline, facts);
      return target === null ? [] : [{ trace, unit: call, head: call.head, target }];
    });
    const own = targetOf(unit, outline, facts) ?? (steps[0] === undefined ? null : rootOf(steps[0].target));
    if (own === null) continue;
    if (best === null || steps.length > best.steps.length || (steps.length === best.steps.length && isBetter(own, best.pass)))
      best = { pass: own, steps };
  }
  return best === null ? [] : [{ trace, unit, head: unit.head, target: best.pass }, ...best.steps];
}

function rootOf(target: Target): Target {
  return { ...target, span: 0, phase: '', rule: 'runtime.pod' };
}

function bestOf(targets: readonly Target[]): Target | undefined {
  return targets.reduce<Target | undefined>((best, target) => (best === undefined || isBetter(target, best) ? target : best), undefined);
}

/** Of equals the first stays: outlines come in the order of their ids. */
function isBetter(a: Target, b: Target): boolean {
  return a.rank !== b.rank ? a.rank < b.rank : a.distance < b.distance;
}

/** Of the writes before the first Event of a change the last began it, with what came right before; earlier ones had no effect. */
function withoutIdleEdits(placed: readonly Placed[]): Placed[] {
  const last = new Map<string, Micros>();
  const keyOf = ({ target, unit }: Placed) => `${target.outline.traceId} ${target.evidence} ${objectOf(unit)}`;
  for (const one of placed) if (one.target.rule === 'runtime.edit') last.set(keyOf(one), Math.max(last.get(keyOf(one)) ?? 0, one.unit.end));
  return placed.filter((one) => one.target.rule !== 'runtime.edit' || one.unit.end + second >= (last.get(keyOf(one)) ?? 0));
}

function objectOf(unit: Unit): string {
  return unit.kind === 'request' ? nameOf(unit) : '';
}

function nameOf({ resource, namespace, name }: RequestUnit): string {
  return `${resource}/${namespace}/${name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
