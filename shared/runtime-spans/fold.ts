/**
 * Keeps the runtime spans of a trace within its budget: what failed and what took longest stays, with what it hangs under; the rest is
 * counted on the nearest span that stays, or in one span under the root.
 */
import { digestOf, spanIdOf } from '../correlation/ids.ts';
import type { AttributeValue, Span } from '../spans/span.ts';
import type { Copy } from './copies.ts';
import { foldedKey } from './shown.ts';
import type { TraceOutline } from './trace-outline.ts';

const namesMost = 20;

export interface Folded {
  /** Parents before children. */
  readonly spans: Span[];
  /** Ids of the copies that are only counted. */
  readonly folded: readonly string[];
}

/** What was said of the trace before, by the ids of copies. */
export interface Told {
  readonly sent: ReadonlySet<string>;
  /** Only counted. */
  readonly counted: ReadonlySet<string>;
}

const nothing: Told = { sent: new Set(), counted: new Set() };

/** `budget`: spans at most; `copies`: all of one trace, parents before children; what was told before is not told again. */
export function foldToBudget(copies: readonly Copy[], outline: TraceOutline, budget: number, told: Told = nothing): Folded {
  const fresh = copies.filter(({ span }) => !told.sent.has(span.spanId) && !told.counted.has(span.spanId));
  const wanted = new Set(fresh.flatMap((copy) => chainOf(copy, told)));
  const kept = wanted.size <= budget ? wanted : choose(fresh, Math.max(0, budget - 1), told);
  const folded = fresh.filter((copy) => !kept.has(copy));
  const under = Map.groupBy(folded, (copy) => nearest(copy, kept));
  const spans = copies.filter((copy) => kept.has(copy)).map((copy) => withCounts(copy.span, under.get(copy) ?? []));
  const rest = under.get(null) ?? [];
  const ids = folded.map(({ span }) => span.spanId);
  return { spans: rest.length === 0 || budget === 0 ? spans : [...spans, foldOf(rest, outline)], folded: ids };
}

/** The worst first, each with the copies that it hangs under, as long as there is room for all of them. */
function choose(fresh: readonly Copy[], most: number, told: Told): Set<Copy> {
  const kept = new Set<Copy>();
  for (const copy of [...fresh].sort(byWorth)) {
    const chain = chainOf(copy, told).filter((one) => !kept.has(one));
    if (kept.size + chain.length <= most) for (const one of chain) kept.add(one);
    if (kept.size >= most) break;
  }
  return kept;
}

/** The copy and what it hangs under, up to what was sent before. */
function chainOf(copy: Copy, { sent }: Told): Copy[] {
  const chain: Copy[] = [];
  for (let at: Copy | null = copy; at !== null && !sent.has(at.span.spanId); at = at.parent) chain.push(at);
  return chain;
}

function byWorth(a: Copy, b: Copy): number {
  return worthOf(b) - worthOf(a) || b.took - a.took || (a.span.spanId < b.span.spanId ? -1 : 1);
}

/** The write that began the change comes first, then what failed. */
function worthOf({ span }: Copy): number {
  return span.attributes['knspan.rule'] === 'runtime.edit' ? 2 : span.status === 'error' ? 1 : 0;
}

function nearest(copy: Copy, kept: ReadonlySet<Copy>): Copy | null {
  let at = copy.parent;
  while (at !== null && !kept.has(at)) at = at.parent;
  return at;
}

function withCounts(span: Span, folded: readonly Copy[]): Span {
  return folded.length === 0 ? span : { ...span, attributes: { ...span.attributes, ...countsOf(folded) } };
}

function countsOf(folded: readonly Copy[]): Record<string, AttributeValue> {
  const names = [...Map.groupBy(folded, ({ span }) => span.name)].map(([name, list]) => ({ name, count: list.length }));
  names.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  return {
    [foldedKey]: folded.length,
    'knspan.runtime.folded.longest_ms': Math.ceil(folded.reduce((most, { took }) => Math.max(most, took), 0) / 1_000),
    'knspan.runtime.folded.names': names.slice(0, namesMost).map(({ name, count }) => `${name} × ${count}`),
  };
}

function foldOf(rest: readonly Copy[], { traceId, cluster, spans }: TraceOutline): Span {
  const start = rest.reduce((earliest, { span }) => Math.min(earliest, span.start), Number.POSITIVE_INFINITY);
  const end = rest.reduce((latest, { span }) => Math.max(latest, span.end), 0);
  const id = digestOf(rest.map(({ span }) => span.spanId));
  return {
    traceId,
    spanId: spanIdOf(cluster, `${traceId}/${id}`, 'runtime-fold'),
    parentSpanId: spans[0]?.id ?? '',
    name: 'more runtime spans',
    title: `… ${rest.length} more runtime spans`,
    start,
    end,
    attributes: countsOf(rest),
    status: 'unset',
    statusMessage: '',
    events: [],
    links: [],
    service: rest[0]?.span.service ?? '',
  };
}
