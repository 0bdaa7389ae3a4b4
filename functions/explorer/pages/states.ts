/** What a page shows in place of rows: nothing found, and why; or that it cannot be shown, with a link that works. */
import type { Micros } from '../../../shared/events/observation.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { filterParameters, linkTo, type PageQuery, timeParameter } from '../html/page-query.ts';
import type { PageAnswer, Way } from './page.ts';

/** `begins`: of the history; null: it is empty. */
export function emptyState(query: PageQuery, thing: string, begins: Micros | null): Html {
  const isFiltered = filterParameters.some((name) => name !== 'cluster' && query.parameters.has(name));
  const none = Object.fromEntries(filterParameters.map((name) => [name, null]));
  const { zone, range } = query;
  if (begins === null) return card(`No ${thing} yet`, 'The history is empty: nothing has been written to it.', nothing);
  if (isFiltered)
    return card(
      `No ${thing} matches`,
      'The filters are too narrow for this range.',
      html`<a href="${link(linkTo(query, none))}">drop all filters</a>`,
    );
  if (range.from < begins && range.to > begins)
    return card(
      `No ${thing} in this range`,
      `The history begins at ${zone.full(begins)}.`,
      html`<a href="${link(linkTo(query, { from: timeParameter(begins), to: null }))}">show all of it</a>`,
    );
  if (range.to <= begins)
    return card(
      `No ${thing} here`,
      `The history begins at ${zone.full(begins)}, after this range.`,
      html`<a href="${link(linkTo(query, { from: null, to: null }))}">last 24 h</a>`,
    );
  return card(
    `No ${thing} in this range`,
    'Nothing happened.',
    html`<a href="${link(linkTo(query, { from: '-7d', to: null }))}">last 7 days</a>`,
  );
}

function card(title: string, text: string, way: Html): Html {
  return html`<section class="card empty"><h2>${title}</h2><p>${text}</p><p>${way}</p></section>`;
}

/** A parameter that cannot be. */
export function refused(
  { path }: Pick<PageQuery, 'path'>,
  reason: string,
  way: Way = { href: path, text: 'This page without parameters' },
): PageAnswer {
  return { kind: 'refused', status: 400, reason, way };
}

/** Answers without rows: 400, 404, 503, 500. */
export function problem(title: string, reason: string, way: Way): Html {
  return html`<section class="card problem"><h1>${title}</h1><p>${reason}</p><p><a href="${link(way.href)}">${way.text}</a></p></section>`;
}
