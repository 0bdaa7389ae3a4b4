/** The result of a query as a table: ids of traces lead there, the last number of each row is drawn as a bar beside it. */
import type { Cell, ReaderColumn, ReaderRefusal, ReaderRows } from '../../../shared/history/console/reader.ts';
import { percent } from '../charts/axis.ts';
import { traceLink } from '../html/addresses.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import type { PageQuery } from '../html/page-query.ts';
import { line, number } from '../html/text.ts';

/** Of a page: a browser should not hold more. */
export const pageLimits = { rows: 500, timeoutMs: 10_000, bytes: 8 * 1024 * 1024 } as const;

export function resultTable(query: PageQuery, result: ReaderRows | ReaderRefusal): Html {
  if (result.kind === 'refused')
    return html`<section class="card refusal" role="alert"><p class="bad"><span aria-hidden="true">✗ </span>${result.reason}</p></section>`;
  const { columns, rows, truncated, tookMs } = result;
  const drawn = columns.findLastIndex(({ type }) => type === 'number');
  const most = Math.max(0, ...rows.map((row) => Number(row[drawn] ?? 0)));
  const isDrawn = drawn >= 0 && most > 0 && rows.length > 1;
  const bar = (row: readonly Cell[]) =>
    html`<td class="drawn"><svg height="10" aria-hidden="true"><rect class="measure" x="0" y="1" width="${percent(Math.max(0, Number(row[drawn] ?? 0)) / most)}" height="8" rx="2"/></svg></td>`;
  return html`<section class="card result" tabindex="0" aria-label="Result"><table><caption>${truncated ? 'the first ' : ''}${number(rows.length)} rows in ${number(Math.round(tookMs))} ms</caption>
<thead><tr>${columns.map(({ name, type }) => html`<th scope="col" class="${type}">${name}</th>`)}${isDrawn ? html`<td></td>` : nothing}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, place) => cellOf(query, columns[place], cell))}${isDrawn ? bar(row) : nothing}</tr>`)}</tbody></table></section>`;
}

function cellOf(query: PageQuery, column: ReaderColumn | undefined, cell: Cell): Html {
  if (cell === null) return html`<td class="muted">–</td>`;
  if (column?.name === 'trace_id' && /^[0-9a-f]{32}$/.test(cell))
    return html`<td><a href="${link(traceLink(query, cell))}"><code>${cell.slice(0, 8)}…</code></a></td>`;
  return html`<td class="${column?.type ?? 'text'}">${line(cell, 200)}</td>`;
}
