/** `knspan serve` with a data folder: the history, and what has not settled, from one run to the next. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { temporaryFolder } from '../../../shared/history/embedded/temporary.ts';
import { knspan } from '../../helpers/cli.ts';
import { type Notice, noticesOf, post } from '../../helpers/notices.ts';
import { Serving, waited } from '../../helpers/serving.ts';
import { endingAt } from '../../helpers/shifted.ts';
import { until } from '../../helpers/until.ts';

const folder = temporaryFolder();
after(() => folder.remove());
const data = ['--data', folder.path];
const capture = noticesOf('deployment-create').filter(({ type }) => !type.endsWith('delete'));

const statusesOf = (url: string, notices: readonly Notice[]) => Promise.all(notices.map((notice) => post(url, notice)));

async function numberFrom(query: string): Promise<number> {
  const { status, out, err } = await knspan(['sql', query, '--format', 'csv', ...data]);
  assert.equal(status, 0, err);
  return Number(out.split('\r\n')[1]);
}

describe('knspan serve with a data folder', () => {
  it('keeps Events and what has not settled across a clean stop, and refuses a second holder by name', async () => {
    const notices = endingAt(capture, Date.now());
    const first = new Serving([...data, '--view', 'list']);
    try {
      assert.deepEqual(
        await statusesOf(await first.url(), notices),
        notices.map(() => 202),
      );
      assert.match(first.err, /^Keeping the history in .*; query it with 'knspan sql'$/m);
      const second = await knspan(['serve', '--port', '0', ...data]);
      assert.equal(second.status, 2);
      assert.match(
        second.err,
        /^Cannot open data folder '.*': knspan serve \(process \d+\) has it open, wanted another folder \(--data\) or --no-history$/m,
      );
      assert.deepEqual(await first.kill('SIGTERM'), [0, null]);
      assert.match(first.err, new RegExp(`; ${notices.length} occurrences not settled yet, kept for the next start`));
      assert.doesNotMatch(first.err, /volatile/);
      assert.ok(existsSync(join(folder.path, 'pending')));
    } finally {
      await first.kill('SIGKILL');
    }
    assert.equal(await numberFrom('select count(*) from events'), notices.length);
    assert.equal(await numberFrom('select count(*) from traces'), 0);
    const again = new Serving([...data, '--view', 'list']);
    try {
      await again.url();
      await until('all has settled', async () => (await numberFrom('select count(*) from traces')) > 0, 60_000);
      await waited('it is shown', () => again.err.length > 0);
      assert.deepEqual(await again.kill('SIGTERM'), [0, null]);
      assert.match(again.err, /; 0 occurrences not settled yet/);
      const events = 'select count(distinct (event_uid, n)) from event_traces';
      assert.equal(await numberFrom(events), notices.length);
    } finally {
      await again.kill('SIGKILL');
    }
  });

  it('takes over the server that a SIGKILL has left running, with all that was acknowledged', async () => {
    const before = await numberFrom('select count(*) from events');
    const notices = endingAt(capture, Date.now() - 3_600_000);
    const killed = new Serving(data);
    assert.deepEqual(
      await statusesOf(await killed.url(), notices),
      notices.map(() => 202),
    );
    await killed.kill('SIGKILL');
    const postmaster = readFileSync(join(folder.path, 'postgresql/postmaster.pid'), 'utf8').split('\n')[0];
    const next = new Serving(data);
    try {
      await next.url();
      assert.equal(readFileSync(join(folder.path, 'postgresql/postmaster.pid'), 'utf8').split('\n')[0], postmaster);
      // Its Broker had acknowledged them: most of them were written, and those that come again count once.
      assert.deepEqual(
        await statusesOf(await next.url(), notices),
        notices.map(() => 202),
      );
      await until('all are written', async () => (await numberFrom('select count(*) from events')) === before + notices.length, 30_000);
      assert.deepEqual(await next.kill('SIGTERM'), [0, null]);
      assert.ok(!existsSync(join(folder.path, 'postgresql/postmaster.pid')));
    } finally {
      await next.kill('SIGKILL');
    }
  });
});
