/** `/events/CLUSTER/UID/N`: one Event whole, as Kubernetes had it, its occurrences, and the changes that it belongs to. */
import { stringify } from 'yaml';
import { asKubernetesEvent, readEvent, spansOfEvent, type TellingSpan, type WholeEvent } from '../../../shared/history/queries/event.ts';
import { eventLink, objectLink, traceLink } from '../html/addresses.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { outcomeMark } from '../html/outcome.ts';
import type { PageQuery } from '../html/page-query.ts';
import { cut, number, placeText } from '../html/text.ts';
import type { PageAnswer, PageContext, PageRoute } from './page.ts';

export const eventPage: PageRoute = { path: '/events/[^/]+/[^/]+/[^/]+', parameters: ['tz', 'from', 'to'], answer: event };

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const occurrencesShown = 50;
const yamlMax = 200_000;

async function event({ database, scope, query, segments }: PageContext): Promise<PageAnswer> {
  const [cluster = '', uid = '', count = ''] = segments;
  const way = { href: '/events', text: 'All Events' };
  if (!uuid.test(uid) || !/^\d{1,9}$/.test(count))
    return { kind: 'refused', status: 400, reason: 'Cannot show this Event: wanted /events/CLUSTER/UID/NUMBER', way };
  const [occurrences, telling] = await Promise.all([readEvent(database, scope, cluster, uid), spansOfEvent(database, scope, cluster, uid)]);
  const shown = occurrences.find(({ n }) => n === Number(count)) ?? occurrences[0];
  if (shown === undefined)
    return { kind: 'refused', status: 404, reason: 'This Event is not here: it was never seen, or is older than the retention.', way };
  const kubernetes = asKubernetesEvent(shown);
  const content = html`${head(query, shown)}
<div class="with-panel"><section class="card yaml" aria-label="The Event as YAML"><pre tabindex="0">${cut(stringify(kubernetes), yamlMax)}</pre></section>
<div class="panels">${changesOf(query, shown.n, telling)}${occurrenceList(query, shown, occurrences)}</div></div>`;
  return {
    kind: 'page',
    page: { title: `${shown.reason} ${placeText(shown)}`, content, live: false, ranged: false },
    data: { event: kubernetes, n: shown.n, occurrences: occurrences.map(({ n, at }) => ({ n, at })), spans: telling },
  };
}

function head(query: PageQuery, event: WholeEvent): Html {
  const { zone } = query;
  const { cluster, kind, namespace, name, objectUid, reason, failed, n, at, firstAt, component, instance, message, rule } = event;
  const object = { cluster, kind, namespace, name, uid: objectUid };
  return html`<div class="head"><div><h1><span class="${failed ? 'bad' : ''}">${failed ? html`<span aria-hidden="true">✗ </span>` : nothing}${cut(reason, 120)}</span>${n > 1 ? ` × ${number(n)}` : ''} <a class="quiet" href="${link(objectLink(query, object))}">${kind} <code>${cut(placeText(event), 160)}</code></a></h1>
<p class="facts">${zone.full(at)}${n > 1 ? `, first ${zone.full(firstAt)}` : ''} · by ${cut(component, 100)}${instance === null ? '' : ` on ${cut(instance, 100)}`} · rule <code>${cut(rule, 100)}</code></p>
<p class="cause">${cut(message, 1_000)}</p></div></div>`;
}

/** Of the occurrence: the span that lists it, else the one that lists the greatest number below it. */
function changesOf(query: PageQuery, n: number, telling: readonly TellingSpan[]): Html {
  const below = telling.filter((one) => one.n <= n);
  const nearest = Math.max(...below.map((one) => one.n));
  const items = below
    .filter((one) => one.n === nearest)
    .map(
      ({ traceId, spanId, title, change, outcome }) =>
        html`<li><a href="${link(traceLink(query, traceId, { span: spanId }))}">${cut(title ?? change ?? traceId, 200)}</a> ${outcomeMark(outcome)}</li>`,
    );
  const none = html`<p class="muted">No change tells of it yet: it is not settled, or was left out as noise.</p>`;
  return html`<section class="card panel"><h2>Change</h2>${items.length === 0 ? none : html`<ul>${items}</ul>`}</section>`;
}

function occurrenceList(query: PageQuery, { cluster, uid, n: shown }: WholeEvent, occurrences: readonly WholeEvent[]): Html {
  const most = Math.max(...occurrences.map(({ n }) => n));
  if (most <= 1) return nothing;
  const items = occurrences
    .slice(0, occurrencesShown)
    .map(
      ({ n, at }) =>
        html`<li><a href="${link(eventLink(query, { cluster, uid, n }))}"${n === shown ? html` aria-current="true"` : nothing}><time>${query.zone.full(at)}</time> × ${number(n)}</a></li>`,
    );
  return html`<section class="card panel"><h2>Occurrences <span class="muted">${number(occurrences.length)} of ${number(most)} were seen</span></h2><ol class="events">${items}</ol></section>`;
}
