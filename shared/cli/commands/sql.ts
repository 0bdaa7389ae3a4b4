/** `knspan sql`: a query on the history, read-only and with limits. */
import { existsSync } from 'node:fs';
import { text as textOf } from 'node:stream/consumers';
import { counted } from '../../events/quantity.ts';
import { type Example, exampleCalled, examples, lastDays } from '../../history/console/examples.ts';
import { Reader, type ReaderRows, readerLimits } from '../../history/console/reader.ts';
import { holdsHistory } from '../../history/embedded/data-folder.ts';
import { type OpenedDatabase, openDatabase } from '../../history/open.ts';
import { Log } from '../../process/log.ts';
import { type Environment, processEnvironment } from '../../process/settings.ts';
import { historyTarget } from '../history-target.ts';
import { InputError } from '../input/input-error.ts';
import { formatRows, type TableFormat } from '../output/table.ts';
import { pad, screenOf } from '../output/terminal.ts';
import { programName } from './version.ts';

export interface SqlOptions {
  readonly example?: string;
  readonly show: boolean;
  readonly days: number;
  readonly format: TableFormat;
  readonly limit: number;
  readonly data?: string;
}

const graceMs = 5_000;

export async function sqlCommand(query: string | undefined, options: SqlOptions): Promise<void> {
  const { format, limit } = options;
  const text = await queryOf(query, options);
  if (text === null || options.show) {
    process.stdout.write(text === null ? listing(programName()) : `${text.trim()}\n`);
    return;
  }
  const opened = await openHistory(options, processEnvironment());
  let result: Awaited<ReturnType<Reader['run']>>;
  try {
    result = await new Reader(opened.database).run(text, { ...readerLimits, rows: limit });
  } finally {
    await opened.close(graceMs);
  }
  if (result.kind === 'refused') throw new InputError(result.reason);
  process.stdout.write(formatRows(result, format, screenOf(process.stdout, process.env)));
  if (format === 'table' || result.truncated) process.stderr.write(`${summaryOf(result, limit)}\n`);
}

/** Null: what to ask is asked. */
async function queryOf(query: string | undefined, { example, days }: SqlOptions): Promise<string | null> {
  if (example !== undefined) return exampleOf(example).sql(lastDays(days));
  return query === '-' ? textOf(process.stdin) : (query ?? null);
}

function exampleOf(name: string): Example {
  const example = exampleCalled(name);
  if (example) return example;
  throw new InputError(`Cannot find example '${name}': wanted ${examples.map((one) => one.name).join(', ')}`);
}

/** Beside whoever writes it. */
async function openHistory({ data }: SqlOptions, environment: Environment): Promise<OpenedDatabase> {
  const target = historyTarget(data, environment);
  if (target.kind === 'folder' && !holdsHistory(target.folder))
    throw new InputError(
      `Cannot read the history: ${existsSync(target.folder) ? `there is none in '${target.folder}'` : `'${target.folder}' does not exist`}, wanted the data folder of knspan serve (--data) or DATABASE_URL`,
    );
  return openDatabase(target.kind === 'url' ? target : { ...target, shared: true }, {
    name: 'knspan sql',
    log: new Log({ function: 'sql', level: 'error' }),
    connectionsMax: 2,
  });
}

function summaryOf({ rows, truncated, tookMs }: ReaderRows, limit: number): string {
  return `${counted(rows.length, 'row')}, ${Math.round(tookMs)} ms${truncated ? `; more than ${limit.toLocaleString('en')} rows, --limit shows more` : ''}`;
}

function listing(knspan: string): string {
  const width = Math.max(...examples.map(({ name }) => name.length));
  const lines = examples.map(({ name, title }) => `  ${pad(name, width)}  ${title}`);
  return `Examples (${knspan} sql --example NAME; --show prints the query):\n${lines.join('\n')}\n`;
}
