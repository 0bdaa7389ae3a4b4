/** Changes as rows: what, by whom, how it ended, why, how long, against how long it usually takes. */
import { durationText } from '../../../shared/events/quantity.ts';
import type { Change } from '../../../shared/history/queries/changes.ts';
import type { UsualPhase } from '../../../shared/history/queries/usual.ts';
import { objectLink, traceLink } from '../html/addresses.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { isBad, outcomeClass, outcomeMark } from '../html/outcome.ts';
import { linkTo, type PageQuery } from '../html/page-query.ts';
import { cut, line, number, placeText, tidy } from '../html/text.ts';
import { usualCell } from './usual.ts';

/** `before`: where the next page begins; null: this is the last. */
export function changeTable(
  query: PageQuery,
  rows: readonly (Change & { readonly phases: readonly UsualPhase[] })[],
  before: string | null,
): Html {
  return html`<section class="card"><table class="rows changes"><caption class="hidden">Changes, the latest first</caption>
<thead><tr><th class="time">time</th><th class="what">change</th><th class="by">by</th><th class="how">outcome</th><th class="why">cause</th><th class="took">${sortLink(query, 'took', 'took')}</th><th class="usual">${sortLink(query, 'slow', 'usually')}</th><th class="count">events</th></tr></thead>
<tbody>${rows.map((row) => changeRow(query, row))}</tbody></table>
${query.parameters.has('before') || before !== null ? pager(query, before) : nothing}</section>`;
}

function sortLink(query: PageQuery, sort: string, text: string): Html {
  const isSorted = query.parameters.get('sort') === sort;
  const title = sort === 'slow' ? 'Slower than usual first' : 'Longest first';
  return html`<a href="${link(linkTo(query, { sort: isSorted ? null : sort }))}" title="${isSorted ? 'Latest first' : title}"${isSorted ? html` aria-current="true"` : nothing}>${text}${isSorted ? html`<span aria-hidden="true"> ↓</span>` : nothing}</a>`;
}

function changeRow(query: PageQuery, row: Change & { readonly phases: readonly UsualPhase[] }): Html {
  const { zone, now } = query;
  const { traceId, start, end, actor, outcome, cause, trouble, events } = row;
  const why = cause ?? trouble ?? '';
  const isLong = end - start > 1;
  return html`<tr id="c-${traceId}" class="${outcomeClass(outcome)}" data-row>
<td class="time"><time title="${zone.full(start)} – ${zone.full(end)}">${zone.brief(end, now)}</time></td>
<td class="what"><a class="row-link" href="${link(traceLink(query, traceId))}">${changeTitle(row)}</a></td>
<td class="by">${actor === null ? nothing : line(actor, 60)}</td>
<td class="how">${outcomeMark(outcome)}</td>
<td class="why${isBad(outcome) ? ' bad' : ''}">${line(tidy(why))}</td>
<td class="took">${isLong ? durationText(end - start) : '·'}</td>
<td class="usual">${usualCell(row.phases)}</td>
<td class="count">${events === null ? nothing : number(events)}</td></tr>`;
}

/** `Deployment checkout/cart: rollout`, the name in monospace. */
export function changeTitle(change: Pick<Change, 'kind' | 'namespace' | 'name' | 'change' | 'title'>): Html {
  const { kind, name, title } = change;
  const suffix = /\(([^()]*)\)$/.exec(title ?? '')?.[1];
  const what = change.change ?? 'change under way';
  return html`<span class="line">${kind} <code>${cut(placeText({ ...change, name }), 120)}</code>: <b>${what}</b>${suffix === undefined ? nothing : html` <span class="muted">${cut(suffix, 80)}</span>`}</span>`;
}

export function objectCell(
  query: PageQuery,
  object: {
    readonly cluster: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid?: string | null;
  },
): Html {
  return html`<a href="${link(objectLink(query, object))}" class="line" title="${object.kind} ${cut(placeText(object), 500)}">${object.kind} <code>${cut(placeText(object), 120)}</code></a>`;
}

export function pager(query: PageQuery, before: string | null): Html {
  const first = query.parameters.has('before') ? html`<a href="${link(linkTo(query))}">latest</a>` : nothing;
  const next = before === null ? nothing : html`<a rel="next" href="${link(linkTo(query, { before }))}">earlier</a>`;
  return html`<nav class="pager" aria-label="Pages of the list">${first}${next}</nav>`;
}
