/** Events as rows, and objects by their latest Event. */
import type { EventCursor, EventList, EventListRow } from '../../../shared/history/queries/event-rows.ts';
import type { LatestObject, ObjectCursor } from '../../../shared/history/queries/objects.ts';
import { eventLink, objectLink, traceLink } from '../html/addresses.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { linkTo, type PageQuery } from '../html/page-query.ts';
import { cut, line, number } from '../html/text.ts';
import { objectCell, pager } from './change-table.ts';

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** Null: it is broken. */
export function cursorOfEvent(text: string): EventCursor | null {
  const [, at = '', uid = '', n = ''] = new RegExp(`^(\\d{1,16})\\.(${uuid})\\.(\\d{1,10})$`).exec(text) ?? [];
  return at === '' ? null : { at: Number(at), uid, n: Number(n) };
}

export function cursorOfObject(text: string): ObjectCursor | null {
  const [, at = '', uid = ''] = new RegExp(`^(\\d{1,16})\\.(${uuid})$`).exec(text) ?? [];
  return at === '' ? null : { at: Number(at), uid };
}

/** `withObjects`: they are not all of one. The list has one row more than a page where there are more. */
export function eventTable(query: PageQuery, { events, searched }: EventList, perPage: number, withObjects = true): Html {
  const rows = events.slice(0, perPage);
  const last = events.length > perPage ? rows.at(-1) : undefined;
  const isOldest = query.parameters.get('sort') === 'oldest';
  const about =
    searched === null
      ? nothing
      : html`<p class="searched muted">${searched === 'objects' ? 'of objects whose names begin so; in quotation marks it is searched in messages' : 'searched in messages'}</p>`;
  const order =
    query.path !== '/events'
      ? html`time`
      : html`<a href="${link(linkTo(query, { sort: isOldest ? null : 'oldest' }))}" title="${isOldest ? 'Newest first' : 'Oldest first'}">time<span aria-hidden="true"> ${isOldest ? '↑' : '↓'}</span></a>`;
  return html`<section class="card">${about}<table class="rows event-rows${withObjects ? '' : ' alone'}"><caption class="hidden">Events, the ${isOldest ? 'oldest' : 'latest'} first</caption>
<thead><tr><th class="time">${order}</th><th class="reason">reason</th><th class="object">object</th><th class="message">message</th><th class="change">change</th></tr></thead>
<tbody>${rows.map((row) => eventRow(query, row))}</tbody></table>
${last !== undefined || query.parameters.has('before') ? pager(query, last ? `${last.at}.${last.uid}.${last.n}` : null) : nothing}</section>`;
}

export function eventRow(query: PageQuery, event: EventListRow): Html {
  const { cluster, uid, n, at, firstAt, failed, reason, message, traceId, spanId } = event;
  const { zone, now } = query;
  const object = { ...event, uid: event.objectUid };
  const change = traceId === null ? nothing : html`<a href="${link(traceLink(query, traceId, { span: spanId }))}">its change</a>`;
  return html`<tr id="e-${uid}-${n}" class="${failed ? 'failed' : ''}" data-row>
<td class="time"><time title="${zone.full(at)}${n > 1 ? `, first ${zone.full(firstAt)}` : ''}">${zone.brief(at, now)}</time></td>
<td class="reason"><a class="row-link${failed ? ' bad' : ''}" href="${link(eventLink(query, { cluster, uid, n }))}">${failed ? html`<span aria-hidden="true">✗ </span>` : nothing}${cut(reason, 80)}${n > 1 ? html` <span class="times">× ${number(n)}</span>` : nothing}</a></td>
<td class="object">${objectCell(query, object)}</td>
<td class="message">${line(message, 300)}</td>
<td class="change">${change}</td></tr>`;
}

export function objectTable(query: PageQuery, objects: readonly LatestObject[], perPage: number): Html {
  const rows = objects.slice(0, perPage);
  const last = objects.length > perPage ? rows.at(-1) : undefined;
  return html`<section class="card"><table class="rows object-rows"><caption class="hidden">Objects by their latest Event</caption>
<thead><tr><th class="time">latest</th><th class="object">object</th><th class="reason">reason</th><th class="message">message</th><th class="count">events</th><th class="count">failed</th><th class="count">restarts</th></tr></thead>
<tbody>${rows.map((row) => objectRow(query, row))}</tbody></table>
${last !== undefined || query.parameters.has('before') ? pager(query, last ? `${last.at}.${last.uid}` : null) : nothing}</section>`;
}

function objectRow(query: PageQuery, object: LatestObject): Html {
  const { uid, at, failed, reason, message, events, failures, restarts, deletedAt, isProbablyGone } = object;
  const { zone, now } = query;
  const gone = deletedAt !== null ? 'gone' : isProbablyGone ? 'probably gone' : null;
  const count = (value: number | null, isBad: boolean) =>
    value === null || value === 0 ? nothing : html`<span class="${isBad ? 'bad' : ''}">${number(value)}</span>`;
  return html`<tr id="o-${uid}" class="${failed ? 'failed' : ''}" data-row>
<td class="time"><time title="${zone.full(at)}">${zone.brief(at, now)}</time></td>
<td class="object"><a class="row-link line" href="${link(objectLink(query, object))}">${object.kind} <code>${cut(object.namespace === '' ? object.name : `${object.namespace}/${object.name}`, 120)}</code>${gone === null ? nothing : html` <span class="muted">${gone}</span>`}</a></td>
<td class="reason${failed ? ' bad' : ''}">${failed ? html`<span aria-hidden="true">✗ </span>` : nothing}${cut(reason, 80)}</td>
<td class="message">${line(message, 300)}</td>
<td class="count">${count(events, false)}</td><td class="count">${count(failures, true)}</td><td class="count">${count(restarts, false)}</td></tr>`;
}

/** In the rail: what was heard of last. */
export function latestList(query: PageQuery, objects: readonly LatestObject[]): Html {
  if (objects.length === 0) return nothing;
  const items = objects.map(
    (object) =>
      html`<li><a class="${object.failed ? 'failed' : ''}" href="${link(objectLink(query, object))}"><span title="${object.kind} ${cut(object.namespace, 300)}/${cut(object.name, 300)}">${object.failed ? html`<span aria-hidden="true">✗ </span>` : nothing}<code>${cut(object.name, 60)}</code></span><span class="count">${query.zone.clock(object.at).slice(0, 5)}</span></a></li>`,
  );
  return html`<section class="latest"><h2>Objects, latest Event</h2><ul>${items}</ul></section>`;
}
