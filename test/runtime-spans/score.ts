/** Scores the copies of runtime spans against the labels of their recording. */
import { originalTraceKey } from '../../shared/runtime-spans/shown.ts';
import type { Attributes, Span } from '../../shared/spans/span.ts';
import type { Recording } from './recording.ts';

export interface Score {
  readonly wanted: number;
  /** Wanted traces with no copy under one of their Events, by what they are. */
  readonly missed: readonly string[];
  /** Copies of traces that belong to no Event, or to those of another trace. */
  readonly wrong: readonly string[];
  /** Copies that leave their parents. */
  readonly outside: readonly string[];
}

export function score({ segments, labels }: Recording, copies: readonly Span[]): Score {
  const all = [...segments.flatMap(({ spans }) => spans), ...copies];
  const byId = new Map(all.map((span) => [span.spanId, span]));
  const told = new Map(all.map((span) => [span, eventsOf(span)]));
  const anywhere = new Set([...told.values()].flat());
  const inTrace = Map.groupBy(all, ({ traceId }) => traceId);
  // An occurrence that no span tells by itself may stand for any of its Event.
  const isToldBy = (span: Span, events: readonly string[]) =>
    events.some(
      (event) => told.get(span)?.includes(event) || (!anywhere.has(event) && told.get(span)?.includes(event.split('#', 1)[0] ?? '')),
    );
  const ancestors = (span: Span): Span[] => {
    const parent = byId.get(span.parentSpanId);
    return parent === undefined ? [] : [parent, ...ancestors(parent)];
  };
  const originOf = (span: Span | undefined) => String(span?.attributes[originalTraceKey] ?? '');
  const tops = Map.groupBy(
    copies.filter((copy) => originOf(byId.get(copy.parentSpanId)) !== originOf(copy)),
    originOf,
  );
  const eventsFor = Map.groupBy(labels, ({ trace }) => trace);
  const wanted = [...eventsFor].filter(([, list]) => list.some(({ optional }) => !optional));
  const missed = wanted.filter(([trace, list]) => {
    const events = list.flatMap((label) => label.events);
    return !tops.get(trace)?.some((top) => ancestors(top).some((span) => isToldBy(span, events)));
  });
  const wrong = [...tops].flatMap(([trace, list]) => {
    const events = eventsFor.get(trace)?.flatMap((label) => label.events) ?? [];
    return list.filter((top) => !inTrace.get(top.traceId)?.some((span) => isToldBy(span, events)));
  });
  const outside = copies.filter((copy) => {
    const parent = byId.get(copy.parentSpanId);
    return parent === undefined || parent.start > copy.start || parent.end < copy.end;
  });
  return {
    wanted: wanted.length,
    missed: missed.map(([trace, list]) => `${list[0]?.what} ${trace}`),
    wrong: wrong.map(({ title, parentSpanId }) => `${title} under ${byId.get(parentSpanId)?.title}`),
    outside: outside.map(({ title }) => title),
  };
}

/** `<uid>` and `<uid>#<n>` of what a span tells, by itself or by its span events. */
function eventsOf(span: Span): string[] {
  return [span.attributes, ...span.events.map(({ attributes }) => attributes)].flatMap((attributes: Attributes) => {
    const uid = attributes['k8s.event.uid'];
    const uids = uid === undefined ? [] : [uid].flat().map(String);
    return uids.flatMap((one) => [one, `${one}#${attributes['k8s.event.count'] ?? 1}`]);
  });
}
