/** The tree view: one block a trace, its verdict on top, each span with its place in time, its duration and what went wrong. */
import type { Segment, Span } from '../spans/span.ts';
import { bar, clean, cut, durationText, pad, padLeft, paint, type Screen, timeText, widthOf } from './terminal.ts';

export interface TreeOptions {
  readonly screen: Screen;
  /** Also say by which rule and evidence each span got its parent. */
  readonly why: boolean;
}

/** More siblings of one name than this, and none of them failed: the rest is told in a line. */
const siblingsShown = 5;
const siblingsKept = 3;
const durationWidth = 9;
const serviceMost = 24;

interface Row {
  readonly span: Span | null;
  readonly text: string;
}

export function treeOf(segment: Segment, options: TreeOptions): string[] {
  const root = segment.spans.find((span) => span.parentSpanId === '') ?? segment.spans[0];
  if (!root) return [];
  const rows: Row[] = [];
  const below = childrenOf(segment.spans);
  addRows(rows, below, topsOf(segment.spans, root, below), '', options);
  return [...headOf(segment, root, options), ...layOut(rows, root, options), ''];
}

function headOf(segment: Segment, root: Span, { screen, why }: TreeOptions): string[] {
  const outcome = clean(String(root.attributes['knspan.outcome'] ?? segment.severity));
  const mark = outcome === 'ok' ? paint(screen, 'green', 'ok') : paint(screen, outcome === 'failed' ? 'red' : 'yellow', outcome);
  const count = clean(String(root.attributes['knspan.events'] ?? segment.spans.length));
  const events = `${count} ${count === '1' ? 'event' : 'events'}`;
  const actor = root.attributes['knspan.actor'] ? `, by ${clean(String(root.attributes['knspan.actor']))}` : '';
  const facts = `${durationText(root.end - root.start)}   ${events}`;
  const room = Math.max(10, screen.width - widthOf(outcome) - widthOf(facts) - 6);
  const title = paint(screen, 'bold', pad(cut(clean(root.title) + actor, room), Math.min(room, 60)));
  const lines = [`${title}   ${mark}   ${facts}`];
  const cause = root.attributes['knspan.cause'];
  if (typeof cause === 'string') lines.push(paint(screen, 'red', cut(`  because ${clean(cause)}`, screen.width)));
  lines.push(paint(screen, 'dim', `  ${timeText(root.start)}  trace ${root.traceId}`));
  for (const link of root.links)
    lines.push(paint(screen, 'dim', `  ${clean(String(link.attributes['knspan.link'] ?? 'link'))} trace ${link.traceId}`));
  if (why) lines.push(...whyOf(root, '  ', screen));
  return lines;
}

function childrenOf(spans: readonly Span[]): Map<string, Span[]> {
  const below = new Map<string, Span[]>();
  for (const span of spans) {
    if (span.parentSpanId === '') continue;
    const list = below.get(span.parentSpanId);
    if (list) list.push(span);
    else below.set(span.parentSpanId, [span]);
  }
  for (const list of below.values()) list.sort((a, b) => a.start - b.start || b.end - a.end);
  return below;
}

/** What hangs under the root; and, in a part of a trace, what hangs under spans of another part. */
function topsOf(spans: readonly Span[], root: Span, below: ReadonlyMap<string, Span[]>): Span[] {
  const known = new Set(spans.map((span) => span.spanId));
  const strays = spans.filter((span) => span !== root && span.parentSpanId !== '' && !known.has(span.parentSpanId));
  return [...(below.get(root.spanId) ?? []), ...strays].sort((a, b) => a.start - b.start || b.end - a.end);
}

function addRows(rows: Row[], below: ReadonlyMap<string, Span[]>, siblings: readonly Span[], indent: string, options: TreeOptions): void {
  const shown = foldSiblings(siblings, below);
  shown.forEach((one, index) => {
    const last = index === shown.length - 1;
    const branch = last ? '└─ ' : '├─ ';
    const inner = `${indent}${last ? '   ' : '│  '}`;
    if ('folded' in one) {
      rows.push({ span: null, text: `${indent}${branch}${one.folded}` });
      return;
    }
    rows.push({ span: one.span, text: `${indent}${branch}${clean(titleOf(one.span))}` });
    if (options.why) for (const line of whyOf(one.span, `${inner}  `, options.screen)) rows.push({ span: null, text: line });
    addRows(rows, below, below.get(one.span.spanId) ?? [], inner, options);
  });
}

function titleOf(span: Span): string {
  const count = Number(span.attributes['knspan.series.count'] ?? 1);
  const times = count > 1 ? ` × ${count}` : '';
  const bytes = Number(span.attributes['knspan.image.bytes'] ?? 0);
  const size = bytes > 0 ? ` (${(bytes / 1e6).toFixed(1)} MB)` : '';
  const ready = span.attributes['knspan.pod.ready'] ? '  ready' : '';
  const failed = span.status === 'error' ? '✗ ' : '';
  const message =
    failed !== '' && !span.title.includes(span.statusMessage) && !span.statusMessage.includes(span.title) ? `: ${span.statusMessage}` : '';
  return `${failed}${span.title}${times}${size}${ready}${message}`;
}

type Shown = { readonly span: Span } | { readonly folded: string };

/** Keeps failed ones and the first few of many alike; says what the others have in common. */
function foldSiblings(siblings: readonly Span[], below: ReadonlyMap<string, Span[]>): Shown[] {
  const byName = new Map<string, Span[]>();
  for (const span of siblings) byName.set(span.name, [...(byName.get(span.name) ?? []), span]);
  const hidden = new Map<Span, string>();
  for (const group of byName.values()) {
    const plain = group.filter((span) => !failsBelow(span, below, 0));
    if (plain.length <= siblingsShown) continue;
    const rest = plain.slice(siblingsKept);
    const durations = rest.map((span) => span.end - span.start).sort((a, b) => a - b);
    const first = rest[0];
    if (first)
      hidden.set(first, `… ${rest.length} more like this (${durationText(durations[0] ?? 0)} – ${durationText(durations.at(-1) ?? 0)})`);
    for (const span of rest.slice(1)) hidden.set(span, '');
  }
  return siblings.flatMap((span): Shown[] => {
    const text = hidden.get(span);
    if (text === undefined) return [{ span }];
    return text === '' ? [] : [{ folded: text }];
  });
}

function failsBelow(span: Span, below: ReadonlyMap<string, Span[]>, depth: number): boolean {
  if (span.status === 'error') return true;
  return depth < 20 && (below.get(span.spanId) ?? []).some((child) => failsBelow(child, below, depth + 1));
}

function whyOf(span: Span, indent: string, screen: Screen): string[] {
  const rule = span.attributes['knspan.rule'];
  const lines: string[] = [];
  if (rule !== undefined) {
    const confidence = span.attributes['knspan.confidence'] ? `, by ${span.attributes['knspan.confidence']} only` : '';
    lines.push(
      paint(screen, 'dim', cut(clean(`${indent}↳ rule ${rule}: ${span.attributes['knspan.evidence'] ?? ''}${confidence}`), screen.width)),
    );
  }
  for (const event of span.events) {
    const text = `${indent}• ${event.name} ${event.attributes['k8s.event.message'] ?? ''}`;
    lines.push(paint(screen, 'dim', cut(clean(text), screen.width)));
  }
  return lines;
}

/** Columns: tree, service, bar, duration. */
function layOut(rows: readonly Row[], root: Span, { screen }: TreeOptions): string[] {
  const services = rows.map((row) => widthOf(clean(row.span?.service ?? '')));
  const serviceWidth = Math.min(serviceMost, Math.max(0, ...services), Math.floor(screen.width / 5));
  const barWidth = Math.max(8, Math.floor(screen.width / 6));
  const treeMost = screen.width - serviceWidth - barWidth - durationWidth - 6;
  const treeWidth = Math.min(treeMost, Math.max(20, ...rows.map((row) => (row.span ? widthOf(row.text) : 0))));
  return rows.map(({ span, text }) => {
    if (!span) return cut(text, screen.width);
    const point = span.attributes['knspan.extent'] === 'point';
    const shownBar = bar(span.start - root.start, span.end - root.start, root.end - root.start, barWidth);
    const duration = point ? '·' : durationText(span.end - span.start);
    const failed = span.status === 'error';
    const title = pad(cut(text, treeWidth), treeWidth);
    return [
      failed ? paint(screen, 'red', title) : title,
      paint(screen, 'dim', pad(cut(clean(span.service), serviceWidth), serviceWidth)),
      paint(screen, failed ? 'red' : 'cyan', shownBar),
      padLeft(duration, durationWidth),
    ]
      .join(' ')
      .trimEnd();
  });
}
