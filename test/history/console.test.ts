/** SQL of people: what the views hold of real recordings, what each example answers, and what is refused. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { examples } from '../../shared/history/console/examples.ts';
import { Reader, type ReaderRows, readerLimits } from '../../shared/history/console/reader.ts';
import type { Database } from '../../shared/history/database.ts';
import { type HistoryItem, HistoryWriter } from '../../shared/history/writer.ts';
import { eventItem, itemsOf, recordings, writeAll } from '../helpers/history-input.ts';
import { observation } from '../helpers/observation.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';

let postgres: TestPostgres;
let database: Database;
let reader: Reader;
const ever = { from: "timestamptz '2000-01-01'", to: "timestamptz '2100-01-01'" };

before(async () => {
  postgres = await startPostgres();
  database = await postgres.database();
  const chosen = recordings().filter((folder) =>
    /captures\/(deployment-rollout|crashloop|image-pull-error|job-and-cronjob)$|scenarios\/(drain|liveness-rollout|node-outage|unschedulable|rollout-crash-undo|kubelet-evict|many-rollouts)$/.test(
      folder,
    ),
  );
  const items = (await Promise.all(chosen.map(itemsOf))).flat();
  const lonely = eventItem(observation({ uid: 'lonely' }));
  await writeAll(new HistoryWriter({ database, keepSince: () => null, waitingMax: 100_000 }), [...items, lonely, ...slower(items)]);
  reader = new Reader(database);
});
after(() => postgres.stop());

/** The first rollout again three times, the last one for ten minutes. */
function slower(items: readonly HistoryItem[]): HistoryItem[] {
  const rollout = items.find((item) => item.kind === 'segment' && item.segment.spans[0]?.attributes['knspan.change'] === 'rollout');
  assert.ok(rollout?.kind === 'segment');
  return [1, 2, 3].map((copy) => {
    const traceId = String(copy).padStart(32, '0');
    const spans = rollout.segment.spans.map((span) => ({ ...span, traceId, end: span.end + (copy === 3 ? 600_000_000 : 0) }));
    return { ...rollout, segment: { ...rollout.segment, traceId, spans } };
  });
}

async function rowsOf(text: string, limits?: Parameters<Reader['run']>[1]): Promise<ReaderRows> {
  const result = await reader.run(text, limits);
  assert.equal(result.kind, 'rows', result.kind === 'refused' ? result.reason : '');
  assert.ok(result.kind === 'rows');
  return result;
}

async function refusalOf(text: string, limits?: Parameters<Reader['run']>[1]): Promise<string> {
  const result = await reader.run(text, limits);
  assert.ok(result.kind === 'refused', `'${text}' was not refused`);
  return result.reason;
}

describe('examples', () => {
  for (const { name, sql } of examples)
    it(`${name}: answers from real recordings`, async () => {
      const { columns, rows } = await rowsOf(sql(ever));
      assert.ok(columns.length > 1 && rows.length > 0);
    });
});

describe('Reader', () => {
  it('reads stable views', async () => {
    const { rows } = await rowsOf(examples.find(({ name }) => name === 'views')?.sql(ever) ?? '');
    const columns = Map.groupBy(rows, ([view]) => view);
    assert.deepEqual([...columns.keys()], ['event_traces', 'events', 'objects', 'series', 'spans', 'traces']);
    for (const view of columns.keys()) assert.ok((await rowsOf(`select * from knspan.${view} limit 1`)).rows.length === 1);
  });

  it('gives types, nulls and trace ids as tracing backends write them', async () => {
    const { columns, rows } = await rowsOf(
      "select 1 as n, now() as at, true as flag, null as nothing, '{}'::jsonb as json, trace_id from traces order by trace_id limit 1",
    );
    assert.deepEqual(
      columns.map(({ type }) => type),
      ['number', 'time', 'flag', 'text', 'json', 'text'],
    );
    assert.deepEqual([rows[0]?.[3], rows[0]?.[5]], [null, '1'.padStart(32, '0')]);
    const found = await rowsOf(`select 1 from traces where trace_id = '${'1'.padStart(32, '0')}'`);
    assert.equal(found.rows.length, 1);
  });

  it('stops at the limit of rows, and says so', async () => {
    const { rows, truncated } = await rowsOf('select * from generate_series(1, 20000)', { ...readerLimits, rows: 1_200 });
    assert.deepEqual([rows.length, rows.at(-1), truncated], [1_200, ['1200'], true]);
    assert.equal((await rowsOf('values (1), (2)', { ...readerLimits, rows: 2 })).truncated, false);
  });

  const refused: Readonly<Record<string, readonly [query: string, sentence: RegExp]>> = {
    'an insert': ["insert into history.clusters values (9, 'x')", /^Cannot run 'insert': wanted a query \(select, with,/],
    'a write within a query': [
      "with x as (insert into history.clusters values (9, 'x') returning 1) select * from x",
      /read-only|permission denied/,
    ],
    'a lock': ['/* so */ select * from history.objects for update', /permission denied for schema history/],
    'a table behind the views': ['select * from history.events', /permission denied for schema history, wanted the views of schema knspan/],
    'a file of the server': ["select pg_read_file('/etc/passwd')", /permission denied for function pg_read_file/],
    'a folder of the server': ["select * from pg_ls_dir('/')", /permission denied for function pg_ls_dir/],
    'a program': ["copy (select 1) to program 'id'", /^Cannot run 'copy'/],
    'a second statement': ['select 1; select 2', /^Cannot run the query: it has several statements, wanted one$/],
    'another role': ['set role postgres', /^Cannot run 'set'/],
    'another role by a function': ["select set_config('role', 'knspan', false)", /permission denied to set role/],
    'more by dynamic SQL': [
      "select query_to_xml('select pg_read_file(''/etc/passwd'')', true, false, '')",
      /permission denied for function pg_read_file/,
    ],
    'writes again': [
      "select set_config('transaction_read_only', 'off', false)",
      /transaction read-write mode must be set before any query/,
    ],
    'a large object': ['select lo_creat(-1)', /read-only|cannot execute|permission denied/],
    'an empty text': ['  -- nothing\n', /^Cannot run an empty text: wanted a query/],
    'a fault': ['select nme from events', /column "nme" does not exist \(at character 8\)/],
  };
  for (const [what, [query, sentence]] of Object.entries(refused))
    it(`refuses ${what}`, async () => assert.match(await refusalOf(query), sentence));

  it('cuts off what takes too long, sorts too much or sends too much, with a sentence', async () => {
    assert.match(
      await refusalOf('select pg_sleep(60)', { ...readerLimits, timeoutMs: 300 }),
      /it ran for more than 0.3 s, wanted a shorter range/,
    );
    assert.match(
      await refusalOf("select repeat('x', 400) || i as text from generate_series(1, 3000000) as i order by 1", {
        ...readerLimits,
        timeoutMs: 120_000,
      }),
      /it sorts or joins more than 256 MB at once/,
    );
    assert.match(await refusalOf("select repeat('x', 50000000)", { ...readerLimits, bytes: 1 << 20 }), /its rows hold more than 1 MiB/);
    assert.deepEqual((await rowsOf('select 1')).rows, [['1']]);
  });

  it('leaves nothing behind for the next query', async () => {
    await rowsOf("select set_config('search_path', 'pg_catalog', false), pg_advisory_lock(1)");
    assert.equal((await rowsOf('select count(*) from traces')).rows.length, 1);
    assert.deepEqual((await rowsOf("select count(*) from pg_locks where locktype = 'advisory' and objid = 1")).rows, [['0']]);
  });
});
