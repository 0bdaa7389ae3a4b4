/**
 * Copies of placed runtime spans, as spans of the trace that they belong to: ids derived, the original linked, children inside their
 * parents. What sticks out of its parent is cut at the parent's edge and says so, with both true times.
 */
import { spanIdOf } from '../correlation/ids.ts';
import { isoOf } from '../correlation/rendering/intervals.ts';
import type { Micros } from '../events/observation.ts';
import type { AttributeValue, Span } from '../spans/span.ts';
import { nodeOf } from './clocks.ts';
import { describe } from './describe.ts';
import type { Placed } from './join.ts';
import type { RuntimeSpan } from './runtime-span.ts';
import { inTime, isSecondHalf } from './runtime-trace.ts';
import { clippedKey, endKey, originalSpanKey, originalTraceKey, startKey } from './shown.ts';
import { requestSpans } from './units.ts';
import type { Wait } from './waits.ts';

/** A copy on its way, with what decides whether it is kept. */
export interface Copy {
  readonly span: Span;
  /** Duration of the original. */
  readonly took: Micros;
  /** Null where the parent is a span of the event trace. */
  readonly parent: Copy | null;
}

export interface CopyInput {
  /** All of one trace. */
  readonly placed: readonly Placed[];
  readonly waits: readonly Wait[];
  /** By node, how far its clock surely is from the API server's. */
  readonly clockGaps: ReadonlyMap<string, Micros>;
}

/** A span that copies may hang under. */
interface Place {
  readonly id: string;
  readonly start: Micros;
  readonly end: Micros;
  /** The copy that it is; null for a span of the event trace. */
  readonly copy: Copy | null;
}

/** Parents before children. */
export function copiesOf(input: CopyInput): Copy[] {
  const copier = new Copier(input);
  for (const placed of [...input.placed].sort((a, b) => inTime(a.head, b.head))) copier.copyUnit(placed);
  return copier.copies;
}

class Copier {
  readonly copies: Copy[] = [];
  readonly #heads: ReadonlySet<RuntimeSpan>;
  readonly #waits: ReadonlyMap<Placed, readonly Wait[]>;
  readonly #clockGaps: CopyInput['clockGaps'];

  constructor({ placed, waits, clockGaps }: CopyInput) {
    this.#heads = new Set(placed.map(({ head }) => head));
    this.#waits = Map.groupBy(waits, (wait) => wait.placed);
    this.#clockGaps = clockGaps;
  }

  copyUnit(placed: Placed): void {
    const span = placed.target.outline.spans[placed.target.span];
    if (span === undefined) return;
    const place: Place = { id: span.id, start: span.start, end: span.end, copy: null };
    const waits = this.#waits.get(placed) ?? [];
    for (const wait of waits) if (!wait.inside) this.#add(waitCopy(wait, place));
    const copy = this.#copyTree(placed, placed.head, place);
    for (const wait of waits) if (wait.inside) this.#add(waitCopy(wait, placeOf(copy)));
  }

  #copyTree(placed: Placed, original: RuntimeSpan, place: Place): Copy {
    const second = halvesOf(placed, original);
    const copy = this.#add(copyOf(placed, original, second, place, this.#clockGaps));
    const own = placeOf(copy);
    const children = [original, ...second].flatMap((half) => below(placed, half)).filter((child) => !second.includes(child));
    for (const child of children.sort(inTime)) if (!this.#heads.has(child)) this.#copyTree(placed, child, own);
    return copy;
  }

  #add(copy: Copy): Copy {
    this.copies.push(copy);
    return copy;
  }
}

function placeOf(copy: Copy): Place {
  const { spanId, start, end } = copy.span;
  return { id: spanId, start, end, copy };
}

/** The spans that tell the same work once more. */
function halvesOf(placed: Placed, span: RuntimeSpan): RuntimeSpan[] {
  return below(placed, span).filter((child) => isSecondHalf(child, span));
}

/** Its children; below a request also what has lost its parent with the filters of the API server. */
function below({ trace, unit, head }: Placed, span: RuntimeSpan): readonly RuntimeSpan[] {
  const children = trace.children.get(span.spanId) ?? [];
  if (unit.kind !== 'request' || span !== head) return children;
  const lost = trace.children.get('') ?? [];
  return [...children, ...requestSpans(trace, head).filter((other) => other !== head && lost.includes(other))];
}

function copyOf(
  placed: Placed,
  original: RuntimeSpan,
  halves: readonly RuntimeSpan[],
  place: Place,
  clockGaps: CopyInput['clockGaps'],
): Copy {
  const { unit, head, target } = placed;
  const failed = [original, ...halves].find((half) => half.failed);
  const attributes: Record<string, AttributeValue> = Object.assign({}, ...halves.map((half) => half.attributes), original.attributes);
  if (original === head) {
    Object.assign(attributes, { 'knspan.rule': target.rule, 'knspan.evidence': target.evidence });
    if (target.phase !== '') attributes['knspan.phase'] = target.phase;
    const node = nodeOf(placed.trace);
    const gap = clockGaps.get(node) ?? 0;
    if (gap > 0 && target.instance !== node) attributes['knspan.time.uncertainty_ms'] = Math.ceil(gap / 1_000);
  }
  return finished(target.outline, original, 'runtime', place, {
    name: original.name,
    title: describe(original, attributes, original === head ? unit : null),
    attributes,
    status: failed === undefined ? 'unset' : 'error',
    statusMessage: failed?.statusMessage ?? '',
  });
}

function waitCopy({ placed, start, end, reason, inside }: Wait, place: Place): Copy {
  const { target, head } = placed;
  return finished(target.outline, { ...head, start, end }, inside ? 'wait' : 'wait-before', place, {
    name: 'wait',
    title: `wait: ${shortReason(reason)}`,
    attributes: { 'knspan.phase': 'wait', 'knspan.wait.reason': reason, 'knspan.rule': 'runtime.wait', 'knspan.evidence': head.spanId },
    status: 'unset',
    statusMessage: '',
  });
}

/** `failed to "StartContainer" for "app" with CrashLoopBackOff: "back-off 10s ..."`: what the kubelet says, without what it stands in. */
function shortReason(reason: string): string {
  return (/ with (\w+: ".*)$/s.exec(reason)?.[1] ?? reason).replaceAll(/\\*"/g, '').slice(0, 150);
}

type Content = Pick<Span, 'name' | 'title' | 'attributes' | 'status' | 'statusMessage'>;
type Original = Pick<RuntimeSpan, 'traceId' | 'spanId' | 'start' | 'end' | 'service'>;

function finished(
  { cluster, traceId }: Placed['target']['outline'],
  original: Original,
  role: string,
  place: Place,
  content: Content,
): Copy {
  const { start, end, isClipped } = clipped(original, place);
  const attributes: Record<string, AttributeValue> = {
    ...content.attributes,
    [originalTraceKey]: original.traceId,
    [originalSpanKey]: original.spanId,
  };
  if (isClipped) {
    attributes[clippedKey] = true;
    attributes[startKey] = isoOf(original.start);
    attributes[endKey] = isoOf(original.end);
  }
  const span: Span = {
    ...content,
    attributes,
    traceId,
    spanId: spanIdOf(cluster, `${traceId}/${original.traceId}/${original.spanId}`, role),
    parentSpanId: place.id,
    start,
    end,
    events: [],
    links: [{ traceId: original.traceId, spanId: original.spanId, attributes: { 'knspan.link': 'runtime' } }],
    service: original.service,
  };
  return { span, took: original.end - original.start, parent: place.copy };
}

/** No span lasts 0, and none leaves its parent. */
function clipped({ start, end }: Original, place: Place): { start: Micros; end: Micros; isClipped: boolean } {
  const from = Math.min(Math.max(start, place.start), place.end - 1);
  const to = Math.max(from + 1, Math.min(end, place.end));
  return { start: from, end: to, isClipped: from !== start || to !== Math.max(end, start + 1) };
}
