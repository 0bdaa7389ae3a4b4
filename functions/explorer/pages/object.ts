/** `/objects/CLUSTER/KIND/NAMESPACE/NAME`: one object through its life, what it belongs to, and earlier lives of its name. */
import { durationText } from '../../../shared/events/quantity.ts';
import { isTooMuch } from '../../../shared/history/database.ts';
import { eventsOfObjects } from '../../../shared/history/queries/event-rows.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';
import { type Gap, historyGaps } from '../../../shared/history/queries/gaps.ts';
import { childrenOf, type HistoryObject, objectLives, ownersOf } from '../../../shared/history/queries/object.ts';
import { changesOfObject, phasesOfObject } from '../../../shared/history/queries/object-changes.ts';
import { usualPhases } from '../../../shared/history/queries/usual.ts';
import { lifeChart, lifeOf } from '../charts/life.ts';
import { objectLink } from '../html/addresses.ts';
import { type Html, html, link, nothing, type Part } from '../html/html.ts';
import { linkTo, type PageQuery } from '../html/page-query.ts';
import { cut, number, placeText } from '../html/text.ts';
import { changeTable } from './change-table.ts';
import { eventTable } from './event-tables.ts';
import { switchLink } from './facets.ts';
import type { PageAnswer, PageContext, PageRoute } from './page.ts';
import { refused } from './states.ts';

export const objectPage: PageRoute = {
  path: '/objects/[^/]+/[^/]+/[^/]+/[^/]+',
  parameters: ['tz', 'from', 'to', 'uid', 'children'],
  answer: object,
};

const changesMax = 50;
const eventsMax = 200;
const childrenShown = 12;
const childrenMax = 200;
/** Around a life, so that its ends are seen. */
const margin = 0.02;
const gapStepsMax = 300;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function object(context: PageContext): Promise<PageAnswer> {
  const { database, scope, query, segments } = context;
  const [cluster = '', kind = '', place = '', name = ''] = segments;
  const uid = query.parameters.get('uid');
  if (uid !== null && !uuid.test(uid)) return refused(query, `Cannot show uid '${cut(uid, 50)}': wanted a uid such as in metadata.uid`);
  const lives = await objectLives(database, scope, { cluster, kind, namespace: place === '-' ? '' : place, name });
  const shown = uid === null ? lives[0] : lives.find((one) => one.uid === uid);
  if (shown === undefined)
    return lives.length > 0
      ? {
          kind: 'refused',
          status: 404,
          reason: 'No object of this name had this uid.',
          way: { href: query.path, text: 'The last one of this name' },
        }
      : {
          kind: 'refused',
          status: 404,
          reason: 'This object is not here: nothing was heard of it, or it is older than the retention.',
          way: { href: '/events?view=objects', text: 'All objects' },
        };
  const range = rangeOf(query, shown);
  const withChildren = query.parameters.get('children') === '1';
  const [owners, children, changes, phases, gaps] = await Promise.all([
    ownersOf(database, scope, shown),
    childrenOf(database, scope, shown),
    changesOfObject(database, scope, shown.uid, range, changesMax),
    phasesOfObject(database, scope, shown.uid, range),
    gapsOf(context, shown, range),
  ]);
  const uids = [shown.uid, ...(withChildren ? children.slice(0, childrenMax).map((one) => one.uid) : [])];
  const [events, usual] = await Promise.all([
    eventsOfObjects(database, scope, uids, { range, limit: eventsMax }),
    usualPhases(
      database,
      scope,
      changes.map(({ traceId }) => traceId),
    ),
  ]);
  const listed = changes.map((change) => ({ ...change, phases: usual.filter(({ traceId }) => traceId === change.traceId) }));
  const inRange = { ...query, range };
  const content = html`${head(query, shown, lives)}
<div class="with-panel"><div class="column">${lifeChart(inRange, { object: shown, range, phases, changes, events, gaps })}
${listed.length === 0 ? nothing : changeTable(inRange, listed, null)}
${children.length > 0 ? html`<div class="switches">${switchLink(query, `With Events of what it owns (${number(children.length)})`, withChildren, 'children', '1', null)}</div>` : nothing}
${events.length === 0 ? html`<section class="card empty"><h2>No Event in this range</h2><p><a href="${link(linkTo(query, { from: null, to: null }))}">its whole life</a></p></section>` : eventTable(inRange, { events, searched: null }, eventsMax, withChildren)}</div>
<div class="panels">${belongsTo(query, shown, owners)}${childList(query, children)}${lifeList(query, shown, lives)}</div></div>`;
  return {
    kind: 'page',
    page: { title: `${kind} ${placeText(shown)}`, content, live: shown.deletedAt === null, ranged: 'whole life' },
    data: { object: shown, owners, children, lives, changes, phases, events, gaps },
  };
}

/** Its life, unless a range was asked for. */
function rangeOf(query: PageQuery, shown: HistoryObject): Range {
  if (query.parameters.has('from') || query.parameters.has('to')) return query.range;
  const { from, to } = lifeOf(shown, query.now);
  const room = Math.max(1_000_000, Math.round((to - from) * margin));
  return { from: from - room, to: shown.deletedAt === null ? to : to + room };
}

async function gapsOf(
  { database, scope }: PageContext,
  { cluster, kind, namespace, name }: HistoryObject,
  range: Range,
): Promise<readonly Gap[]> {
  const stepMs = Math.max(1, Math.ceil((range.to - range.from) / 1_000 / gapStepsMax));
  try {
    return await historyGaps(
      database,
      scope,
      { clusters: [cluster], namespaces: [namespace], kinds: [kind], name: `${name.replaceAll('*', '')}*` },
      range,
      stepMs,
    );
  } catch (error) {
    if (isTooMuch(error)) return [];
    throw error;
  }
}

function head(query: PageQuery, shown: HistoryObject, lives: readonly HistoryObject[]): Html {
  const { zone, now } = query;
  const { kind, lastFailed, lastReason, deletedAt, stoppedAt, phase, events, failures, restarts } = shown;
  const isFailing = lastFailed === true && deletedAt === null && stoppedAt === null;
  const state =
    deletedAt !== null ? 'gone' : isFailing ? (lastReason ?? 'failing') : (phase ?? (stoppedAt === null ? '' : 'probably gone'));
  const { from, to } = lifeOf(shown, now);
  const place = lives.indexOf(shown);
  const facts: Part[] = [
    html`uid <code>${shown.uid.slice(0, 8)}…</code>${lives.length > 1 ? `, ${lives.length - place} of ${lives.length} of this name` : ''}`,
    `since ${zone.brief(from, now)}${deletedAt === null ? '' : `, gone ${zone.brief(deletedAt, now)} after ${durationText(to - from)}`}`,
    html`${number(events)} Events, <span class="${failures > 0 ? 'bad' : ''}">${number(failures)} failed</span>`,
    restarts > 0 ? `${number(restarts)} restarts` : nothing,
  ];
  return html`<div class="head"><div><h1>${kind} <code>${cut(placeText(shown), 200)}</code> <span class="verdict${isFailing ? ' failed' : ''}">${isFailing ? html`<span aria-hidden="true">✗ </span>` : nothing}${cut(state, 60)}</span></h1>
<p class="facts">${facts.filter((fact) => fact !== nothing).map((fact, index) => html`${index > 0 ? ' · ' : ''}${fact}`)}</p></div></div>`;
}

function belongsTo(query: PageQuery, shown: HistoryObject, owners: readonly HistoryObject[]): Html {
  const { cluster, node, claims, namespace, api } = shown;
  const item = (name: string, value: Part) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  const facts = [
    ...owners.map((owner, index) =>
      item(
        index === 0 ? 'owner' : '',
        html`<a href="${link(objectLink(query, owner))}">${owner.kind} <code>${cut(owner.name, 100)}</code></a>`,
      ),
    ),
    ...(node === null
      ? []
      : [
          item(
            'node',
            html`<a href="${link(objectLink(query, { cluster, kind: 'Node', namespace: '', name: node }))}"><code>${cut(node, 100)}</code></a>`,
          ),
        ]),
    ...(claims ?? []).map((claim) =>
      item(
        'claim',
        html`<a href="${link(objectLink(query, { cluster, kind: 'PersistentVolumeClaim', namespace, name: claim }))}"><code>${cut(claim, 100)}</code></a>`,
      ),
    ),
    item('cluster', cut(cluster, 100)),
    item('api', html`<code>${cut(api, 100)}</code>`),
  ];
  return html`<section class="card panel"><h2>Belongs to</h2><dl>${facts}</dl></section>`;
}

function childList(query: PageQuery, children: readonly HistoryObject[]): Html {
  if (children.length === 0) return nothing;
  const failing = (one: HistoryObject) => one.lastFailed === true && one.deletedAt === null && one.stoppedAt === null;
  const items = children
    .toSorted((a, b) => Number(failing(b)) - Number(failing(a)))
    .slice(0, childrenShown)
    .map(
      (one) =>
        html`<li><a href="${link(objectLink(query, one))}">${one.kind} <code>${cut(one.name, 100)}</code></a> <span class="${failing(one) ? 'bad' : 'muted'}">${failing(one) ? `✗ ${cut(one.lastReason ?? '', 40)}` : one.deletedAt !== null ? 'gone' : one.stoppedAt !== null ? 'probably gone' : ''}</span></li>`,
    );
  const more = children.length > childrenShown ? html`<li class="muted">${number(children.length - childrenShown)} more</li>` : nothing;
  return html`<section class="card panel"><h2>Owns <span class="muted">${number(children.length)}</span></h2><ul class="list">${items}${more}</ul></section>`;
}

function lifeList(query: PageQuery, shown: HistoryObject, lives: readonly HistoryObject[]): Html {
  if (lives.length < 2) return nothing;
  const items = lives.slice(0, 20).map((one) => {
    const when = `${query.zone.brief(one.firstAt, query.now)}${one.deletedAt === null ? '' : ` – ${query.zone.brief(one.deletedAt, query.now)}`}`;
    return html`<li><a href="${link(linkTo(query, { uid: one.uid, from: null, to: null }))}"${one === shown ? html` aria-current="true"` : nothing}>${when} <code>${one.uid.slice(0, 8)}…</code></a></li>`;
  });
  return html`<section class="card panel"><h2>Lives of this name</h2><ul class="list">${items}</ul></section>`;
}
