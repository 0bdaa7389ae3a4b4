/** Rows of a query as a table for people, as CSV (RFC 4180) or as JSON: an array of objects, one per line. */
import type { Cell, ReaderColumn, ReaderRows } from '../../history/console/reader.ts';
import { clean, pad, padLeft, paint, type Screen, widthOf } from './terminal.ts';

export type TableFormat = 'table' | 'csv' | 'json';

type Table = Pick<ReaderRows, 'columns' | 'rows'>;

export function formatRows(table: Table, format: TableFormat, screen: Screen): string {
  if (format === 'csv') return csvOf(table);
  return format === 'json' ? jsonOf(table) : tableOf(table, screen);
}

const gap = '  ';

function tableOf({ columns, rows }: Table, screen: Screen): string {
  const cells = rows.map((row) => row.map((cell) => clean(cell ?? '')));
  const widths = columns.map(({ name }, place) => cells.reduce((width, row) => Math.max(width, widthOf(row[place] ?? '')), name.length));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, place) => (columns[place]?.type === 'number' ? padLeft : pad)(text, widths[place] ?? 0))
      .join(gap)
      .trimEnd();
  const head = paint(screen, 'bold', line(columns.map(({ name }) => clean(name).toUpperCase())));
  return `${[head, ...cells.map(line)].join('\n')}\n`;
}

function csvOf({ columns, rows }: Table): string {
  const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [columns.map(({ name }) => name), ...rows.map((row) => row.map((cell) => cell ?? ''))];
  return lines.map((line) => `${line.map(quoted).join(',')}\r\n`).join('');
}

function jsonOf({ columns, rows }: Table): string {
  const lines = rows.map((row) =>
    JSON.stringify(Object.fromEntries(columns.map((column, place) => [column.name, jsonValueOf(column, row[place] ?? null)]))),
  );
  return `[${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n`}]\n`;
}

function jsonValueOf({ type }: ReaderColumn, cell: Cell): unknown {
  if (cell === null) return null;
  if (type === 'flag') return cell === 't';
  if (type === 'json') return JSON.parse(cell);
  // More digits than a number holds, or NaN: as text.
  return type === 'number' && /^-?\d+(\.\d+)?$/.test(cell) && cell.length <= 15 ? Number(cell) : cell;
}
