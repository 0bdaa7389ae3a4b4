/** The tree view: one block a trace, its verdict on top, each span with its place in time, its duration and what went wrong. */

import { counted, durationText } from '../../events/quantity.ts';
import { beginsAction, isRuntimeFold, isRuntimeSpan, runtimeSpansIn, trueTimes } from '../../runtime-spans/shown.ts';
import type { Segment, Span } from '../../spans/span.ts';
import { causeOf, eventsOf, isInstant, lastingText, outcomeOf, outcomeText, tidy, titleIn } from './outcome.ts';
import { bar, clean, cut, cutMiddle, pad, padLeft, paint, type Screen, timeText, widthOf, wrap } from './terminal.ts';

export interface TreeOptions {
  readonly screen: Screen;
  /** Also say by which rule and evidence each span got its parent. */
  readonly why: boolean;
  /** Show each row, also those that a branch of trouble sums up and those that are alike. */
  readonly all?: boolean;
  /** Also show runtime spans, dimmed. */
  readonly runtime?: boolean;
}

/** More siblings of one name than this, and none of them failed: the rest is told in a line. */
const siblingsShown = 5;
const siblingsKept = 3;
const durationWidth = 9;
const serviceMost = 24;
/** A narrower screen is the tree's, without the column of services. */
const serviceFrom = 80;
const causeLinesMost = 4;
/** A runtime span gets a row when it took this share of the trace. */
const runtimeRowShare = 200;

interface Row {
  readonly span: Span | null;
  readonly text: string;
  /** Empty: as other rows. */
  readonly colour: '' | 'red' | 'yellow' | 'dim';
}

export function treeOf(whole: Segment, options: TreeOptions): string[] {
  const { segment, hidden } = withoutShort(whole, options);
  const root = segment.spans.find((span) => span.parentSpanId === '') ?? segment.spans[0];
  if (!root) return [];
  const rows: Row[] = [];
  const below = childrenOf(segment.spans);
  addRows(rows, below, topsOf(segment.spans, root, below), '', options);
  return [...headOf(segment, root, options), ...layOut(rows, root, options), ...hidden, ''];
}

/** Rows of runtime spans that are too short to tell where the time of the trace went are left out; those that failed never. */
function withoutShort(segment: Segment, { runtime, screen }: TreeOptions): { segment: Segment; hidden: readonly string[] } {
  const root = segment.spans.find((span) => span.parentSpanId === '');
  const least = root === undefined ? 0 : (root.end - root.start) / runtimeRowShare;
  const isShown = (span: Span) => {
    if (!isRuntimeSpan(span)) return true;
    if (isRuntimeFold(span)) return false;
    const { start, end } = trueTimes(span);
    return runtime === true && (end - start >= least || span.status === 'error' || beginsAction(span));
  };
  const spans = segment.spans.filter(isShown);
  const left = runtimeSpansIn(segment.spans) - runtimeSpansIn(spans);
  const about = `  … ${left} more runtime spans, shorter than ${durationText(least)} or folded`;
  const hidden = runtime && left > 0 ? [paint(screen, 'dim', about)] : [];
  return { segment: { ...segment, spans: adopted(segment.spans, spans) }, hidden };
}

/** What lost its parent among the rows hangs under the next one above. */
function adopted(all: readonly Span[], shown: readonly Span[]): Span[] {
  const parents = new Map(all.map((span) => [span.spanId, span.parentSpanId]));
  const there = new Set(shown.map(({ spanId }) => spanId));
  return shown.map((span) => {
    let parentSpanId = span.parentSpanId;
    while (parents.has(parentSpanId) && !there.has(parentSpanId)) parentSpanId = parents.get(parentSpanId) ?? '';
    return parentSpanId === span.parentSpanId ? span : { ...span, parentSpanId };
  });
}

function headOf(segment: Segment, root: Span, { screen, why }: TreeOptions): string[] {
  const { outcome: state, colour } = outcomeOf(segment, root);
  const outcome = outcomeText(root, state);
  const warnings = Number(root.attributes['knspan.warnings'] ?? 0);
  const events = [eventsOf(segment, root), ...(warnings > 0 ? [counted(warnings, 'warning')] : [])].join(', ');
  const actor = root.attributes['knspan.actor'] ? `, by ${clean(String(root.attributes['knspan.actor']))}` : '';
  const facts = isInstant(root) ? events : `${durationText(root.end - root.start)}   ${events}`;
  const room = Math.max(10, screen.width - widthOf(outcome) - widthOf(facts) - 6);
  const whole = clean(root.title) + actor;
  const title = paint(screen, 'bold', pad(widthOf(whole) <= room ? whole : titleIn(clean(root.title), room), Math.min(room, 60)));
  const lines = [`${title}   ${paint(screen, colour, outcome)}   ${facts}`];
  const { lead, text, colour: shade } = causeOf(segment, root);
  const about = text === '' ? [] : wrap(`${lead} ${text}`, screen.width - 4, causeLinesMost);
  lines.push(...about.map((line, index) => paint(screen, shade, `${index === 0 ? '  ' : '    '}${line}`)));
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
  for (const list of below.values()) list.sort(inTime);
  return below;
}

/** What hangs under the root; and, in a part of a trace, what hangs under spans of another part. */
function topsOf(spans: readonly Span[], root: Span, below: ReadonlyMap<string, Span[]>): Span[] {
  const known = new Set(spans.map((span) => span.spanId));
  const strays = spans.filter((span) => span !== root && span.parentSpanId !== '' && !known.has(span.parentSpanId));
  return [...(below.get(root.spanId) ?? []), ...strays].sort(inTime);
}

function inTime(a: Span, b: Span): number {
  const [from, to] = [trueTimes(a), trueTimes(b)];
  return from.start - to.start || to.end - from.end;
}

function addRows(rows: Row[], below: ReadonlyMap<string, Span[]>, siblings: readonly Span[], indent: string, options: TreeOptions): void {
  const all = options.all === true || options.why;
  const shown = all ? siblings.map((span) => ({ span })) : foldSiblings(siblings, below);
  shown.forEach((one, index) => {
    const last = index === shown.length - 1;
    const branch = last ? '└─ ' : '├─ ';
    const inner = `${indent}${last ? '   ' : '│  '}`;
    if ('folded' in one) {
      rows.push({ span: null, text: `${indent}${branch}${one.folded}`, colour: one.failed ? 'red' : '' });
      return;
    }
    rows.push({ span: one.span, text: `${indent}${branch}${tidy(titleOf(one.span))}`, colour: colourOf(one.span) });
    if (options.why) for (const line of whyOf(one.span, `${inner}  `, options.screen)) rows.push({ span: null, text: line, colour: '' });
    addRows(rows, below, all ? (below.get(one.span.spanId) ?? []) : shownBelow(one.span, below), inner, options);
  });
}

/** A branch of trouble tells what its members say, save how long they were put off; what hangs below them is shown in their place. */
function shownBelow(span: Span, below: ReadonlyMap<string, Span[]>): Span[] {
  const children = below.get(span.spanId) ?? [];
  if (!isBranch(span)) return children;
  const isShown = (child: Span) => child.attributes['knspan.phase'] === 'backoff' && children.length > 1;
  return children.flatMap((child) => (isShown(child) ? [child] : (below.get(child.spanId) ?? [])));
}

function isBranch(span: Span): boolean {
  return span.attributes['knspan.branch'] !== undefined;
}

function titleOf(span: Span): string {
  const count = Number(span.attributes['knspan.series.count'] ?? 1);
  const times = count > 1 ? ` × ${count.toLocaleString('en')}` : '';
  const bytes = Number(span.attributes['knspan.image.bytes'] ?? 0);
  const size = bytes > 0 ? ` (${(bytes / 1e6).toFixed(1)} MB)` : '';
  const ready = span.attributes['knspan.pod.ready'] ? '  ready' : '';
  const failed = span.status === 'error' ? '✗ ' : '';
  const mark = failed || (isWarning(span) ? '! ' : '');
  const message = isBranch(span) ? `: ${span.attributes['knspan.branch']}` : failed === '' ? '' : messageOf(span);
  return `${mark}${span.title.trimEnd().replace(/:$/, '')}${times}${size}${ready}${message}`;
}

function isWarning(span: Span): boolean {
  return span.attributes['knspan.warning'] === true;
}

function colourOf(span: Span): Row['colour'] {
  if (span.attributes['knspan.terminating'] === true) return 'dim';
  return span.status === 'error' ? 'red' : isWarning(span) || isBranch(span) ? 'yellow' : '';
}

/** What the title does not say already (of a fold: how many), without the reason in front of a sentence that begins with it (`Failed: Failed to pull`). */
function messageOf({ title, statusMessage }: Span): string {
  const message = statusMessage.replace(/^\d+ of \d+: /, '').replace(/^(\w+): (?=\1)/, '');
  const end = message.slice(message.indexOf(': ') + 1).trim();
  if (message === '' || title.includes(message) || message.includes(title) || title.includes(statusMessage) || title.includes(end))
    return '';
  return `: ${message}`;
}

type Shown = { readonly span: Span } | { readonly folded: string; readonly failed: boolean };

/** Keeps the first few of many alike, those that failed alike apart from those that did not; says what the others have in common. */
function foldSiblings(siblings: readonly Span[], below: ReadonlyMap<string, Span[]>): Shown[] {
  const alike = new Map<string, Span[]>();
  for (const span of siblings) {
    const key = JSON.stringify([span.name, span.attributes['k8s.container.name'], isWarning(span), ...failuresIn(span, below, 0)]);
    alike.set(key, [...(alike.get(key) ?? []), span]);
  }
  const hidden = new Map<Span, Shown | null>();
  for (const group of alike.values()) {
    if (group.length <= siblingsShown) continue;
    const rest = group.slice(siblingsKept);
    const first = rest[0];
    if (!first) continue;
    const failed = failuresIn(first, below, 0).length > 0;
    for (const span of rest) hidden.set(span, null);
    hidden.set(first, { folded: `${failed ? '✗ ' : ''}… ${rest.length} more like this (${rangeOf(rest)})`, failed });
  }
  return siblings.flatMap((span): Shown[] => {
    const shown = hidden.get(span);
    if (shown === undefined) return [{ span }];
    return shown === null ? [] : [shown];
  });
}

/** How long they took; of moments, when they were. */
function rangeOf(spans: readonly Span[]): string {
  if (spans.every(isInstant)) {
    const starts = spans.map(({ start }) => start);
    const [first, last] = [Math.min(...starts), Math.max(...starts)].map((at) => timeText(at).slice(11, 19));
    return first === last ? `at ${first}` : `${first} – ${last}`;
  }
  const durations = spans.map(({ start, end }) => end - start);
  return `${durationText(Math.min(...durations))} – ${durationText(Math.max(...durations))}`;
}

/** The names of what failed in it: few, whatever the pods are called. */
function failuresIn(span: Span, below: ReadonlyMap<string, Span[]>, depth: number): string[] {
  const found = new Set<string>(span.status === 'error' ? [span.name] : []);
  if (depth < 20) for (const child of below.get(span.spanId) ?? []) for (const name of failuresIn(child, below, depth + 1)) found.add(name);
  return [...found].sort();
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
  const serviceWidth = screen.width < serviceFrom ? 0 : Math.min(serviceMost, Math.max(0, ...services), Math.floor(screen.width / 5));
  const barWidth = Math.max(8, Math.floor(screen.width / 6));
  const treeMost = screen.width - serviceWidth - barWidth - durationWidth - 6;
  const treeWidth = Math.min(treeMost, Math.max(20, ...rows.map((row) => (row.span ? widthOf(row.text) : 0))));
  return rows.map(({ span, text, colour }) => {
    if (!span) return colour === '' ? cut(text, screen.width) : paint(screen, colour, cut(text, screen.width));
    const title = pad(cutMiddle(text, treeWidth), treeWidth);
    const isRuntime = isRuntimeSpan(span);
    const { start, end } = trueTimes(span);
    return [
      colour !== '' ? paint(screen, colour, title) : isRuntime ? paint(screen, 'dim', title) : title,
      ...(serviceWidth > 0 ? [paint(screen, 'dim', pad(cut(clean(span.service), serviceWidth), serviceWidth))] : []),
      paint(
        screen,
        colour !== '' ? colour : isRuntime ? 'dim' : 'cyan',
        bar(Math.max(0, start - root.start), Math.max(0, end - root.start), root.end - root.start, barWidth),
      ),
      padLeft(isRuntime ? durationText(end - start) : lastingText(span), durationWidth),
    ]
      .join(' ')
      .trimEnd();
  });
}
