/** What all pages share: the head, where one can go, search, cluster, range and zone. */
import type { HistoryStatus } from '../../../shared/history/queries/status.ts';
import { assetPath } from '../assets.ts';
import { type Html, html, link, nothing, type Part } from './html.ts';
import { type Changes, filterParameters, linkTo, linkToPage, type PageQuery, rangeParameters, timeParameter } from './page-query.ts';
import { Zone } from './zone.ts';

/** The same on every page of one answer. */
export interface Surroundings {
  readonly query: PageQuery;
  readonly clusters: readonly string[];
  readonly status: HistoryStatus;
  /** Of the person; null: nobody has signed in. */
  readonly person: string | null;
}

export interface Page {
  readonly title: string;
  readonly content: Html;
  /** The rows move with time: the browser fetches the page again when something was written. */
  readonly live: boolean;
  /** The range of the page can be chosen; a text: what is shown where none was. */
  readonly ranged: boolean | string;
}

const pages = [
  ['/changes', 'Changes'],
  ['/events', 'Events'],
  ['/insights', 'Insights'],
  ['/sql', 'SQL'],
] as const;

export const ranges = [
  ['-15m', 'last 15 min'],
  ['-1h', 'last hour'],
  ['-6h', 'last 6 h'],
  ['-24h', 'last 24 h'],
  ['-2d', 'last 2 days'],
  ['-7d', 'last 7 days'],
  ['-30d', 'last 30 days'],
] as const;

export function document({ title, content, live, ranged }: Page, surroundings: Surroundings): Html {
  const { query } = surroundings;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · knspan</title>
<link rel="icon" href="${link(assetPath('icon.svg'))}">
<link rel="stylesheet" href="${link(assetPath('style.css'))}">
<script type="module" src="${link(assetPath('main.js'))}"></script>
</head>
<body data-live="${live && query.isRelative ? 'on' : 'off'}" data-path="${query.path}" data-absolute="${absoluteLink(query, ranged)}">
<a class="skip" href="#main">Skip to content</a>
${header(surroundings, ranged)}
<div class="progress" id="progress" hidden></div>
<main id="main" tabindex="-1">${content}</main>
${help()}
</body>
</html>
`;
}

/** What shows another person the same, also tomorrow. */
function absoluteLink(query: PageQuery, ranged: boolean | string): string {
  const { from, to } = query.range;
  const times: Changes = ranged === true ? { from: timeParameter(from), to: timeParameter(to) } : {};
  return linkTo(query, { ...times, tz: query.zone.name });
}

function header({ query, clusters, status, person }: Surroundings, ranged: boolean | string): Html {
  return html`<header>
<a class="brand" href="/changes">knspan</a>
<nav aria-label="Pages">${pages.map(([path, name]) => pageLink(query, path, name))}</nav>
${searchForm(query)}
<div class="controls">
${clusters.length > 1 || query.filter.clusters ? clusterMenu(query, clusters) : nothing}
${ranged === false ? nothing : rangeMenu(query, ranged === true ? null : ranged)}
${zoneMenu(query)}
${person === null ? nothing : html`<span class="person" title="Signed in">${person}</span>`}
${liveState(query, status)}
</div>
</header>`;
}

const sharedByPages = [...filterParameters, ...rangeParameters].filter((name) => name !== 'change' && name !== 'outcome' && name !== 'by');

/** What a page keeps of another's filters. */
function sharedOf(path: string): readonly string[] {
  return path === '/insights' ? rangeParameters : path === '/sql' ? ['tz'] : sharedByPages;
}

function pageLink(query: PageQuery, path: string, name: string): Html {
  const isCurrent = query.path === path;
  const below = path === '/events' ? /^\/(events|objects)\// : path === '/changes' ? /^\/traces\// : null;
  const isBelow = below?.test(query.path) ?? false;
  const current = isCurrent ? html` aria-current="page"` : isBelow ? html` class="below"` : nothing;
  return html`<a href="${link(linkToPage(query, path, sharedOf(path)))}"${current}>${name}</a>`;
}

/** From a page that cannot be searched it leads to the changes. */
function searchForm(query: PageQuery): Html {
  const isList = query.path === '/changes' || query.path === '/events';
  const kept = [...query.parameters].filter(
    ([name]) => name !== 'q' && name !== 'before' && (isList || ['from', 'to', 'tz'].includes(name)),
  );
  const hidden = kept.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
  return html`<form class="search" role="search" method="get" action="${link(isList ? query.path : '/changes')}">
<input id="search" type="search" name="q" value="${isList ? (query.parameters.get('q') ?? '') : ''}" placeholder="Search objects, reasons, messages" aria-label="Search objects, reasons, messages" autocomplete="off" spellcheck="false">
<kbd aria-hidden="true">/</kbd>${isList ? hidden : nothing}</form>`;
}

function menu(id: string, label: string, current: Part, items: Part): Html {
  return html`<details class="menu" id="menu-${id}"><summary aria-label="${label}">${current}</summary><div class="panel">${items}</div></details>`;
}

function choice(href: string, text: string, isCurrent: boolean): Html {
  return html`<a href="${link(href)}"${isCurrent ? html` aria-current="true"` : nothing}>${text}</a>`;
}

function clusterMenu(query: PageQuery, clusters: readonly string[]): Html {
  const chosen = query.filter.clusters ?? [];
  const all = choice(linkTo(query, { cluster: null }), 'all clusters', chosen.length === 0);
  const each = clusters.map((name) => choice(linkTo(query, { cluster: name }), name, chosen.includes(name)));
  return menu('cluster', `Cluster: ${chosen.join(', ') || 'all'}`, chosen.join(', ') || 'all clusters', [all, ...each]);
}

/** `whole`: what is shown without a range; null: the last day. */
function rangeMenu(query: PageQuery, whole: string | null): Html {
  const { zone, range, now, parameters, isRelative } = query;
  const from = parameters.get('from') ?? '-24h';
  const isWhole = whole !== null && !parameters.has('from') && !parameters.has('to');
  const preset = isWhole ? whole : isRelative ? (ranges.find(([value]) => value === from)?.[1] ?? `last ${from.slice(1)}`) : null;
  const chosen = preset ?? `${zone.brief(range.from, now)} – ${zone.brief(range.to, now)}`;
  const presets = ranges.map(([value, name]) =>
    choice(linkTo(query, { from: value === '-24h' && whole === null ? null : value, to: null }), name, name === preset),
  );
  const others = [...parameters].filter(([name]) => !['from', 'to', 'before'].includes(name));
  const exact = html`<form method="get" action="${link(query.path)}">
${others.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<label>from <input name="from" value="${isRelative ? from : timeParameter(range.from)}" spellcheck="false"></label>
<label>to <input name="to" value="${isRelative ? '' : timeParameter(range.to)}" placeholder="now" spellcheck="false"></label>
<button>Show</button></form>`;
  const all = whole === null ? nothing : choice(linkTo(query, { from: null, to: null }), whole, isWhole);
  return menu('range', `Range: ${chosen}`, chosen, [all, ...presets, exact]);
}

function zoneMenu(query: PageQuery): Html {
  const { zone } = query;
  const names = [...new Set(['UTC', Zone.own.name, zone.name])];
  const each = names.map((name) => choice(linkTo(query, { tz: name === Zone.own.name ? null : name }), name, name === zone.name));
  const others = [...query.parameters].filter(([name]) => name !== 'tz');
  const other = html`<form method="get" action="${link(query.path)}">
${others.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<label>zone <input name="tz" placeholder="Europe/Berlin" spellcheck="false"></label><button>Show</button></form>`;
  return menu('zone', `Time zone: ${zone.name}`, zone.city, [html`<div id="zones" data-own="${Zone.own.name}">${each}</div>`, other]);
}

function liveState({ zone, now }: PageQuery, { writtenAt }: HistoryStatus): Html {
  const asOf = writtenAt === null ? 'nothing written yet' : `as of ${zone.brief(writtenAt, now)}`;
  return html`<button type="button" id="live" class="live" aria-pressed="false" title="Update the page as the history grows (l)"><span class="dot" aria-hidden="true"></span><span id="live-word"></span><span class="as-of">${asOf}</span></button>`;
}

const keys = [
  ['/', 'search'],
  ['j k', 'next and previous row'],
  ['o', 'open the row'],
  ['f', 'failed only'],
  ['[ ]', 'earlier and later range'],
  ['z', 'zoom out'],
  ['l', 'live or paused'],
  ['t', 'UTC or your time zone'],
  ['?', 'this help'],
] as const;

function help(): Html {
  const rows = keys.map(([key, what]) => html`<dt>${key.split(' ').map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${what}</dd>`);
  return html`<dialog id="help" aria-label="Keyboard"><h2>Keyboard</h2><dl>${rows}</dl><form method="dialog"><button>Close</button></form></dialog>`;
}
