/** The commands that read the history: arguments, options, examples. */
import { type Command, Option } from 'commander';
import { addExamples } from './help.ts';
import { wholeNumber } from './options.ts';
import type { SqlOptions } from './sql.ts';

const rowsMax = 1_000_000;

export const dataHelp = 'folder of the history; without it $XDG_STATE_HOME/knspan or ~/.local/state/knspan';

export function addSql(program: Command): void {
  const sql = program
    .command('sql')
    .summary('query the history of Events and traces')
    .description(
      'Query the history with SQL: the views events, series, objects, traces, spans and event_traces, read-only. Reads the data folder of knspan serve, also while it runs, or the PostgreSQL that DATABASE_URL names. Without a query, lists the examples.',
    )
    .argument('[query]', 'one query, or - for standard input')
    .optionsGroup('Query:')
    .option('--example <name>', 'run an example')
    .addOption(new Option('--days <number>', 'with --example: days to look back').argParser(wholeNumber(1, 10_000)).default(30))
    .option('--show', 'print the query instead of running it', false)
    .option('--data <folder>', dataHelp)
    .optionsGroup('Output:')
    .addOption(new Option('--format <format>', 'format of the rows').choices(['table', 'csv', 'json']).default('table'))
    .addOption(new Option('--limit <rows>', 'max rows').argParser(wholeNumber(1, rowsMax)).default(10_000))
    .action(async (query: string | undefined, options: SqlOptions) => (await import('./sql.ts')).sqlCommand(query, options));
  addExamples(sql, [
    'knspan sql "select title, outcome, cause from traces where failed order by ended_at desc limit 20"',
    'knspan sql --example images',
    'knspan sql --example restarts --days 90 --format csv > restarts.csv',
    '# What there is to query',
    'knspan sql --example views',
  ]);
}
