/** `/sql`: a query of one's own on the views of the history, read-only and with limits. */
import { Reader } from '../../../shared/history/console/reader.ts';
import type { Database } from '../../../shared/history/database.ts';
import { type Html, html, nothing } from '../html/html.ts';
import type { PageAnswer, PageContext, PageRoute } from './page.ts';
import { pageLimits, resultTable } from './result-table.ts';

export const sqlPage: PageRoute = { path: '/sql', parameters: ['sql', 'tz'], answer: console };

const start = 'select kind, namespace, name, change, outcome, cause, started_at\nfrom traces\norder by started_at desc\nlimit 50';
const readers = new WeakMap<Database, Reader>();

/** One per database: it counts who runs a query. */
export function readerOf(database: Database): Reader {
  const reader = readers.get(database) ?? new Reader(database);
  readers.set(database, reader);
  return reader;
}

async function console({ database, query }: PageContext): Promise<PageAnswer> {
  const text = query.parameters.get('sql')?.replaceAll('\r\n', '\n') ?? null;
  const result = text === null ? null : await readerOf(database).run(text, pageLimits);
  const content = html`<h1 class="hidden">SQL</h1><div class="column">
${editor(text ?? start)}
${result === null ? nothing : resultTable(query, result)}</div>`;
  return { kind: 'page', page: { title: 'SQL', content, live: false, ranged: false }, data: result };
}

function editor(text: string): Html {
  return html`<form class="card editor" method="get" action="/sql"><label for="sql">Views: events, series, objects, traces, spans, event_traces. Read-only; 10 s; 500 rows.</label>
<textarea id="sql" name="sql" rows="8" spellcheck="false">${text}</textarea><button class="button">Run</button></form>`;
}
