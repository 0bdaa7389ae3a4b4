/**
 * Extensions on a cluster with an installed knspan that traces itself: Knative's demonstration, functions that fail beside the main path, tail
 * sampling, and tracing through Knative, which is switched on and off again.
 */
import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import game from '../../functions/samples/coinflip/game.ts';
import coinflip from '../../functions/samples/coinflip/index.ts';
import { lateness, ownerMayTrail, quietAfterEnd, second } from '../../shared/correlation/settling-times.ts';
import { segmentType } from '../../shared/extension/index.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';
import { Demo } from './demo.ts';
import { home, Installation } from './installation.ts';
import { traceKnative, traceKnativeNoMore } from './knative-tracing.ts';
import { kubectl, until } from './kubectl.ts';
import { OwnFunctions } from './own-functions.ts';
import { type OwnSpan, ownTraces, path } from './own-traces.ts';
import { proves, settledWithinMs } from './proves.ts';
import { Flow, makeRuns } from './runs.ts';
import { about, allInJaeger, inJaeger, replayed } from './traces.ts';

const beats = 10;
const sampled = 16;
/** Traces that come while the failing extensions are there. */
const besides = 12;
const settlesWithinMs = ((quietAfterEnd + lateness + ownerMayTrail) / second) * 1_000;

let demo: Demo;

function selfTracing() {
  return { target: { kind: 'ConfigMap', name: 'knspan' }, patch: [{ op: 'add', path: '/data/KNSPAN_SELF_TRACING', value: 'on' }] };
}

const say = (line: string) => process.stdout.write(`${line}\n`);

/** What a function of the kit says to an event, as it says it in the cluster. */
function sideBy(extension: typeof coinflip): (input: object) => Promise<string> {
  const handle = extension.prepare(surroundingsFor({}));
  return async (input) => String((await handle(input))?.extensions?.['flip']);
}

const counted = (sides: readonly string[]) =>
  Object.fromEntries([...Map.groupBy(sides, (side) => side)].map(([side, all]) => [side, all.length]));
/**
 * What came to a function, each event once: the request that leads back to the source. What a Broker has tried in vain before is let be, since
 * its filter does not export the span of a request that breaks.
 */
function received(spans: readonly OwnSpan[], service: string): OwnSpan[] {
  const requests = spans.filter((span) => span.service === service && span.name === 'receive' && path(span)[0] === 'knspan-heartbeats');
  return [...new Map(requests.map((span) => [span.tags['cloudevents.event_id'], span])).values()];
}

function waiting(): { outbox: number; deadLetters: number } {
  const redis = (script: string) => Number(kubectl('-n', home, 'exec', 'redis-0', '--', 'sh', '-c', script));
  const sum = (keys: string, command: string) =>
    redis(
      `redis-cli --raw keys '${keys}' | while read key; do redis-cli --raw ${command} "$key"; done | awk '{ sum += $1 } END { print sum + 0 }'`,
    );
  return {
    outbox: sum('knspan:{*}:outbox', 'hlen'),
    deadLetters: sum('knspan:{dead-letters}:queue', 'hlen') + sum('knspan:{dead-letters}:parked', 'llen'),
  };
}

export function describeExtensions(): void {
  before(async () => {
    demo = new Demo(beats);
    await traceKnative();
    demo.install();
  });

  after(() => {
    demo.remove();
    traceKnativeNoMore();
  });

  describe('side by side', { concurrency: true }, () => {
    proves(
      'heartbeats and a coin: each game is one trace from the source to what shows each flip, heads and tails counted on both sides',
      async () => {
        demo.start();
        // Each game ends with tails.
        const tails = () => demo.shown().filter(({ flip }) => flip === 'tails').length;
        await until(`${beats} games`, settledWithinMs, () => (tails() >= beats ? true : undefined));
        const shown = demo.shown();
        const games = await until('all of it in Jaeger', settledWithinMs, () => {
          const found = ownTraces('knspan-heartbeats');
          const [flips, displayed] = ['coinflip-game', 'event-display'].map((name) =>
            found.flatMap((spans) => received(spans, `knspan-${name}`)),
          );
          return flips?.length === shown.length && displayed?.length === shown.length ? found : undefined;
        });
        assert.equal(games.length, beats);
        const sideOf = sideBy(game);
        const flipped: string[] = [];
        for (const spans of games) {
          assert.deepEqual(
            spans.filter(({ isRoot }) => isRoot).map(({ name, service }) => [service, name]),
            [['knspan-heartbeats', 'heartbeat']],
          );
          const flips = received(spans, 'knspan-coinflip-game');
          assert.equal(received(spans, 'knspan-event-display').length, flips.length, 'each flip is shown');
          for (const { tags } of flips) {
            const { 'cloudevents.event_id': id, 'cloudevents.event_type': type, 'cloudevents.event_source': source } = tags;
            flipped.push(await sideOf({ type, id, source, kind: 'other' }));
          }
        }
        assert.deepEqual(counted(flipped), counted(shown.map(({ flip }) => flip)));
        say(
          `demo: ${beats} heartbeats, ${flipped.length} flips ${JSON.stringify(counted(flipped))}, ${games.flat().length} spans in ${games.length} traces`,
        );
      },
    );

    proves(
      'functions that crash, hang and watch come and go while events flow: nothing lost, nothing twice, no delay of the main path',
      async (stage) => {
        const own = new OwnFunctions(['crashing', 'hanging', 'watching']);
        const here = stage('flow');
        const flow = new Flow(here.namespace);
        try {
          await own.deploy();
          await until('functions of one’s own', 90_000, () => (own.isDeployed() ? true : undefined));
          await until('traces without them', settledWithinMs, () => (flow.seen.size >= 4 ? true : undefined));
          const before = waiting().deadLetters;
          own.add();
          // What settles while they are there is under way.
          flow.stop();
          await until('their Triggers', 60_000, () => (own.isAdded() ? true : undefined));
          const [added, seenBefore] = [Date.now(), flow.seen.size];
          await until(`${besides} traces beside them`, settledWithinMs, () => (flow.seen.size >= seenBefore + besides ? true : undefined));
          const log = kubectl('-n', home, 'logs', '-l', 'serving.knative.dev/service=watching', '-c', 'user-container', '--tail=-1');
          own.remove();
          const removed = Date.now();
          await until('each run in Jaeger', settledWithinMs, () => (flow.seen.size === flow.runs.length ? true : undefined));
          const found = await here.told(settledWithinMs);
          const traces = new Set(found.map(({ trace }) => trace));
          assert.equal(traces.size, flow.runs.length, 'each run a trace');
          assert.equal(about(allInJaeger(), here.uids()).length, found.length, 'no span twice');
          const seen = new Set([...log.matchAll(/^saw (\w+)$/gm)].map(([, trace = '']) => trace).filter((trace) => traces.has(trace)));
          assert.ok(seen.size > 0, 'the watching function has seen traces');
          const { deadLetters } = waiting();
          assert.ok(deadLetters > before, 'what the others did not take is put aside');
          say(
            `extensions: ${traces.size} runs, each told once; watching has seen ${seen.size}; ${deadLetters - before} dead letters; event to trace in Jaeger:`,
          );
          for (const [what, from, to] of [
            ['before', 0, added],
            ['with two failing functions', added, removed],
            ['after', removed, Number.POSITIVE_INFINITY],
          ] as const) {
            const delays = [...flow.delays(settlesWithinMs, from, to)].sort((a, b) => a - b);
            const at = (part: number) => (delays[Math.floor((delays.length - 1) * part)] ?? Number.NaN).toFixed(1);
            say(`  ${what}: ${delays.length} traces, median ${at(0.5)} s, most ${at(1)} s`);
          }
        } finally {
          await flow.end();
        }
      },
    );
  });

  proves('both trace it: one trace leads from the source over Brokers and correlator to the export', async () => {
    const broker = ['broker.ingress', 'inmemorychannel-dispatcher', 'broker.filter'];
    const wanted = ['apiserversource', ...broker, 'knspan-correlator', ...broker, 'knspan-exporter'].join(' > ');
    let paths: ReadonlySet<string> = new Set();
    const look = () => {
      const exports = ownTraces('knspan-exporter').flatMap((spans) => spans.filter(({ name }) => name === 'export'));
      paths = new Set(exports.map((span) => path(span).join(' > ')));
      return paths.has(wanted) ? true : undefined;
    };
    await until('such a trace', 30_000, look).catch(() => assert.deepEqual([...paths], [wanted]));
  });

  proves('sampling: what shows tails never reaches Jaeger, what shows heads does, counted on both sides', async (stage) => {
    const sampling = new Installation('sampling', [selfTracing()]);
    kubectl('apply', '-k', sampling.folder);
    await sampling.ready();
    const here = stage('sampling');
    await makeRuns(here.namespace, 'run', sampled);
    await until('their Events', 30_000, async () =>
      new Set((await replayed(here.file)).map(({ trace }) => trace)).size === sampled ? true : undefined,
    );
    const sideOf = sideBy(coinflip);
    const sides = new Map<string, string>();
    for (const { trace } of await replayed(here.file)) sides.set(trace, await sideOf({ type: segmentType, segment: { traceId: trace } }));
    const of = (side: string) =>
      [...sides]
        .filter(([, one]) => one === side)
        .map(([trace]) => trace)
        .sort();
    assert.ok(of('heads').length > 0 && of('tails').length > 0);
    await here.told(settledWithinMs, (trace) => sides.get(trace) === 'heads');
    // All have been to the coin, and nothing is on its way any more.
    await until('an empty outbox', 60_000, () => (waiting().outbox === 0 ? true : undefined));
    const arrived = [...new Set(about(inJaeger(), here.uids()).map(({ trace }) => trace))].sort();
    assert.deepEqual(arrived, of('heads'));
    say(`sampling: ${sampled} runs, ${of('heads').length} heads in Jaeger, ${of('tails').length} tails nowhere`);
  });
}
