/** The life of an object on one axis: its phases, its changes, its Events, and where it ran. */

import type { Micros } from '../../../shared/events/observation.ts';
import { durationText } from '../../../shared/events/quantity.ts';
import type { Change } from '../../../shared/history/queries/changes.ts';
import type { EventListRow } from '../../../shared/history/queries/event-rows.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';
import type { Gap } from '../../../shared/history/queries/gaps.ts';
import type { HistoryObject } from '../../../shared/history/queries/object.ts';
import type { ObjectPhase } from '../../../shared/history/queries/object-changes.ts';
import { eventLink, traceLink } from '../html/addresses.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { isBad, outcomeClass, outcomeWord } from '../html/outcome.ts';
import { linkTo, type PageQuery } from '../html/page-query.ts';
import { cut, number } from '../html/text.ts';
import { Axis, hatches, tickLabels, tickLines } from './axis.ts';
import { phaseClass } from './waterfall.ts';

export interface LifeParts {
  readonly object: HistoryObject;
  readonly range: Range;
  readonly phases: readonly ObjectPhase[];
  readonly changes: readonly Change[];
  readonly events: readonly EventListRow[];
  readonly gaps: readonly Gap[];
}

const rowHeight = 26;
const ticksMax = 10;
const titledBarsMax = 8;

export function lifeChart(query: PageQuery, parts: LifeParts): Html {
  const { range, object } = parts;
  const axis = new Axis(range);
  const ticks = query.zone.ticks(range, ticksMax);
  const rows: (readonly [string, Html])[] = [
    ['life', life(query, axis, parts)],
    [
      'changes',
      html`${parts.changes.toReversed().map((change, index) => changeBar(query, axis, change, parts.changes.length <= titledBarsMax && index >= 0))}`,
    ],
    ['events', html`${parts.gaps.map((gap) => gapMark(axis, gap))}${parts.events.map((event) => eventMark(query, axis, event))}`],
    ...(object.node === null ? [] : [['node', nodeBar(axis, object)] as const]),
  ];
  const height = rows.length * rowHeight;
  return html`<section class="card life" aria-label="Life of the object">${hatches}
<div class="lane-names">${rows.map(([name]) => html`<span class="life-name">${name}</span>`)}</div>
<div class="brushable" data-from="${range.from}" data-to="${range.to}" data-href="${linkTo(query, { from: 'FROM', to: 'TO' })}">
<svg class="plot" height="${height}" role="group" aria-label="Phases, changes and Events on one axis">${tickLines(axis, ticks, height)}
${rows.map(([, row], index) => html`<svg class="life-row" y="${index * rowHeight}" height="${rowHeight}">${row}<line class="rule" x1="0" x2="100%" y1="${rowHeight - 0.5}" y2="${rowHeight - 0.5}"/></svg>`)}</svg>
${tickLabels(axis, ticks)}</div></section>`;
}

/** When it began to be and ceased to be, as far as it is known. */
export function lifeOf({ createdAt, firstAt, deletedAt }: HistoryObject, now: Micros): Range {
  const from = createdAt === null ? firstAt : Math.min(createdAt, firstAt);
  return { from, to: Math.max(deletedAt ?? now, from + 1) };
}

function life(query: PageQuery, axis: Axis, { object, phases }: LifeParts): Html {
  const { from, to } = lifeOf(object, query.now);
  const runs = phases.filter(({ phase }) => phase === 'container' || phase === 'ready');
  const begin = runs.length === 0 ? null : Math.max(...runs.slice(0, 1).map((one) => one.end));
  const stop = phases.find(({ phase }) => phase === 'stop');
  const end = stop?.start ?? to;
  const running =
    begin === null || begin >= end
      ? nothing
      : html`<rect class="running" x="${axis.x(begin)}" y="7" width="${axis.width(begin, end)}" height="12"/>`;
  return html`<rect class="lifetime" x="${axis.x(from)}" y="7" width="${axis.width(from, to)}" height="12" rx="2"/>${running}${phases.map((phase) => phaseBar(query, axis, phase))}`;
}

function phaseBar(query: PageQuery, axis: Axis, { phase, start, end, title, failed, traceId, spanId }: ObjectPhase): Html {
  if (!axis.isWithin(start, end)) return nothing;
  const isMoment = end - start <= 1;
  const about = `${cut(title, 200)}${isMoment ? '' : `, ${durationText(end - start)}`}, ${query.zone.brief(start, query.now)}`;
  const mark = failed ? html`<line class="wrong" x1="${axis.x(end)}" x2="${axis.x(end)}" y1="1" y2="25"/>` : nothing;
  const bar =
    isMoment && failed
      ? nothing
      : html`<rect class="phase ${phaseClass(phase)}" x="${axis.x(start)}" y="7" width="${axis.width(start, end)}" height="12"/>`;
  return html`<a href="${link(traceLink(query, traceId, { span: spanId }))}" aria-label="${failed ? 'failed: ' : ''}${about}">${bar}${mark}<title>${about}</title></a>`;
}

function changeBar(query: PageQuery, axis: Axis, { traceId, start, end, change, outcome }: Change, isNamed: boolean): Html {
  if (!axis.isWithin(start, end)) return nothing;
  const name = outcomeClass(outcome);
  const isHatched = change === 'incident' || name === 'incomplete';
  const about = `${change ?? 'change'}: ${outcomeWord(outcome)}, ${query.zone.brief(start, query.now)}`;
  const text = isNamed && isBad(outcome) ? html`<text class="bar-name" x="${axis.x(end)}" dx="6" y="17">${change ?? ''}</text>` : nothing;
  return html`<a href="${link(traceLink(query, traceId))}" aria-label="${about}"><rect class="bar ${name}${isHatched ? ' hatched' : ''}" x="${axis.x(start)}" y="8" width="${axis.width(start, end)}" height="10"/>${text}<title>${about}</title></a>`;
}

function eventMark(query: PageQuery, axis: Axis, event: EventListRow): Html {
  const { at, failed, reason, cluster, uid, n } = event;
  const about = `${cut(reason, 80)}, ${query.zone.brief(at, query.now)}`;
  return html`<a href="${link(eventLink(query, { cluster, uid, n }))}" tabindex="-1" aria-label="${failed ? 'failed: ' : ''}${about}"><line class="event-mark${failed ? ' bad' : ''}" x1="${axis.x(at)}" x2="${axis.x(at)}" y1="${failed ? 5 : 10}" y2="20"/><title>${about}</title></a>`;
}

function gapMark(axis: Axis, { since, until, missed }: Gap): Html {
  return html`<rect class="bar hatched incomplete" x="${axis.x(since)}" y="6" width="${axis.width(since, until)}" height="14"><title>${number(missed)} repeats were not seen</title></rect>`;
}

function nodeBar(axis: Axis, object: HistoryObject): Html {
  const { from, to } = { from: object.firstAt, to: object.deletedAt ?? axis.range.to };
  return html`<rect class="lifetime" x="${axis.x(from)}" y="8" width="${axis.width(from, to)}" height="10" rx="2"/><text class="bar-name" x="${axis.x(from)}" dx="8" y="17">${cut(object.node ?? '', 80)}</text>`;
}
