/**
 * Processes killed at random moments of a replay, and parts that are away: nothing is lost, nothing comes with other content. A few
 * kills here; `npm run faults` makes a hundred (KNSPAN_KILLS) and waits for leases as long as they last.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { randomOf } from '../../shared/cli/simulated-delivery.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import type { Segment, Span } from '../../shared/spans/span.ts';
import { rolloutEvents } from '../helpers/rollout.ts';
import { pipelineOver, spanText, textOf } from '../helpers/trace.ts';
import { until } from '../helpers/until.ts';
import { captureEvents, type Happening, happeningOf } from '../sim/world.ts';
import { Rig } from './rig.ts';

const kills = Number(process.env['KNSPAN_KILLS'] ?? 10);
const isLong = kills >= 100;
const seed = Number(process.env['KNSPAN_SEED'] ?? Date.now() % 1_000_000);
/** Longer than any trace stays open. */
const settlesWithinMs = 200_000;
const passing = [70_000, 16 * 60_000, 70 * 60_000];

function segmentsOf(happenings: readonly Happening[], cluster: string): Segment[] {
  const pipeline = pipelineOver(new ObjectIndex(), 1_000, cluster);
  for (const one of happenings) if (one.cluster === cluster) pipeline.push(one.observation);
  return pipeline.finish();
}

/** A recorded crash loop in one cluster; in another a rollout of two pods each second. */
function worldOf(seconds: number): Happening[] {
  const recorded = captureEvents('crashloop').map((event) => happeningOf('recorded', event));
  const from = Math.min(...recorded.map(({ at }) => at));
  const made = Array.from({ length: seconds }, (_, index) =>
    [...rolloutEvents({ name: `app-${index}`, pods: 2, uid: `d${index}`, at: (from + index * 1_000) * 1_000 })].map((event) =>
      happeningOf('made', event),
    ),
  );
  const all = [...recorded, ...made.flat()].filter(({ at }) => at < from + seconds * 1_000);
  return all.sort((a, b) => a.at - b.at);
}

/** Each span that came, once; copies are counted, two of one id that differ are not borne. */
function arrived(spans: readonly Span[]): { texts: string[]; copies: number } {
  const byId = new Map<string, string>();
  for (const span of spans) {
    const text = spanText(span);
    const id = `${span.traceId}/${span.spanId}`;
    assert.equal(byId.get(id) ?? text, text, `${id} came again with other content`);
    byId.set(id, text);
  }
  return { texts: [...byId.values()].sort(), copies: spans.length - byId.size };
}

/** The long waits pass, each until nothing moves any more. */
async function settle(rig: Rig): Promise<void> {
  for (const ms of passing) {
    await rig.pass(ms);
    const end = performance.now() + settlesWithinMs;
    for (let calm = 0; calm < 3; ) {
      if (!isLong) await rig.forgetLeases();
      const before = rig.receiver.requests.length;
      await pause(400);
      const { inbox, outbox } = await rig.figures();
      calm = inbox + outbox === 0 && before === rig.receiver.requests.length ? calm + 1 : 0;
      assert.ok(performance.now() < end, `still ${inbox} in the inbox and ${outbox} segments unsent`);
    }
  }
  const { inbox, undecided, outbox, parked } = await rig.figures();
  assert.deepEqual({ inbox, undecided, outbox, parked }, { inbox: 0, undecided: 0, outbox: 0, parked: 0 });
}

/** Kills one after the other, each started again at once, until enough or told to stop; before each the clock goes on. */
async function killSome(rig: Rig, count: number, skipMs: number, random: () => number): Promise<void> {
  const processes = [...rig.correlators, rig.exporter];
  for (let killed = 0; killed < count; ) {
    await pause(random() * (isLong ? 900 : 700));
    const one = processes[Math.floor(random() * 4)];
    // One that has not begun yet is killed now and then, too.
    if (one && !one.isReady && random() < 0.8) continue;
    killed += 1;
    rig.skip(skipMs);
    if (skipMs > 0) await rig.forgetLeases();
    if (!one) {
      await rig.redis.kill9();
      await rig.redis.restart();
    } else {
      await one.end('SIGKILL');
      void (one === rig.exporter ? one.start() : rig.startCorrelator(one)).catch(() => {});
    }
  }
}

it(`${kills} kills of correlators, exporter and Redis during a replay: nothing lost, nothing wrong (KNSPAN_SEED=${seed})`, async (t) => {
  const random = randomOf(seed);
  const seconds = isLong ? 60 : 10;
  const happenings = worldOf(seconds);
  const rig = await Rig.start((happenings[0]?.at ?? 0) - 500, 2);
  t.after(() => rig.stop());
  rig.receiver.slowMs = 100;
  // While Events come ...
  const coming = Math.ceil(kills / 2);
  const killing = killSome(rig, coming, 0, random);
  const delivering: Promise<void>[] = [];
  for (const happening of happenings) {
    const early = happening.at - rig.now();
    if (early > 0) await pause(early);
    delivering.push(rig.deliver(happening, random));
  }
  await Promise.all([...delivering, killing]);
  // ... and while they are decided and sent.
  const deciding = kills - coming;
  await killSome(rig, deciding, (1_000 * (seconds + 70)) / deciding, random);
  await settle(rig);
  const wanted = ['recorded', 'made'].flatMap((cluster) => segmentsOf(happenings, cluster));
  const { texts, copies } = arrived(rig.receiver.taken);
  assert.deepEqual(texts, textOf(wanted));
  t.diagnostic(`${happenings.length} events, ${kills} kills, ${rig.refused} deliveries refused, ${texts.length} spans, ${copies} copies`);
});

it('Redis away: nothing is acknowledged meanwhile, all is there afterwards', async (t) => {
  const happenings = worldOf(4);
  const rig = await Rig.start((happenings[0]?.at ?? 0) + 4_000, 1);
  t.after(() => rig.stop());
  const [correlator] = rig.correlators;
  assert.ok(correlator);
  const half = happenings.length >> 1;
  for (const happening of happenings.slice(0, half)) await rig.deliver(happening, () => 0);
  await rig.redis.kill9();
  const readiness = async () => (await fetch(`${correlator.url}/health/readiness`)).status;
  await until('it is not ready', async () => (await readiness()) === 503);
  const back = Date.now() + (isLong ? 60_000 : 2_000);
  let tried = 0;
  while (Date.now() < back)
    for (const happening of happenings.slice(half)) {
      assert.equal(await rig.post(correlator, happening, `away-${tried++}`), 503);
      if (tried > 2_000) await pause(20);
    }
  await rig.redis.restart();
  await until('it is ready again by itself', async () => (await readiness()) === 200);
  for (const happening of happenings.slice(half)) await rig.deliver(happening, () => 0);
  await settle(rig);
  const wanted = ['recorded', 'made'].flatMap((cluster) => segmentsOf(happenings, cluster));
  assert.deepEqual(arrived(rig.receiver.taken).texts, textOf(wanted));
  t.diagnostic(`${tried} deliveries refused`);
});
