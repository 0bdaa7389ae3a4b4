/** The rail of a list: what there is to choose from, with counts of the range. Each value is a link, and again a link to drop it. */
import { type Html, html, link, nothing } from '../html/html.ts';
import { linkTo, type PageQuery } from '../html/page-query.ts';
import { cut, number } from '../html/text.ts';

export interface FacetValue {
  readonly value: string;
  readonly count: number;
  readonly failed: number;
}

export interface Facet {
  readonly title: string;
  readonly parameter: string;
  readonly values: readonly FacetValue[];
  /** What an empty value is called; undefined: it is left out. */
  readonly empty?: string;
  /** Class of a value's colour. */
  readonly classOf?: (value: string) => string;
  /** Without a line for all. */
  readonly withoutAll?: boolean;
}

const shownMax = 9;
const listedMax = 200;

/** `chosen`: how many filters are set, for the button of a narrow screen. */
export function rail(query: PageQuery, facets: readonly Facet[], switches: Html, extra: Html = nothing): Html {
  const chosen = facets.filter(({ parameter }) => query.parameters.has(parameter)).length + (query.failedOnly ? 1 : 0);
  return html`<input type="checkbox" id="rail-open" class="rail-open"><label for="rail-open" class="rail-button">Filters${chosen > 0 ? ` (${chosen})` : ''}</label>
<aside class="rail" aria-label="Filters">${facets.map((facet) => facetOf(query, facet))}${switches}${extra}</aside>`;
}

function facetOf(query: PageQuery, facet: Facet): Html {
  const { title, parameter, empty, withoutAll } = facet;
  const chosen = query.parameters.getAll(parameter);
  const listed = facet.values.filter(({ value }) => value !== '' || empty !== undefined).slice(0, listedMax);
  const missing = chosen
    .filter((one) => !listed.some(({ value }) => written(value) === one))
    .map((value) => ({ value, count: 0, failed: 0 }));
  const values = [...missing, ...listed];
  if (values.length === 0) return nothing;
  const isShort = values.length <= shownMax + 1;
  const first = isShort ? values : values.slice(0, shownMax);
  const rest = isShort ? [] : values.slice(shownMax);
  const item = (value: FacetValue) => valueItem(query, facet, value, chosen.includes(written(value.value)));
  const total = listed.reduce((sum, { count }) => sum + count, 0);
  const all = withoutAll
    ? nothing
    : html`<li><a href="${link(linkTo(query, { [parameter]: null }))}"${chosen.length === 0 ? html` aria-current="true"` : nothing}><span>all</span><span class="count">${number(total)}</span></a></li>`;
  return html`<section><h2>${title}</h2><ul>${all}${first.map(item)}</ul>${
    rest.length === 0
      ? nothing
      : html`<details id="more-${parameter}"><summary>${rest.length} more</summary><ul>${rest.map(item)}</ul></details>`
  }</section>`;
}

/** As a parameter: what has no namespace is written `-`, as in the address of an object. */
function written(value: string): string {
  return value === '' ? '-' : value;
}

function valueItem(query: PageQuery, { parameter, empty, classOf }: Facet, { value, count, failed }: FacetValue, isChosen: boolean): Html {
  const name = value === '' || value === '-' ? (empty ?? value) : value;
  const bad =
    failed > 0 && classOf === undefined
      ? html`<span class="bad-count" title="${number(failed)} failed">${number(failed)}<span aria-hidden="true"> ✗</span></span>`
      : nothing;
  return html`<li><a class="${classOf?.(value) ?? ''}" href="${link(linkTo(query, { [parameter]: isChosen ? null : written(value) }))}"${isChosen ? html` aria-current="true"` : nothing}><span title="${cut(name, 300)}">${cut(name, 60)}</span>${bad}<span class="count">${number(count)}</span></a></li>`;
}

/** A link that turns a parameter on or off. */
export function switchLink(query: PageQuery, text: string, isOn: boolean, parameter: string, on: string | null, off: string | null): Html {
  return html`<a class="switch" role="switch" aria-checked="${isOn ? 'true' : 'false'}" href="${link(linkTo(query, { [parameter]: isOn ? off : on }))}"><span class="knob" aria-hidden="true"></span>${text}</a>`;
}
