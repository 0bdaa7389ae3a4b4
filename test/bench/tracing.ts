/**
 * The cost of self-tracing for a correlator that only acknowledges, with a Redis that fsyncs every write. One server under one load, in slices
 * of 2 s: untraced, one request in ten, and all, in turns. A slow phase of the machine that is longer than a slice affects all three alike;
 * the figure is the median difference between neighbouring slices.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { startCorrelator } from '../../functions/correlator/index.ts';
import { RedisStore } from '../../shared/store/redis/store.ts';
import { defaultBounds } from '../../shared/store/store.ts';
import { createSelfTracing } from '../../shared/telemetry/self-tracing.ts';
import { KeepingSink } from '../helpers/correlators.ts';
import { eventJson } from '../helpers/event.ts';
import { startRedis } from '../helpers/redis.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';
import { openClient } from '../store/contract/harness.ts';

const ratios = [0, 0.1, 1];
const rounds = Number(process.argv[2] ?? '12');
const sliceMs = 2_000;
/** Of each slice, left out: the spans of the slice before are sent. */
const leftOutMs = 600;

const autocannon = createRequire(import.meta.url).resolve('autocannon');
const backendCode = `require('node:http').createServer((q, s) => q.resume().on('end', () => s.end('{}'))).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`;
const backend = spawn(process.execPath, ['-e', backendCode], { stdio: ['ignore', 'pipe', 'inherit'] });
const [port] = await once(backend.stdout, 'data');
const redis = await startRedis({ appendfsync: 'always' });
const client = await openClient(redis.url);

let requests = 0;
let ratio = 0;
const tracing = createSelfTracing({
  name: 'correlator',
  ratio: 1,
  exporter: new OTLPTraceExporter({ url: `http://127.0.0.1:${String(port).trim()}/v1/traces` }),
  // Asked once a request.
  random: () => {
    requests += 1;
    return Math.random() < ratio ? 0 : 1;
  },
});
const store = new RedisStore(client, 'bench:', defaultBounds);
const correlator = await startCorrelator(
  { ...surroundingsFor({}), tracing },
  { store, sink: new KeepingSink(), cluster: 'bench', beats: false },
);

function loaded(): ReturnType<typeof spawn> {
  const headers = ['specversion=1.0', 'id=1', 'source=/bench', 'type=dev.knative.apiserver.resource.add', 'kind=Event'];
  const args = ['-j', '-I', '-c', '20', '-d', '100000', '-m', 'POST', '-b', JSON.stringify(eventJson({ metadata: { uid: 'uid-[<id>]' } }))];
  for (const header of headers) args.push('-H', `ce-${header}`);
  args.push('-H', 'content-type=application/json', correlator.url);
  return spawn(process.execPath, [autocannon, ...args], { stdio: 'ignore' });
}

interface Slice {
  readonly perSecond: number;
  /** Microseconds. */
  readonly cpu: number;
}

async function slice(of: number): Promise<Slice> {
  ratio = of;
  await sleep(leftOutMs);
  const [before, cpu, began] = [requests, process.cpuUsage(), performance.now()];
  await sleep(sliceMs - leftOutMs);
  const { user, system } = process.cpuUsage(cpu);
  const count = requests - before;
  return { perSecond: (count / (performance.now() - began)) * 1_000, cpu: (user + system) / count };
}

const middle = (all: readonly number[]) => [...all].sort((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
const load = loaded();
await slice(0);
await slice(1);
const all: Slice[][] = [];
for (let round = 0; round < rounds; round += 1) {
  // Forth and back, so that what only grows (Redis, the machine's heat) is on no one's account.
  const order = round % 2 === 0 ? ratios : ratios.toReversed();
  const slices = new Map<number, Slice>();
  for (const of of order) slices.set(of, await slice(of));
  all.push(ratios.flatMap((of) => slices.get(of) ?? []));
}
const line = (which: number, of: number) => {
  const cost = (figure: (one: Slice) => number) =>
    middle(all.flatMap((slices) => (slices[which] && slices[0] ? [figure(slices[which]) / figure(slices[0]) - 1] : [])));
  const [rate, cpu] = [middle(all.map((one) => one[which]?.perSecond ?? 0)), middle(all.map((one) => one[which]?.cpu ?? 0))];
  const than =
    which === 0 ? '' : `: ${percent(-cost((one) => one.perSecond))} less throughput, ${percent(cost((one) => one.cpu))} more CPU`;
  return `self-tracing of ${percent(of)}: ${rate.toFixed(0)} events/s, ${cpu.toFixed(1)} µs of CPU an event${than}\n`;
};
for (const [which, of] of ratios.entries()) process.stdout.write(line(which, of));
load.kill();
backend.kill();
await redis.stop();
process.exit(0);
