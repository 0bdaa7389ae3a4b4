/**
 * The function `history`, its PostgreSQL and `knspan serve` killed at random moments while they are written to: whoever sends an event
 * again until it is acknowledged finds each exactly once. A few kills here; `npm run faults` makes twenty of each.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { randomOf } from '../../shared/cli/simulated-delivery.ts';
import { temporaryFolder } from '../../shared/history/embedded/temporary.ts';
import { openDatabase } from '../../shared/history/open.ts';
import { Log } from '../../shared/process/log.ts';
import { FunctionProcess } from '../helpers/function-process.ts';
import { countOf } from '../helpers/history-digest.ts';
import type { Notice } from '../helpers/notices.ts';
import { post } from '../helpers/notices.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { rolloutEvents } from '../helpers/rollout.ts';
import { Serving } from '../helpers/serving.ts';

const kills = Number(process.env['KNSPAN_KILLS'] ?? 10) >= 100 ? 20 : 1;
const seed = Number(process.env['KNSPAN_SEED'] ?? Date.now() % 1_000_000);
const random = randomOf(seed);
const senders = 8;
/** Time between two kills, ms. */
const livesFrom = 300;
const livesSpread = 700;

function noticesOf(rollouts: number): Notice[] {
  return Array.from({ length: rollouts }, (_, index) => {
    const at = (Date.now() - 3_600_000) * 1_000;
    return [...rolloutEvents({ name: `web-${index}`, pods: 10, uid: `d${index}`, at })].map((object) => ({
      type: 'dev.knative.apiserver.resource.add',
      at: Date.now(),
      object,
    }));
  }).flat();
}

/** Each until it is acknowledged, a few at a time; goes on as long as `isBusy`, so that every kill has its victims. Resolves with how many. */
async function sendAll(urlOf: () => string, isBusy: () => boolean): Promise<number> {
  let sent = 0;
  let rollouts = 0;
  while (isBusy() || rollouts === 0) {
    const notices = noticesOf(4).map((notice) => ({ ...notice, object: renamed(notice.object, `r${rollouts}`) }));
    rollouts += 1;
    const queue = [...notices];
    await Promise.all(
      Array.from({ length: senders }, async () => {
        for (let notice = queue.shift(); notice; notice = queue.shift())
          while ((await post(urlOf(), notice).catch(() => 0)) !== 202) await pause(50);
      }),
    );
    sent += notices.length;
  }
  return sent;
}

/** With uids of its own. */
function renamed(object: unknown, prefix: string): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(object).replaceAll(/"uid":"/g, `"uid":"${prefix}-`));
  return copy;
}

async function killAgain(times: number, kill: () => Promise<void>): Promise<void> {
  for (let round = 0; round < times; round += 1) {
    await pause(livesFrom + random() * livesSpread);
    await kill();
  }
}

describe(`kills while the history is written (seed ${seed})`, () => {
  let postgres: TestPostgres;
  before(async () => {
    postgres = await startPostgres({ durable: true });
  });
  after(() => postgres.stop());

  it('of the function and of PostgreSQL: every acknowledged Event is there once', async () => {
    const database = await postgres.database();
    const history = await FunctionProcess.create({
      name: 'history',
      environment: { DATABASE_URL: postgres.urlOf(database), KNSPAN_CLUSTER: 'c1' },
    });
    await history.start();
    let isBusy = true;
    const sending = sendAll(
      () => history.url,
      () => isBusy,
    );
    await killAgain(kills, async () => {
      await history.end('SIGKILL');
      await history.start();
    });
    if (postgres.kill) await killAgain(kills, async () => postgres.kill?.());
    isBusy = false;
    const sent = await sending;
    assert.equal(await countOf(database, 'events'), sent);
    await history.end('SIGTERM');
  });

  it('of knspan serve with its data folder: every acknowledged Event is there once', async () => {
    const folder = temporaryFolder();
    let serving = new Serving(['--data', folder.path]);
    let url = await serving.url();
    let isBusy = true;
    const sending = sendAll(
      () => url,
      () => isBusy,
    );
    await killAgain(kills, async () => {
      await serving.kill('SIGKILL');
      serving = new Serving(['--data', folder.path]);
      url = await serving.url();
    });
    isBusy = false;
    const sent = await sending;
    assert.deepEqual(await serving.kill('SIGTERM'), [0, null]);
    const opened = await openDatabase(
      { kind: 'folder', folder: folder.path },
      { name: 'test', log: new Log({ function: 'test', level: 'off' }) },
    );
    assert.equal(await countOf(opened.database, 'events'), sent);
    await opened.close(10_000);
    folder.remove();
  });
});
