/** Events over time as stacked bars: failed ones at the foot, so that their tops compare; each bar leads to its messages. */
import type { Micros } from '../../../shared/events/observation.ts';
import type { EventBucket } from '../../../shared/history/queries/event-histogram.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { linkTo, type PageQuery, timeParameter } from '../html/page-query.ts';
import { number } from '../html/text.ts';
import { Axis, percent, tickLabels, tickLines } from './axis.ts';

const height = 110;
const ticksMax = 12;
/** Of the width of a step. */
const barShare = 0.82;

export interface HistogramParts {
  readonly buckets: readonly EventBucket[];
  /** Whole steps. */
  readonly range: Range;
  readonly step: Micros;
  /** The bucket whose messages are shown. */
  readonly pinned: Micros | null;
}

export function histogram(query: PageQuery, { buckets, range, step, pinned }: HistogramParts): Html {
  const axis = new Axis(range);
  const ticks = query.zone.ticks(range, ticksMax);
  const most = Math.max(1, ...buckets.map(({ ok, failed }) => ok + failed));
  const sums = totals(buckets);
  const about = `${number(sums.ok + sums.failed)} Events, ${number(sums.failed)} failed`;
  return html`<div class="brushable histogram" data-from="${range.from}" data-to="${range.to}" data-step="${step}" data-href="${linkTo(query, { from: 'FROM', to: 'TO', bucket: null })}">
<svg class="plot" height="${height}" role="group" aria-label="${about}">${tickLines(axis, ticks, height)}
${buckets.map((bucket) => bar(query, axis, bucket, step, most, pinned))}</svg>
${tickLabels(axis, ticks)}</div>`;
}

export function totals(buckets: readonly EventBucket[]): { readonly ok: number; readonly failed: number } {
  return buckets.reduce((sum, { ok, failed }) => ({ ok: sum.ok + ok, failed: sum.failed + failed }), { ok: 0, failed: 0 });
}

function bar(query: PageQuery, axis: Axis, { at, ok, failed }: EventBucket, step: Micros, most: number, pinned: Micros | null): Html {
  const left = axis.x(at);
  const width = percent((step / (axis.range.to - axis.range.from)) * barShare);
  // What is there is seen, be it ever so little beside the others.
  const heightOf = (count: number) => (count === 0 ? 0 : Math.max(2, (count / most) * (height - 4)));
  const [bad, good] = [heightOf(failed), heightOf(ok)];
  const about = `${query.zone.brief(at, query.now)} – ${query.zone.brief(at + step, query.now)}: ${number(ok)} ok, ${number(failed)} failed`;
  const rect = (name: string, y: number, size: number) =>
    size === 0 ? nothing : html`<rect class="${name}" x="${left}" y="${y.toFixed(1)}" width="${width}" height="${size.toFixed(1)}"/>`;
  const target = linkTo(query, { bucket: at === pinned ? null : timeParameter(at) });
  return html`<a href="${link(target)}" class="bucket${at === pinned ? ' pinned' : ''}" aria-label="${about}" data-bucket="${timeParameter(at)}">${rect('reach', 0, height)}${rect('good', height - bad - good, good)}${rect('bad', height - bad, bad)}</a>`;
}
