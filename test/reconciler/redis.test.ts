/** The reconciler and `knspan deadletters` on a real Redis. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Log } from '../../shared/process/log.ts';
import { Settings } from '../../shared/process/settings.ts';
import { openStore } from '../../shared/store/open.ts';
import type { Store } from '../../shared/store/store.ts';
import { knspan } from '../helpers/cli.ts';
import { OneCorrelator } from '../helpers/correlator.ts';
import { post, type Reconciler, tick, World } from '../helpers/reconcilers.ts';
import { type RedisProcess, startRedis } from '../helpers/redis.ts';
import { until } from '../helpers/until.ts';

const box = { kind: 'dead-letters' } as const;

describe('the reconciler on Redis', () => {
  let redis: RedisProcess;
  let store: Store;
  let world: World;
  let reconciler: Reconciler;
  let count = 0;
  let env: Readonly<Record<string, string>>;

  const log = new Log({ function: 'test', level: 'off' });
  const letter = (id: string, dest = world.subscriber.url) =>
    post(reconciler.url, {
      id,
      type: 'dev.knspan.trace.segment',
      subject: 'Deployment/web',
      knativeerrordest: dest,
      knativeerrorcode: '500',
      data: {},
    });
  /** Lets the reconciler look at its letters, with all of them due. */
  const pass = async () => {
    for (const { id } of await store.listDeliveries(box, 100)) await store.postponeDelivery(box, id, 0);
    await until('nothing is under way', () => world.clock.sleeping === 1);
    await world.clock.advance(5_000);
    await until('nothing is under way', () => world.clock.sleeping === 1);
  };

  before(async () => {
    redis = await startRedis();
  });

  after(() => redis.stop());

  beforeEach(async () => {
    count += 1;
    env = { REDIS_URL: redis.url, KNSPAN_REDIS_PREFIX: `test-${count}:` };
    store = await openStore(new Settings(env), log);
    world = await new World(store).start();
    reconciler = await world.reconciler();
  });

  afterEach(async () => {
    await world.stop();
    await store.close();
  });

  it('finds what was never seen, and only that', async () => {
    for (let index = 0; index < 20; index += 1) world.list(`e${index}`, 120, { n: 1 + (index % 3) });
    const seen = Array.from({ length: 10 }, (_, index) => ({
      event: `test|shop|e${index}`,
      n: 1 + (index % 3),
      version: '1',
      due: 0,
      body: '',
    }));
    await store.append(seen);
    assert.equal((await tick(reconciler.url)).status, 202);
    assert.deepEqual(
      world.broker.ids.toSorted(),
      Array.from({ length: 10 }, (_, index) => `e${index + 10}#${1 + ((index + 10) % 3)}`),
    );
    // The third occurrence of e11, e14 and e17 betrays the second; nobody has seen any of them.
    assert.equal(await reconciler.figure('knspan_unobserved_occurrences_total'), 3);
    await store.append(
      world.broker.ids.map((id) => ({
        event: `test|shop|${id.split('#')[0]}`,
        n: Number(id.split('#')[1]),
        version: '1',
        due: 0,
        body: '',
      })),
    );
    await tick(reconciler.url);
    assert.equal(world.broker.taken.length, 10);
  });

  it('keeps a dead letter through a sudden end of Redis, and takes none while it is away', async () => {
    assert.equal((await letter('s1')).status, 202);
    await redis.kill9();
    await until('the end is noticed', () => !store.ready());
    assert.equal((await letter('s2')).status, 503);
    assert.equal((await tick(reconciler.url)).status, 503);
    const health = await fetch(`${reconciler.url}/health/readiness`);
    assert.deepEqual([health.status, await health.text()], [503, 'the store does not answer']);
    await redis.restart();
    await until('it is back', () => store.ready());
    await pass();
    assert.deepEqual(world.subscriber.ids, ['s1']);
    assert.equal((await letter('s2')).status, 202);
    await pass();
    assert.deepEqual(world.subscriber.ids, ['s1', 's2']);
  });

  it('is looked into by `knspan deadletters`', async () => {
    await letter('parked', 'http://nobody.example');
    await pass();
    await letter('waits');
    const [waiting] = await store.listDeliveries(box, 10);
    const [parked] = await store.listParked(10);
    assert.ok(waiting && parked);
    const listed = await knspan(['deadletters'], { env });
    assert.equal(listed.status, 0, listed.err);
    assert.match(
      listed.out,
      new RegExp(
        `^${waiting.id}  queued, 0 tries  .*Z  dev\\.knspan\\.trace\\.segment Deployment/web -> ${world.subscriber.url} \\(500\\)$`,
        'm',
      ),
    );
    assert.match(
      listed.out,
      new RegExp(`^${parked.id}  parked  .* -> http://nobody\\.example \\(500\\)  its subscriber .* is not in KNSPAN_SUBSCRIBERS$`, 'm'),
    );
    assert.match(listed.out, /^1 queued for re-sending, 1 parked$/m);

    const again = await knspan(['deadletters', '--resend', parked.id, '--drop', waiting.id], { env });
    assert.equal(again.status, 0, again.err);
    assert.match(again.out, new RegExp(`^${parked.id}: the .* re-sends it.*\n${waiting.id}: dropped$`, 'm'));
    assert.deepEqual(await store.listParked(10), []);
    assert.deepEqual(
      (await store.listDeliveries(box, 10)).map(({ id }) => id),
      [parked.id],
    );
    assert.match(again.out, /: the reconciler re-sends it, /);
    const unknown = await knspan(['deadletters', '--resend', 'nothing'], { env });
    assert.deepEqual(
      [unknown.status, unknown.err],
      [2, "Cannot find dead letter 'nothing': wanted an id that 'knspan deadletters' lists\n"],
    );
  });
});

describe('a segment that the Broker has refused', () => {
  it('is listed beside the dead letters, and goes back into the outbox when a person says so', async () => {
    const redis = await startRedis();
    const env = { REDIS_URL: redis.url };
    const store = await openStore(new Settings(env), new Log({ function: 'test', level: 'off' }));
    const one = new OneCorrelator();
    one.sink.answer = () => ({ kind: 'rejected', status: 400, reason: 'it answered 400' });
    await one.start({}, { cluster: 'test', store });
    await one.event('refused', 7_200);
    await one.settle();
    const [parked] = await store.listParked(10);
    assert.ok(parked);
    const listed = await knspan(['deadletters'], { env });
    assert.match(
      listed.out,
      new RegExp(`^${parked.id}  parked  .*Z  dev\\.knspan\\.trace\\.segment shop/Pod/web-1 -> K_SINK  it answered 400$`, 'm'),
    );
    const again = await knspan(['deadletters', '--resend', parked.id], { env });
    assert.equal(again.out, `${parked.id}: the correlator re-sends it, within seconds if it runs, else with its next tick\n`);
    one.sink.answer = () => ({ kind: 'accepted' });
    await one.sweep();
    assert.deepEqual([...one.sink.bodies], [[parked.id, parked.body]]);
    const { outbox, parked: left } = await store.sizes();
    assert.deepEqual({ outbox, left }, { outbox: 0, left: 0 });
    await one.stop();
    await store.close();
    await redis.stop();
  });
});

describe('knspan deadletters without a Redis', () => {
  it('says what is wanted, and shows no password', async () => {
    const none = await knspan(['deadletters'], { env: { REDIS_URL: '' } });
    assert.equal(none.status, 2);
    assert.match(none.err, /REDIS_URL is not set, wanted redis\[s\]:/);
    const wrong = await knspan(['deadletters'], { env: { REDIS_URL: 'http://user:hidden@host' } });
    assert.equal(wrong.status, 2);
    assert.doesNotMatch(wrong.err, /hidden/);
  });
});

describe('the store from settings', () => {
  const lines: string[] = [];
  const log = new Log({ function: 'test', write: (line) => lines.push(line) });

  it('is the embedded one without REDIS_URL, and says that it is volatile', async () => {
    const store = await openStore(new Settings({}), log);
    assert.match(lines.join(''), /The in-memory store is volatile/);
    await store.close();
  });

  it('refuses a Redis that evicts, unless that is allowed', async () => {
    const redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    const env = { REDIS_URL: redis.url };
    await assert.rejects(
      openStore(new Settings(env), log),
      /Cannot use the store: Redis has maxmemory-policy 'allkeys-lru', wanted 'noeviction'.*KNSPAN_ALLOW_VOLATILE=true/,
    );
    const store = await openStore(new Settings({ ...env, KNSPAN_ALLOW_VOLATILE: 'true' }), log);
    assert.match(lines.join(''), /allkeys-lru.*allowed by KNSPAN_ALLOW_VOLATILE/);
    await store.close();
    await redis.stop();
  });
});
