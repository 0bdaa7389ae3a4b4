/** What fails now, from fresh Events: a change is told only when it has settled. Nothing fails: nothing is shown. */
import type { Failing } from '../../../shared/history/queries/failing-now.ts';
import { objectLink } from '../html/addresses.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { linkToPage, type PageQuery } from '../html/page-query.ts';
import { cut, placeText } from '../html/text.ts';

const groupsMax = 4;
/** Pods of one ReplicaSet, or of one Job, differ in these. */
const podSuffix = /(?:-[a-z0-9]{6,10})?-[bcdf-hj-np-tv-z2456789]{5}$/;

export function failingStrip(query: PageQuery, failing: readonly Failing[], hasMore: boolean): Html {
  if (failing.length === 0) return nothing;
  const groups = [...Map.groupBy(failing, groupOf).values()];
  const all = linkToPage(query, '/events', ['cluster', 'ns', 'kind', 'tz'], { failed: '1', from: '-15m', view: 'objects' });
  const more = hasMore || groups.length > groupsMax ? html`<li><a href="${link(all)}">more</a></li>` : nothing;
  return html`<section class="failing-now" aria-label="Failing now"><h2>Failing now</h2><ul>${groups.slice(0, groupsMax).map((group) => groupItem(query, group))}${more}</ul><p class="muted">fresh Events; changes follow when settled</p></section>`;
}

function groupOf({ cluster, kind, namespace, name, reason }: Failing): string {
  return JSON.stringify([cluster, kind, namespace, kind === 'Pod' ? name.replace(podSuffix, '') : name, reason]);
}

/** The latest first. */
function groupItem(query: PageQuery, group: readonly Failing[]): Html {
  const [first] = group;
  if (first === undefined) return nothing;
  const n = Math.max(...group.map((one) => one.n));
  const name = group.length === 1 ? first.name : first.name.replace(podSuffix, '');
  const what = group.length === 1 ? first.kind : `${group.length} pods`;
  return html`<li><a href="${link(objectLink(query, first))}" title="${cut(first.message, 1_000)}">${what} <code>${cut(placeText({ ...first, name }), 80)}</code> <b>${first.reason}</b>${n > 1 ? html` × ${n}` : nothing}</a> <span class="muted">${query.zone.brief(first.at, query.now)}</span></li>`;
}
