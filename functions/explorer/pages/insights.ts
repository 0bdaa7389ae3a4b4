/** `/insights`: what people ask most, answered for the range of the page, each with the SQL that does it. */
import { type Example, examples } from '../../../shared/history/console/examples.ts';
import { timeText } from '../../../shared/history/time.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { linkTo, linkToPage, type PageQuery } from '../html/page-query.ts';
import { cut } from '../html/text.ts';
import type { PageAnswer, PageContext, PageRoute } from './page.ts';
import { pageLimits, resultTable } from './result-table.ts';
import { readerOf } from './sql.ts';
import { refused } from './states.ts';

export const insightsPage: PageRoute = { path: '/insights', parameters: ['from', 'to', 'tz', 'show'], answer: insights };

const first = 'causes';

async function insights({ database, query }: PageContext): Promise<PageAnswer> {
  const name = query.parameters.get('show') ?? first;
  const example = examples.find((one) => one.name === name);
  if (example === undefined)
    return refused(query, `Cannot show '${cut(name, 50)}': wanted one of ${examples.map((one) => one.name).join(', ')}`);
  const text = example.sql(rangeOf(query)).trim();
  const result = await readerOf(database).run(text, pageLimits);
  const content = html`<h1 class="hidden">Insights</h1><div class="with-rail">${rail(query, example)}
<div class="column"><div class="chart-head"><h2>${example.title}</h2><a class="button" href="${link(linkToPage(query, '/sql', ['tz'], { sql: text }))}">SQL</a></div>
${resultTable(query, result)}</div></div>`;
  return { kind: 'page', page: { title: example.title, content, live: false, ranged: true }, data: result };
}

function rangeOf({ range: { from, to } }: PageQuery): { readonly from: string; readonly to: string } {
  return { from: `timestamptz '${timeText(Math.round(from))}'`, to: `timestamptz '${timeText(Math.round(to))}'` };
}

function rail(query: PageQuery, shown: Example): Html {
  const items = examples.map(
    (one) =>
      html`<li><a href="${link(linkTo(query, { show: one.name }))}"${one === shown ? html` aria-current="true"` : nothing}><span title="${one.title}">${one.title}</span></a></li>`,
  );
  return html`<input type="checkbox" id="rail-open" class="rail-open"><label for="rail-open" class="rail-button">Questions</label><aside class="rail questions" aria-label="Questions"><section><h2>Questions</h2><ul>${items}</ul></section></aside>`;
}
