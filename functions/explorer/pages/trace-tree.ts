/** The spans of a trace as rows of its waterfall: parents above children, alike siblings folded, or failures alone. */
import type { TraceSpan } from '../../../shared/history/queries/trace.ts';
import { tidy } from '../html/text.ts';

export interface SpanNode {
  readonly span: TraceSpan;
  readonly children: readonly SpanNode[];
  /** Of itself and all below it. */
  readonly failures: number;
}

export interface SpanRow {
  readonly kind: 'span';
  readonly node: SpanNode;
  readonly depth: number;
}

/** So many siblings are not shown. */
export interface FoldRow {
  readonly kind: 'fold';
  readonly spans: readonly TraceSpan[];
  readonly depth: number;
}

export interface TreeOptions {
  /** Below it nothing is shown; the root is 0. */
  readonly level: number | null;
  readonly errorsOnly: boolean;
  readonly folded: boolean;
  /** Shown in any case, with what it is in. */
  readonly selected: string | null;
}

/** More siblings of one name than this, and none of them failed: the rest is folded. */
const siblingsShown = 5;
const siblingsKept = 3;

/** More than one root: the root span is not here yet, or some parents are not. */
export function treeOf(spans: readonly TraceSpan[]): readonly SpanNode[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const below = Map.groupBy(spans, ({ parentId }) => (parentId !== null && known.has(parentId) ? parentId : ''));
  const nodes = new Map<string, SpanNode>();
  const done = (span: TraceSpan): SpanNode => {
    const children = (below.get(span.spanId) ?? []).flatMap(({ spanId }) => nodes.get(spanId) ?? []);
    const failures = children.reduce((sum, child) => sum + child.failures, span.failed ? 1 : 0);
    const node = { span, children, failures };
    nodes.set(span.spanId, node);
    return node;
  };
  // Without recursion: a trace may be deeper than the stack.
  const order: TraceSpan[] = [];
  for (let level = below.get('') ?? []; level.length > 0; level = level.flatMap(({ spanId }) => below.get(spanId) ?? []))
    order.push(...level);
  for (const span of order.toReversed()) done(span);
  return (below.get('') ?? []).flatMap(({ spanId }) => nodes.get(spanId) ?? []);
}

export function rowsOf(roots: readonly SpanNode[], options: TreeOptions): (SpanRow | FoldRow)[] {
  const needed = options.selected === null ? new Set<string>() : wayTo(roots, options.selected);
  const rows: (SpanRow | FoldRow)[] = [];
  const waiting: (SpanRow | FoldRow)[] = toRows(roots, 0, options, needed).toReversed();
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    rows.push(row);
    if (row.kind === 'span') waiting.push(...toRows(row.node.children, row.depth + 1, options, needed).toReversed());
  }
  return rows;
}

function toRows(
  siblings: readonly SpanNode[],
  depth: number,
  { level, errorsOnly, folded }: TreeOptions,
  needed: ReadonlySet<string>,
): (SpanRow | FoldRow)[] {
  const isNeeded = ({ span }: SpanNode) => needed.has(span.spanId);
  const shown = siblings.filter((node) => isNeeded(node) || ((level === null || depth <= level) && (!errorsOnly || node.failures > 0)));
  if (!folded) return shown.map((node) => ({ kind: 'span', node, depth }));
  const alike = Map.groupBy(shown, ({ span, failures }) => (failures > 0 ? '' : span.name));
  return shown.flatMap((node): (SpanRow | FoldRow)[] => {
    const others = node.failures > 0 ? [node] : (alike.get(node.span.name) ?? []);
    const place = others.indexOf(node);
    if (others.length <= siblingsShown || place < siblingsKept || isNeeded(node)) return [{ kind: 'span', node, depth }];
    const rest = others.slice(siblingsKept).filter((one) => !isNeeded(one));
    return rest[0] === node ? [{ kind: 'fold', spans: rest.map(({ span }) => span), depth }] : [];
  });
}

/** A span and all that it is in. */
function wayTo(roots: readonly SpanNode[], spanId: string): Set<string> {
  const parents = new Map<string, string>();
  const waiting = [...roots];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    for (const child of node.children) parents.set(child.span.spanId, node.span.spanId);
    waiting.push(...node.children);
  }
  const way = new Set<string>();
  for (let at: string | undefined = spanId; at !== undefined && !way.has(at); at = parents.get(at)) way.add(at);
  return way;
}

export function nodeOf(roots: readonly SpanNode[], spanId: string): SpanNode | null {
  const waiting = [...roots];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.span.spanId === spanId) return node;
    waiting.push(...node.children);
  }
  return null;
}

/** Itself and all below it. */
export function spanIdsOf(node: SpanNode): string[] {
  const ids: string[] = [];
  const waiting = [node];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    ids.push(one.span.spanId);
    waiting.push(...one.children);
  }
  return ids;
}

/** One moment: of such a span no duration is known. */
export function isMoment({ attributes, start, end }: TraceSpan): boolean {
  return attributes['knspan.extent'] === 'point' || end - start <= 1;
}

/** What a person reads: with the count of repeats, the size of an image, and what went wrong where the title does not say it. */
export function labelOf({ title, name, statusMessage, failed, attributes, parentId }: TraceSpan): string {
  const count = Number(attributes['knspan.series.count'] ?? 1);
  const bytes = Number(attributes['knspan.image.bytes'] ?? 0);
  const text = tidy(title === '' ? name : title);
  const message = failed && parentId !== null ? tidy((statusMessage ?? '').replace(/^\d+ of \d+: /, '').replace(/^(\w+): (?=\1)/, '')) : '';
  const isSaid = message === '' || text.includes(message) || text.includes(tidy(statusMessage ?? '')) || message.includes(text);
  return `${text}${count > 1 ? ` × ${count}` : ''}${bytes > 0 ? ` (${(bytes / 1e6).toFixed(1)} MB)` : ''}${isSaid ? '' : `: ${message}`}`;
}
