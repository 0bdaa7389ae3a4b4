/** Swim lanes: one per workload, each of its changes a bar in the colour of its outcome; the failing ones on top. */
import { durationText } from '../../../shared/events/quantity.ts';
import type { ChangeBar, ChangeLane } from '../../../shared/history/queries/change-bars.ts';
import { objectLink, traceLink } from '../html/addresses.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { isBad, outcomeClass, outcomeWord } from '../html/outcome.ts';
import { linkTo, type PageQuery, timeParameter } from '../html/page-query.ts';
import { number, placeText } from '../html/text.ts';
import { Axis, hatches, tickLabels, tickLines } from './axis.ts';

export const lanesShown = 12;
const laneHeight = 24;
const barHeight = 11;
const ticksMax = 12;

/** `shown`: of all lanes, the first. `isPartial`: there were more changes than were read. */
export function lanesChart(query: PageQuery, lanes: readonly ChangeLane[], shown: number, isPartial: boolean): Html {
  const axis = new Axis(query.range);
  const ticks = query.zone.ticks(query.range, ticksMax);
  const rows = lanes.slice(0, shown);
  const height = rows.length * laneHeight;
  const bars = rows.reduce((sum, lane) => sum + lane.bars.length, 0);
  const failed = rows.reduce((sum, lane) => sum + lane.failed, 0);
  const about = `${number(bars)} changes of ${number(rows.length)} workloads, ${number(failed)} failed`;
  const { from, to } = query.range;
  return html`<section class="card lanes" aria-label="When: ${about}">${hatches}
<div class="lane-names"><div class="tick-space"></div>${rows.map((lane) => laneName(query, lane))}</div>
<div class="brushable" data-from="${from}" data-to="${to}" data-href="${linkTo(query, { from: 'FROM', to: 'TO' })}">
${tickLabels(axis, ticks)}
<svg class="plot" height="${height}" role="group" aria-label="${about}">
${tickLines(axis, ticks, height)}
<g class="rules">${rows.map((_, index) => html`<line x1="0" x2="100%" y1="${(index + 1) * laneHeight - 0.5}" y2="${(index + 1) * laneHeight - 0.5}"/>`)}</g>
${rows.map((lane, index) => worstLast(lane.bars).map((bar) => barOf(query, axis, bar, index)))}
</svg></div>
${footer(query, lanes.length, rows.length, isPartial)}
</section>`;
}

/** What is wrong is never hidden below what is not. */
function worstLast(bars: readonly ChangeBar[]): ChangeBar[] {
  const rank = ({ outcome }: ChangeBar) => (isBad(outcome) ? 2 : outcome === 'recovered' ? 1 : 0);
  return bars.toSorted((a, b) => rank(a) - rank(b) || a.start - b.start);
}

function laneName(query: PageQuery, lane: ChangeLane): Html {
  const { kind, namespace, name } = lane;
  return html`<a class="lane-name${lane.failed > 0 ? ' bad' : ''}" href="${link(objectLink(query, lane))}" title="${kind} ${placeText({ namespace, name })}">${lane.failed > 0 ? html`<span aria-hidden="true">✗ </span>` : nothing}${namespace === '' ? `${kind.toLowerCase()} ${name}` : placeText(lane)}</a>`;
}

function barOf(query: PageQuery, axis: Axis, bar: ChangeBar, lane: number): Html {
  const { outcome, change, start, end, traceId } = bar;
  const name = outcomeClass(outcome);
  const isHatched = change === 'incident' || name === 'incomplete';
  const took = end - start > 1 ? `, ${durationText(end - start)}` : '';
  const about = `${change ?? 'change'} of ${bar.kind} ${placeText(bar)}: ${outcomeWord(outcome)}, ${query.zone.brief(start, query.now)}${took}`;
  const y = lane * laneHeight + (laneHeight - barHeight) / 2;
  const fill = isHatched ? html` fill="url(#hatch-${name})"` : nothing;
  return html`<a href="${link(traceLink(query, traceId))}" aria-label="${about}"><rect class="bar ${name}${isHatched ? ' hatched' : ''}" x="${axis.x(start)}" y="${y}" width="${axis.width(start, end)}" height="${barHeight}"${fill}/><title>${about}</title></a>`;
}

function footer(query: PageQuery, all: number, shown: number, isPartial: boolean): Html {
  const isCut = all > shown;
  if (!isCut && !isPartial && query.isRelative) return nothing;
  const more = isCut ? html`<a href="${link(linkTo(query, { lanes: 'all' }))}">${number(all - shown)} more workloads</a>` : nothing;
  const partial = isPartial ? html`<span>only the latest changes are drawn: narrow the range to see all</span>` : nothing;
  return html`<p class="chart-foot">${more}${partial}${query.isRelative ? nothing : html`<a href="${link(linkTo(query, widerRange(query)))}">zoom out</a>`}</p>`;
}

/** Twice as long around the same middle, up to now. */
export function widerRange({ range: { from, to }, now }: PageQuery): Record<string, string> {
  const half = (to - from) / 2;
  return { from: timeParameter(Math.max(0, from - half)), to: timeParameter(Math.min(now, to + half)) };
}
