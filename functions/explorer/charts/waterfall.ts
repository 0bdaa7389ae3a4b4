/** The waterfall of a trace: the tree at the left, each span's bar on one time axis, moments as dots, uncertain ends fading. */

import type { Micros } from '../../../shared/events/observation.ts';
import { durationText, uncertainDurationText } from '../../../shared/events/quantity.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';
import type { TraceSpan } from '../../../shared/history/queries/trace.ts';
import type { UsualPhase } from '../../../shared/history/queries/usual.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { linkTo, type PageQuery } from '../html/page-query.ts';
import { cut, number } from '../html/text.ts';
import { type FoldRow, isMoment, labelOf, type SpanRow } from '../pages/trace-tree.ts';
import { timesText, timesUsual } from '../pages/usual.ts';
import { Axis, tickLines } from './axis.ts';

export interface WaterfallParts {
  readonly rows: readonly (SpanRow | FoldRow)[];
  /** Shown, and of the whole trace. */
  readonly range: Range;
  readonly whole: Range;
  readonly selected: string | null;
  readonly phases: readonly UsualPhase[];
}

const barsHeight = 20;
const indentMax = 14;
const ticksMax = 7;
const rowsMax = 2_000;

export function waterfall(query: PageQuery, { rows, range, whole, selected, phases }: WaterfallParts): Html {
  const axis = new Axis(range);
  const ticks = durationTicks(range, whole.from);
  const slow = new Map(phases.flatMap((phase) => (timesUsual(phase) === null ? [] : [[phase.phase, phase]])));
  const usual = new Map(phases.map((phase) => [phase.phase, phase]));
  const shown = rows.slice(0, rowsMax);
  const left = rows.length - shown.length;
  return html`<table class="waterfall"><caption class="hidden">Spans of the trace, each below what caused it</caption>
<thead><tr><th class="tree">span</th><th class="bars"><svg class="ticks" height="16" aria-hidden="true">${ticks.map(({ at, label }) => html`<text x="${axis.x(at)}" y="12">${label}</text>`)}</svg></th><th class="took">took</th></tr></thead>
<tbody>${shown.map((row) => (row.kind === 'fold' ? foldRow(query, axis, row, ticks) : spanRow(query, axis, row, { ticks, selected, slow, usual })))}</tbody></table>${
    left > 0 ? html`<p class="chart-foot">${number(left)} more spans: choose a level, or errors alone</p>` : nothing
  }`;
}

interface RowParts {
  readonly ticks: readonly { readonly at: Micros; readonly label: string }[];
  readonly selected: string | null;
  readonly slow: ReadonlyMap<string, UsualPhase>;
  readonly usual: ReadonlyMap<string, UsualPhase>;
}

function spanRow(query: PageQuery, axis: Axis, { node, depth }: SpanRow, { ticks, selected, slow, usual }: RowParts): Html {
  const { span, children, failures } = node;
  const { spanId, failed, phase } = span;
  const label = labelOf(span);
  const known = phase === null ? undefined : usual.get(phase);
  const outlier = phase === null ? undefined : slow.get(phase);
  const isLongest = outlier !== undefined && Math.abs((span.end - span.start) / 1_000 - outlier.tookMs) < 1;
  const times = isLongest ? timesUsual(outlier) : null;
  const isSelected = spanId === selected;
  const fold =
    children.length > 0
      ? html`<button type="button" class="fold" aria-expanded="true" aria-label="Fold">▾</button>`
      : html`<span class="no-fold"></span>`;
  return html`<tr id="s-${spanId}" class="${failed ? 'bad' : failures > 0 ? 'troubled' : ''}${isSelected ? ' selected' : ''}" data-row data-depth="${depth}"${isSelected ? html` aria-current="true"` : nothing}>
<th scope="row" class="tree"><span class="indent i${Math.min(depth, indentMax)}">${fold}<a class="row-link" href="${link(linkTo(query, { span: spanId }))}#s-${spanId}" title="${cut(label, 1_000)}">${failed ? html`<span class="cross" aria-hidden="true">✗ </span><span class="hidden">failed: </span>` : nothing}${cut(label, 200)}</a></span></th>
<td class="bars"><svg height="${barsHeight}" aria-hidden="true">${tickLines(axis, ticks, barsHeight)}${isMoment(span) ? dot(axis, span) : bar(axis, span, known)}</svg></td>
<td class="took">${tookText(query, span)}${times === null ? nothing : html` <span class="slow">${timesText(times)}</span>`}</td></tr>`;
}

function tookText({ zone }: PageQuery, span: TraceSpan): string {
  if (isMoment(span)) return zone.clock(span.start);
  return uncertainDurationText(span.end - span.start, uncertaintyOf(span));
}

function uncertaintyOf({ attributes }: TraceSpan): Micros {
  const value = Number(attributes['knspan.time.uncertainty_ms'] ?? 0);
  return Number.isFinite(value) ? value * 1_000 : 0;
}

function dot(axis: Axis, { start, failed }: TraceSpan): Html {
  return axis.isWithin(start, start) ? html`<circle class="moment${failed ? ' bad' : ''}" cx="${axis.x(start)}" cy="10" r="4"/>` : nothing;
}

function bar(axis: Axis, span: TraceSpan, usual: UsualPhase | undefined): Html {
  const { start, end, phase } = span;
  if (!axis.isWithin(start, end)) return nothing;
  const uncertainty = uncertaintyOf(span);
  const fading =
    uncertainty >= 1_000
      ? html`<rect class="fading ${phaseClass(phase)}" x="${axis.x(end)}" y="5" width="${axis.width(end, end + uncertainty)}" height="10"/>`
      : nothing;
  const p50 = usual?.p50Ms;
  const usually =
    p50 === null || p50 === undefined || isWide(phase)
      ? nothing
      : html`<rect class="usually" x="${axis.x(start)}" y="17" width="${axis.width(start, start + p50 * 1_000)}" height="2"/>`;
  return html`${fading}<rect class="phase ${phaseClass(phase)}" x="${axis.x(start)}" y="5" width="${axis.width(start, end)}" height="10" rx="2"/>${usually}`;
}

/** The whole change is told beside its title. */
function isWide(phase: string | null): boolean {
  return phase === 'rollout' || phase === 'run';
}

const waits = ['provision', 'attach', 'issue', 'load-balancer', 'join', 'resize', 'sync'];
const phaseClasses = ['schedule', 'pull', 'container', 'ready', 'backoff', 'stop', 'outage'];

/** The colour: each phase has its own, what waits for others shares one, and what only follows is pale. */
export function phaseClass(phase: string | null): string {
  if (phase === null) return 'effect';
  if (waits.includes(phase)) return 'wait';
  return phaseClasses.includes(phase) ? phase : 'effect';
}

function foldRow(query: PageQuery, axis: Axis, { spans, depth }: FoldRow, ticks: RowParts['ticks']): Html {
  const durations = spans.filter((span) => !isMoment(span)).map(({ start, end }) => end - start);
  const between = durations.length > 0 ? `, ${durationText(Math.min(...durations))} – ${durationText(Math.max(...durations))}` : '';
  const [from, to] = [Math.min(...spans.map(({ start }) => start)), Math.max(...spans.map(({ end }) => end))];
  return html`<tr class="folded" data-row data-depth="${depth}"><th scope="row" class="tree"><span class="indent i${Math.min(depth, indentMax)}"><span class="no-fold"></span><a class="row-link" href="${link(linkTo(query, { fold: '0' }))}">… ${number(spans.length)} more like this${between}</a></span></th>
<td class="bars"><svg height="${barsHeight}" aria-hidden="true">${tickLines(axis, ticks, barsHeight)}<rect class="phase effect" x="${axis.x(from)}" y="7" width="${axis.width(from, to)}" height="6" rx="2"/></svg></td><td class="took"></td></tr>`;
}

const second = 1_000_000;
const steps = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200,
  86_400,
];

/** Since the beginning of the trace. */
function durationTicks({ from, to }: Range, begin: Micros): { readonly at: Micros; readonly label: string }[] {
  const step =
    (steps.find((one) => (to - from) / (one * second) <= ticksMax) ?? 86_400 * Math.ceil((to - from) / (86_400 * second * ticksMax))) *
    second;
  const first = Math.ceil((from - begin) / step);
  return Array.from({ length: ticksMax + 1 }, (_, index) => (first + index) * step)
    .filter((offset) => begin + offset <= to)
    .map((offset) => ({
      at: begin + offset,
      label:
        offset === 0
          ? '0 s'
          : durationText(offset)
              .replace(/\.0 s$/, ' s')
              .replace(/ 00 s$/, '')
              .replace(/ 00 m$/, ''),
    }));
}

/** The whole trace in a strip, to brush a part of it. */
export function minimap(query: PageQuery, spans: readonly TraceSpan[], range: Range, whole: Range): Html {
  const axis = new Axis(whole);
  const height = 34;
  const isZoomed = range.from > whole.from || range.to < whole.to;
  const drawn = spans.slice(0, 1_000);
  const each = (height - 4) / Math.max(1, drawn.length);
  const bars = drawn.map((span, index) => {
    const name = span.failed ? 'bad' : phaseClass(span.phase);
    return html`<rect class="phase ${name}" x="${axis.x(span.start)}" y="${(2 + index * each).toFixed(2)}" width="${axis.width(span.start, span.end)}" height="${Math.max(1, Math.min(4, each)).toFixed(2)}"/>`;
  });
  const window = isZoomed
    ? html`<rect class="window" x="${axis.x(range.from)}" y="0" width="${axis.width(range.from, range.to)}" height="${height}"/>`
    : nothing;
  return html`<div class="minimap brushable" data-from="${whole.from}" data-to="${whole.to}" data-href="${linkTo(query, { from: 'FROM', to: 'TO' })}"><svg height="${height}" role="img" aria-label="The whole trace, ${number(spans.length)} spans">${bars}${window}</svg>${
    isZoomed ? html`<a class="zoom-out" href="${link(linkTo(query, { from: null, to: null }))}">whole trace</a>` : nothing
  }</div>`;
}
