/** `knspan sql`: queries on a data folder that `knspan serve` has filled. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { temporaryFolder } from '../../../shared/history/embedded/temporary.ts';
import { openDatabase } from '../../../shared/history/open.ts';
import { HistoryWriter } from '../../../shared/history/writer.ts';
import { Log } from '../../../shared/process/log.ts';
import { knspan } from '../../helpers/cli.ts';
import { itemsOf, recordings, writeAll } from '../../helpers/history-input.ts';

const folder = temporaryFolder();
const data = ['--data', folder.path];

before(async () => {
  const log = new Log({ function: 'test', level: 'off' });
  const opened = await openDatabase({ kind: 'folder', folder: folder.path }, { name: 'test', log });
  const [capture = ''] = recordings().filter((path) => path.endsWith('captures/crashloop'));
  await writeAll(new HistoryWriter({ database: opened.database, keepSince: () => null, waitingMax: 10_000 }), await itemsOf(capture));
  await opened.close(10_000);
});
after(() => folder.remove());

describe('knspan sql', () => {
  it('prints a table, CSV or JSON', async () => {
    const query = "select change, count(*) as traces, true as flag, null as none from traces where change = 'create' group by 1";
    const table = await knspan(['sql', query, ...data]);
    assert.equal(table.out, 'CHANGE  TRACES  FLAG  NONE\ncreate       2  t\n');
    assert.match(table.err, /^1 row, \d+ ms\n$/);
    assert.equal((await knspan(['sql', query, ...data, '--format', 'csv'])).out, 'change,traces,flag,none\r\ncreate,2,t,\r\n');
    const json = await knspan(['sql', query, ...data, '--format', 'json']);
    assert.deepEqual([json.out, json.err], ['[\n{"change":"create","traces":2,"flag":true,"none":null}\n]\n', '']);
    const quoted = await knspan(['sql', `select 'a "b", c' as text, E'\\x1b[31m' as colour`, ...data, '--format', 'csv']);
    assert.match(quoted.out, /"a ""b"", c",/);
    assert.match((await knspan(['sql', "select E'\\x1b[31m' as colour", ...data])).out, /\\x1b\[31m/);
  });

  it('stops at the limit, and says so', async () => {
    const { out, err } = await knspan(['sql', 'select i from generate_series(1, 50) as i', '--limit', '2', '--format', 'csv', ...data]);
    assert.equal(out, 'i\r\n1\r\n2\r\n');
    assert.match(err, /^2 rows, \d+ ms; more than 2 rows, --limit shows more\n$/);
  });

  it('lists examples, shows one, runs one, and refuses an unknown one', async () => {
    assert.match((await knspan(['sql'])).out, /^Examples .*\n {2}images .* Which image was deployed when, per workload\n/);
    assert.match((await knspan(['sql', '--example', 'images', '--show', '--days', '7'])).out, /^select namespace[\s\S]*interval '7 days'/);
    const images = await knspan(['sql', '--example', 'images', '--days', '10000', ...data]);
    assert.match(images.out, /payments +Deployment +worker +app +\S+worker:2/);
    const unknown = await knspan(['sql', '--example', 'nothing', ...data]);
    assert.deepEqual([unknown.status, unknown.err.slice(0, 62)], [2, "Cannot find example 'nothing': wanted images, restarts, phases"]);
  });

  it('refuses what is no query, and a folder without a history, with a sentence', async () => {
    const drop = await knspan(['sql', 'drop table history.events', ...data]);
    assert.deepEqual([drop.status, drop.err], [2, "Cannot run 'drop': wanted a query (select, with, values, table, explain, show)\n"]);
    const nowhere = await knspan(['sql', 'select 1', '--data', `${folder.path}/nowhere`]);
    assert.match(nowhere.err, /^Cannot read the history: '.*nowhere' does not exist, wanted the data folder of knspan serve/);
    const away = await knspan(['sql', 'select 1'], { env: { DATABASE_URL: 'postgres://127.0.0.1:1/none' } });
    assert.deepEqual([away.status, away.err], [2, 'PostgreSQL does not answer: connect ECONNREFUSED 127.0.0.1:1\n']);
  });
});
