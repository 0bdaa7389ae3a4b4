/** The correlator as a process: settings that are wrong, and an end by SIGTERM that sends what is due and decides nothing early. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startCorrelator } from '../../functions/correlator/index.ts';
import { Log } from '../../shared/process/log.ts';
import { ConfigError } from '../../shared/process/settings.ts';
import { openStore } from '../../shared/store/open.ts';
import { FunctionRun } from '../helpers/function-run.ts';
import { type Notice, noticesOf, post } from '../helpers/notices.ts';
import { Receiver } from '../helpers/receiver.ts';
import { startRedis } from '../helpers/redis.ts';
import { endingAt } from '../helpers/shifted.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';
import { until } from '../helpers/until.ts';

describe('settings of the correlator that are wrong', () => {
  it('are all named, with what is there and what is permitted, without a password', async () => {
    const wrong = {
      PORT: 'eighty',
      KNSPAN_CLUSTER: 'a b',
      KNSPAN_LOOKUPS: 'perhaps',
      KNSPAN_BUDGET: '5',
      KNSPAN_ORPHANS: 'keep',
      KNSPAN_EMIT_CONCURRENCY: '0',
      KNSPAN_OBJECTS_TTL: '1s',
      KNSPAN_TICK_TIMEOUT: 'soon',
      K_CE_OVERRIDES: '{',
      REDIS_URL: 'http://user:hunter2@redis',
      KNSPAN_REDIS_PREFIX: 'a b',
      KNSPAN_PENDING_MAX: '-1',
    };
    const error = await startCorrelator(surroundingsFor(wrong)).then(
      () => assert.fail('it has started'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ConfigError);
    const lines = error.message.split('\n');
    const named = lines.map((line) => /^Cannot start correlator: ([A-Z_]+) is .*, wanted .+/.exec(line)?.[1]);
    assert.deepEqual(named.toSorted(), [...Object.keys(wrong), 'K_SINK'].toSorted());
    assert.doesNotMatch(error.message, /hunter2/);
    const noRules = { K_SINK: 'http://x', KNSPAN_CLUSTER: 'test', KNSPAN_RULES: '/none.yaml' };
    await assert.rejects(startCorrelator(surroundingsFor(noRules)), (reason) => {
      assert.ok(reason instanceof ConfigError);
      assert.match(reason.message, /^Cannot start correlator: KNSPAN_RULES is '\/none.yaml': .*ENOENT.*, wanted files that can be read$/);
      return true;
    });
    assert.match(error.message, /KNSPAN_ORPHANS is 'keep', wanted one of digest, each, drop/);
  });
});

describe('the correlator as a process', () => {
  it('sends what is due, decides nothing early at SIGTERM, and leaves it to the next one', async () => {
    const redis = await startRedis();
    const broker = await new Receiver().start();
    const env = { PORT: '0', K_SINK: broker.url, REDIS_URL: redis.url, KNSPAN_CLUSTER: 'test', KNSPAN_LOOKUPS: 'false' };
    const one = new FunctionRun('correlator', env);
    const log = new Log({ function: 'test', level: 'off' });
    try {
      const url = await one.url();
      const capture = noticesOf('deployment-create').filter(({ type }) => !type.endsWith('delete'));
      const sendAll = (notices: readonly Notice[]) => Promise.all(notices.map((notice) => post(url, notice)));
      const [past] = noticesOf('crashloop');
      assert.ok(past);
      assert.deepEqual(await sendAll([past]), [202]);
      // It is late: more of its kind are waited for, 10 s.
      await until('what was due is sent', () => broker.taken.length === 1, 60_000);
      const young = endingAt(capture, Date.now());
      assert.deepEqual(new Set(await sendAll(young)), new Set([202]));
      one.child.kill('SIGTERM');
      assert.deepEqual(await one.ended, [0, null]);
      assert.equal(broker.requests, 1);
      const { settings, clock } = surroundingsFor({ REDIS_URL: redis.url });
      const store = await openStore(settings, log, clock);
      const { inbox, undecided, outbox } = await store.sizes();
      assert.deepEqual({ waiting: inbox + undecided, outbox }, { waiting: young.length, outbox: 0 });
      await store.close();
      assert.equal(one.stderr, '');
      assert.deepEqual(
        one.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).message)
          .filter((message) => message === 'listening' || message === 'stopped'),
        ['listening', 'stopped'],
      );
    } finally {
      one.child.kill('SIGKILL');
      await Promise.all([broker.stop(), redis.stop()]);
    }
  });
});
