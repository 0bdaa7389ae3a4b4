/** Renders a settled change as one trace: nodes from placed occurrences, intervals, facts from objects, ids, budget. */
import type { Objects } from '../../kubernetes/object-index.ts';
import type { Segment, Span } from '../../spans/span.ts';
import type { CorrelateConfig } from '../config.ts';
import type { Context, Placed } from '../context.ts';
import { spanIdOf, traceIdOf, traceOf } from '../ids.ts';
import { keyOf } from '../occurrence.ts';
import { type Verdict, verdictOf } from '../verdict.ts';
import { addBranches } from './branches.ts';
import { closesPair, describe, describeRoot, endsRun, failureOf, namePods, nodeFor, statedMicros } from './describe.ts';
import { enrich } from './enrich.ts';
import { foldToBudget } from './fold.ts';
import { fitIntervals } from './intervals.ts';
import { adopt, chainAttributes, newNode, nodesOf, type RenderInput, type SpanNode } from './span-tree.ts';

export function renderChange(drawing: RenderInput): Segment {
  const { change, config } = drawing;
  const placed = [...drawing.placed].sort((a, b) => a.occurrence.at - b.occurrence.at || (a.occurrence.id < b.occurrence.id ? -1 : 1));
  const root = newNode(change.id, 'root', null, change.start, describe);
  const nodes = buildNodes(root, placed);
  for (const node of nodes.values()) measure(node);
  const { evicted } = enrich(drawing, root, nodes);
  const verdict = verdictOf(change, placed, drawing.objects, drawing.settledAt);
  addBranches(root, nodes, verdict);
  fitIntervals(root);
  namePods(root);
  describeRoot({ ...drawing, placed }, root, verdict, evicted);
  foldToBudget(root, config.budget);
  return toSegment(drawing, root, verdict);
}

/** One node for each occurrence that has a span; the others become span events on the node that carries them. */
function buildNodes(root: SpanNode, placed: readonly Placed[]): Map<string, SpanNode> {
  const byId = new Map(placed.map((one) => [one.occurrence.id, one]));
  const nodes = new Map<string, SpanNode>();
  for (const one of placed) {
    if (one.place.on !== '' && carrierOf(one, byId) !== null) continue;
    nodes.set(one.occurrence.id, nodeFor(one));
  }
  const nodeOf = (id: string): SpanNode => {
    const target = byId.get(id);
    if (!target) return root;
    const carrier = target.place.on === '' ? id : carrierOf(target, byId);
    return carrier === null ? (nodes.get(id) ?? root) : (nodes.get(carrier) ?? root);
  };
  for (const one of placed) {
    const node = nodes.get(one.occurrence.id);
    if (node) {
      const parent = one.place.parent === '' ? root : nodeOf(one.place.parent);
      adopt(isAbove(node, parent) ? root : parent, node);
    }
  }
  for (const one of placed) if (!nodes.has(one.occurrence.id)) attach(nodeOf(one.occurrence.id), one);
  return nodes;
}

/** True if making `parent` the parent of `node` would form a cycle. */
function isAbove(node: SpanNode, parent: SpanNode): boolean {
  for (let at: SpanNode | null = parent; at; at = at.parent) if (at === node) return true;
  return false;
}

/** The occurrence whose span carries this one as a span event: `root`, an id, or null if there is none. */
function carrierOf(one: Placed, byId: ReadonlyMap<string, Placed>): string | null {
  let at = one;
  for (let steps = 0; steps < 10; steps += 1) {
    if (at.place.on === 'root') return 'root';
    const next = byId.get(at.place.on);
    if (!next) return at === one ? null : at.occurrence.id;
    if (next.place.on === '') return next.occurrence.id;
    at = next;
  }
  return null;
}

function attach(node: SpanNode, one: Placed): void {
  node.tells.push(one.occurrence.id);
  node.attached.push(one);
  const failure = failureOf(one);
  if (failure !== '' && node.failed === '' && node.placed !== null) node.failed = failure;
  const { meaning, observation } = one.occurrence.routed;
  const series = observation.uid === node.placed?.occurrence.routed.observation.uid;
  if (closesPair(meaning) && !node.real) closePair(node, one);
  else if ((series || endsRun(meaning)) && one.occurrence.at > node.end) node.end = one.occurrence.at;
}

/** The end of a pair makes its span a measured one; a duration in the message is the figure. */
function closePair(node: SpanNode, one: Placed): void {
  const { occurrence } = one;
  const stated = statedMicros(occurrence.routed.meaning);
  node.real = true;
  if (stated === null) {
    node.end = Math.max(node.start + 1, occurrence.at);
  } else if (occurrence.uncertainty === 0) {
    node.end = occurrence.at;
    node.start = occurrence.at - Math.max(1, stated);
    node.stated = true;
  } else node.end = node.start + Math.max(1, stated);
}

/** A phase that begins at its cause, and a lone end that states its duration, are measured too. */
function measure(node: SpanNode): void {
  const { placed } = node;
  if (!placed) return;
  const { occurrence, place } = placed;
  const { meaning } = occurrence.routed;
  const stated = statedMicros(meaning);
  if (place.from !== null && place.from < occurrence.at) {
    node.start = place.from;
    node.end = occurrence.at;
    node.real = true;
  } else if (meaning.class === 'end' && stated !== null) {
    node.end = occurrence.at;
    node.start = occurrence.at - Math.max(1, stated);
    node.real = true;
    node.stated = true;
  }
}

function toSegment(drawing: RenderInput, root: SpanNode, { outcome }: Verdict): Segment {
  const { change, config } = drawing;
  const { traceId } = traceOf(config.cluster, change);
  const ids = new Map<SpanNode, string>();
  const spans: Span[] = [];
  for (const node of nodesOf(root)) {
    const span = toSpan(node, traceId, config.cluster, node.parent ? (ids.get(node.parent) ?? '') : '');
    ids.set(node, span.spanId);
    spans.push(span);
  }
  return {
    traceId,
    cluster: config.cluster,
    namespace: change.root.namespace,
    rootKind: change.root.kind,
    rootName: change.root.name,
    severity: outcome === 'failed' || outcome === 'failing' ? 'error' : 'ok',
    root: true,
    spans,
  };
}

function toSpan(node: SpanNode, traceId: string, cluster: string, parentSpanId: string): Span {
  const point = node.end - node.start <= 1 && !node.real;
  return {
    traceId,
    spanId: spanIdOf(cluster, node.id, node.role),
    parentSpanId,
    name: node.name,
    title: node.title,
    start: node.start,
    end: node.end,
    attributes: { ...node.attributes, ...(node.real || node.role === 'root' ? {} : { 'knspan.extent': point ? 'point' : 'effect' }) },
    status: node.failed !== '' ? 'error' : 'unset',
    statusMessage: node.failed,
    events: node.events,
    links: node.links,
    service: node.service,
  };
}

/** A late occurrence: a child of the emitted trace if it fits inside, else a linked trace of its own. */
export function renderLate(input: { placed: Placed; objects: Objects; context: Context; config: CorrelateConfig }): Segment {
  const { placed, context, config } = input;
  const { occurrence } = placed;
  const known = context.settled[placed.place.change];
  const node = nodeFor(placed);
  node.end = node.start + 1;
  node.attributes['knspan.late'] = true;
  const chain = occurrence.routed.chain;
  const rootRef = chain.at(-1) ?? occurrence.routed.observation.involved;
  const fits = known !== undefined && known.start <= node.start && node.end <= known.end;
  const traceId = fits ? known.traceId : traceIdOf(config.cluster, keyOf(rootRef), occurrence.id);
  if (known && !fits) node.links.push({ traceId: known.traceId, spanId: known.rootSpanId, attributes: { 'knspan.link': 'late' } });
  const span = toSpan(node, traceId, config.cluster, fits ? known.rootSpanId : '');
  const severity = node.failed !== '' ? 'error' : 'ok';
  const attributes = fits
    ? span.attributes
    : { ...chainAttributes(chain), ...span.attributes, 'knspan.outcome': severity === 'error' ? 'failed' : 'ok', 'knspan.change': 'late' };
  return {
    traceId,
    cluster: config.cluster,
    namespace: rootRef.namespace,
    rootKind: rootRef.kind,
    rootName: rootRef.name,
    severity,
    root: !fits,
    spans: [{ ...span, attributes }],
  };
}
