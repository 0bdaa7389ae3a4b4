/** `/bucket`: what the Events of one bar of the histogram say, alike messages together; for the hover, and pinned below the chart. */
import { isTooMuch } from '../../../shared/history/database.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';
import { type MessageShape, messageShapes } from '../../../shared/history/queries/messages.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { filterParameters, linkToPage, type PageQuery, rangeParameters, timeParameter } from '../html/page-query.ts';
import { cut, number } from '../html/text.ts';
import type { PageAnswer, PageContext, PageRoute } from './page.ts';

export const bucketPage: PageRoute = { path: '/bucket', parameters: [...filterParameters, ...rangeParameters], answer: bucket };

const shapesMax = 12;

async function bucket(context: PageContext): Promise<PageAnswer> {
  const { query } = context;
  const shapes = await shapesOf(context, query.range);
  return { kind: 'fragment', fragment: messageList(query, query.range, shapes), data: { messages: shapes } };
}

/** Null: too many to read in time. */
export async function shapesOf({ database, scope, query }: PageContext, range: Range): Promise<readonly MessageShape[] | null> {
  try {
    const shapes = await messageShapes(database, scope, query.filter, range, shapesMax * 4);
    return (query.failedOnly ? shapes.filter(({ failed }) => failed) : shapes).slice(0, shapesMax);
  } catch (error) {
    if (isTooMuch(error)) return null;
    throw error;
  }
}

export function messageList(query: PageQuery, { from, to }: Range, shapes: readonly MessageShape[] | null): Html {
  const { zone, now } = query;
  const title = html`<b>${zone.brief(from, now)} – ${zone.clock(to)}</b>`;
  if (shapes === null) return html`<p>${title} too much to count: narrow the range</p>`;
  const count = (isFailed: boolean) => shapes.filter(({ failed }) => failed === isFailed).reduce((sum, { events }) => sum + events, 0);
  const failed = count(true);
  const items = shapes.map(
    (shape) =>
      html`<li class="${shape.failed ? 'bad' : ''}"><span class="count">${number(shape.events)}</span> <b>${shape.failed ? html`<span aria-hidden="true">✗ </span>` : nothing}${cut(shape.reason, 80)}</b> <span class="muted">${shape.kind}</span> <span class="message" title="${cut(shape.example, 1_000)}">${cut(shape.shape, 200)}</span></li>`,
  );
  const only = linkToPage(query, '/events', [...filterParameters, 'tz', 'view'], { from: timeParameter(from), to: timeParameter(to) });
  return html`<p>${title} <span>${number(count(false))} ok</span>${failed > 0 ? html`, <span class="bad">${number(failed)} failed</span>` : nothing} <a class="only" href="${link(only)}">this range alone</a></p><ul class="messages">${items}</ul>`;
}
