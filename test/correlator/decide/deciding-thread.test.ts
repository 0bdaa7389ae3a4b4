/** Deciding in a thread: what it counts and answers reaches the thread that receives, and its failure is not kept quiet. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DecidingThread } from '../../../functions/correlator/decide/deciding-thread.ts';
import { noOwners } from '../../../functions/correlator/decide/owner-lookup.ts';
import type { DecideMeters } from '../../../functions/correlator/metrics.ts';
import { FunctionProcess } from '../../helpers/function-process.ts';
import { type Notice, noticesOf, post, tick } from '../../helpers/notices.ts';
import { Receiver } from '../../helpers/receiver.ts';
import { startRedis } from '../../helpers/redis.ts';
import { metricOf } from '../../helpers/surroundings.ts';
import { until } from '../../helpers/until.ts';

const noMeters: DecideMeters = { routed() {}, decided() {}, sent() {}, swept() {}, held() {}, asked() {}, dropped() {} };

const program = fileURLToPath(new URL('../../../functions/main.ts', import.meta.url));
const none = { program, argument: 'correlator-decides', owners: noOwners, meters: noMeters };

describe('DecidingThread', () => {
  it('tells that it cannot start, and lets nobody wait for it', async () => {
    const failures: string[] = [];
    const thread = new DecidingThread({ ...none, onFailed: ({ message }) => failures.push(message) });
    assert.equal(await thread.sweepFor(60_000), false);
    await until('it has told so', () => failures.length > 0);
    assert.match(failures[0] ?? '', /^the deciding thread failed: .*K_SINK/);
    await thread.stop(1_000);
  });

  it('has nothing to stop before it was needed', async () => {
    const thread = new DecidingThread({ ...none, onFailed: (error) => assert.fail(error) });
    thread.start();
    await thread.stop(0);
  });
});

describe('a correlator that decides in a thread', () => {
  it('answers a tick once the thread has swept, and shows what it counts', async (t) => {
    const [redis, broker] = [await startRedis(), await new Receiver().start()];
    const environment = { REDIS_URL: redis.url, K_SINK: broker.url, KNSPAN_CLUSTER: 'test', KNSPAN_LOOKUPS: 'false' };
    const correlator = await FunctionProcess.create({ name: 'correlator', environment });
    t.after(async () => {
      await correlator.end('SIGKILL');
      await Promise.all([broker.stop(), redis.stop()]);
    });
    const notices = noticesOf('deployment-create').filter(({ type }) => !type.endsWith('delete'));
    const last = Math.max(...notices.map(({ at }) => at));
    // In time for each, so that nothing is waited for.
    await correlator.start({ KNSPAN_CLOCK_OFFSET: `${last - Date.now()}ms` });
    const answers = await Promise.all(notices.map((notice: Notice) => post(correlator.url, notice)));
    assert.deepEqual(new Set(answers), new Set([202]));
    await correlator.end('SIGTERM');
    await correlator.start({ KNSPAN_CLOCK_OFFSET: `${last + 2 * 3_600_000 - Date.now()}ms` });
    assert.equal(await tick(correlator.url), 202);
    await until('it is sent', () => broker.taken.length > 0);
    const figure = async (name: string) => metricOf(await (await fetch(`${correlator.url}/metrics`)).text(), name);
    await until('it is counted', async () => (await figure('knspan_sent_total{outcome="accepted"}')) > 0);
    assert.equal(await figure('knspan_routed_total'), notices.length);
    assert.equal(await figure('knspan_decisions_total{outcome="failed"}'), 0);
    assert.ok((await figure('knspan_spans_total')) > 0);
  });
});
