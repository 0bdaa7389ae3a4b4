/**
 * One event trace and what the store has for it: which copies of runtime spans belong into the trace and were not told yet. Which other
 * traces name the same objects counts too: a span goes where it fits best.
 */
import type { Clock } from '../../shared/process/clock.ts';
import { actingCalls, containerKey, requestOf, runtimeCallOf } from '../../shared/runtime-spans/classify.ts';
import { foldToBudget } from '../../shared/runtime-spans/fold.ts';
import { allCopies } from '../../shared/runtime-spans/index.ts';
import { type RuntimeTrace, traceOf } from '../../shared/runtime-spans/runtime-trace.ts';
import { keysOf, mergeOutlines, type TraceOutline } from '../../shared/runtime-spans/trace-outline.ts';
import { containersIn } from '../../shared/runtime-spans/units.ts';
import type { Span } from '../../shared/spans/span.ts';
import { decodeOutline, decodePart } from './codec.ts';
import type { Meters } from './metrics.ts';
import type { SpanStore } from './store/span-store.ts';

/** New copies of a trace. */
export interface Joined {
  /** Parents before children. */
  readonly spans: readonly Span[];
  /** Ids of copies that are only counted. */
  readonly counted: readonly string[];
  /** When to look again, ms: something of it may not be whole yet. Null: nothing. */
  readonly again: number | null;
}

/** For whom: what the same delivery told before is told again, since nobody knows whether it arrived. */
export interface JoinRequest {
  readonly outline: TraceOutline;
  /** What is looked up; in a part of a large trace the keys of that part. */
  readonly keys: readonly string[];
  readonly delivery: string;
  /** Copies that the trace may have by now. */
  readonly budget: number;
}

/** Before the id of a delivery: the copy was only counted. */
const countedMark = '#';
const keysMost = 4_000;
const tracesMost = 3_000;
const othersMost = 50;
const containersMost = 1_000;
/** API server, kubelet and containerd send each 5 s: so long one may be without the other. */
const wholeAfterMs = 8_000;

export class TraceJoiner {
  readonly #store: SpanStore;
  readonly #clock: Clock;
  readonly #meters: Meters;

  constructor(store: SpanStore, clock: Clock, meters: Meters) {
    this.#store = store;
    this.#clock = clock;
    this.#meters = meters;
  }

  async outlineOf(traceId: string): Promise<TraceOutline | null> {
    const [parts = []] = await this.#store.read('outlines', [traceId]);
    return mergeOutlines(parts.map(decodeOutline).filter((outline) => outline !== null));
  }

  async join({ outline, keys, delivery, budget }: JoinRequest): Promise<Joined> {
    const wanted = this.#bounded(keys, keysMost, 'keys');
    const [others, { traces, again }, told] = await Promise.all([
      this.#othersOf(outline, wanted),
      this.#tracesBy(outline, wanted),
      this.#store.told(outline.traceId),
    ]);
    const copies = allCopies([outline, ...others], traces).get(outline) ?? [];
    const sent = new Set<string>();
    const counted = new Set<string>();
    for (const [id, by] of told)
      if (by !== delivery && by !== countedMark + delivery) (by.startsWith(countedMark) ? counted : sent).add(id);
    const { spans, folded } = foldToBudget(copies, outline, budgetLeft(budget, sent.size), { sent, counted });
    return { spans, counted: folded, again };
  }

  /** To be called before the copies leave as a reply, or once they have been taken. */
  async tell(traceId: string, delivery: string, spans: readonly Span[], counted: readonly string[]): Promise<void> {
    const told = [...spans.map(({ spanId }) => [spanId, delivery] as const), ...counted.map((id) => [id, countedMark + delivery] as const)];
    if (told.length > 0) await this.#store.tell(traceId, new Map(told));
  }

  async #othersOf(outline: TraceOutline, keys: readonly string[]): Promise<TraceOutline[]> {
    const ids = new Set((await this.#store.find('outlines', keys)).flat());
    ids.delete(outline.traceId);
    const found = await this.#store.read('outlines', [...ids].slice(0, othersMost));
    return found.flatMap((parts) => mergeOutlines(parts.map(decodeOutline).filter((one) => one !== null)) ?? []);
  }

  async #tracesBy(outline: TraceOutline, keys: readonly string[]): Promise<{ traces: RuntimeTrace[]; again: number | null }> {
    const first = await this.#read(keys, new Set());
    // The end of a container names the container alone; its beginning names the pod.
    const containers = [...containersIn(first.map(({ trace }) => trace)).keys()].slice(0, containersMost).map(containerKey);
    const seen = new Set(first.map(({ trace }) => trace.traceId));
    const second = containers.length === 0 ? [] : await this.#read(containers, seen);
    if (containers.length > 0) await this.#store.link('outlines', outline.traceId, containers);
    const all = [...first, ...second];
    const now = this.#clock.now();
    const isHeld = ({ trace, receivedAt }: Received) => receivedAt + wholeAfterMs > now && !isWhole(trace);
    const held = all.filter(isHeld);
    return {
      traces: all.filter((one) => !isHeld(one)).map(({ trace }) => trace),
      again: held.length === 0 ? null : Math.max(...held.map(({ receivedAt }) => receivedAt)) + wholeAfterMs,
    };
  }

  async #read(keys: readonly string[], seen: ReadonlySet<string>): Promise<Received[]> {
    const found = new Set((await this.#store.find('spans', keys)).flat());
    const ids = this.#bounded(
      [...found].filter((id) => !seen.has(id)),
      tracesMost,
      'traces',
    );
    const bodies = await this.#store.read('spans', ids);
    return ids.flatMap((traceId, index) => {
      const parts = (bodies[index] ?? []).map(decodePart).filter((part) => part !== null);
      if (parts.length === 0) return [];
      const trace = traceOf(
        traceId,
        parts.flatMap(({ spans }) => spans),
      );
      return [{ trace, receivedAt: Math.max(...parts.map((part) => part.receivedAt)) }];
    });
  }

  #bounded(list: readonly string[], most: number, limit: 'keys' | 'traces'): readonly string[] {
    if (list.length <= most) return list;
    this.#meters.limits.add({ limit });
    return list.slice(0, most);
  }
}

export function budgetLeft(budget: number, used: number): number {
  return budget === 0 ? Number.POSITIVE_INFINITY : Math.max(0, budget - used);
}

/** The keys under which the outline is kept. */
export function outlineKeys(outline: TraceOutline): readonly string[] {
  return keysOf(outline).slice(0, keysMost);
}

interface Received {
  readonly trace: RuntimeTrace;
  /** When the last part of it came, ms. */
  readonly receivedAt: number;
}

/** A request that a client sent may come once more as it was served, and a call below a pass waits for the pass, which ends last. */
function isWhole({ spans, byId }: RuntimeTrace): boolean {
  return !spans.some((span) => {
    if (span.kind === 'client' && requestOf(span) !== null) return true;
    return actingCalls.has(runtimeCallOf(span)) && span.parentSpanId !== '' && !byId.has(span.parentSpanId);
  });
}
