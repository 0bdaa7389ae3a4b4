/**
 * How many Events a second one core takes, over HTTP and a Redis that writes to its disk before it answers, and what it then needs to
 * make traces of them. The load comes from a process of its own, the correlator is pinned to one core. For `npm run bench`; asserts nothing.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { RedisStore } from '../../shared/store/redis.ts';
import { defaultBounds, type Store } from '../../shared/store/store.ts';
import { openClient } from '../contract/harness.ts';
import { FunctionProcess } from '../helpers/function-process.ts';
import { freePort, type RedisOptions, type RedisProcess, startRedis } from '../helpers/redis.ts';
import type { LoadFigures, LoadOrder } from './load.ts';

const prefix = 'knspan:';
const seconds = 10;
const hour = 3_600_000;
const later = 2 * hour;
const [few, many] = [1_000, 1_000_000];
const [own, others] = ['0', '1'];
const canPin = spawnSync('taskset', ['-c', others, 'true']).status === 0;
const pinnedTo = (core: string) => (canPin ? ['taskset', '-c', core] : []);

interface Bench {
  readonly redis: RedisProcess;
  readonly store: Store;
  readonly correlator: FunctionProcess;
  readonly load: ChildProcess;
  /** What arrived. */
  readonly sink: { segments: number; spans: number };
}

async function withBench(appendfsync: RedisOptions['appendfsync'], run: (bench: Bench) => Promise<void>): Promise<void> {
  const redis = await startRedis({ ...(appendfsync ? { appendfsync } : {}) });
  const client = await openClient(redis.url);
  const sink = { segments: 0, spans: 0 };
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    sink.segments += 1;
    sink.spans += Number(/"spancount":"?(\d+)/.exec(text)?.[1] ?? 0);
    response.writeHead(202).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const environment = {
    REDIS_URL: redis.url,
    KNSPAN_REDIS_PREFIX: prefix,
    KNSPAN_CLUSTER: 'bench',
    KNSPAN_LOOKUPS: 'false',
    K_SINK: `http://127.0.0.1:${port}`,
  };
  // For a closer look: --cpu-prof and the like.
  const nodeArgs = (process.env['KNSPAN_NODE_ARGS'] ?? '').split(' ').filter((arg) => arg !== '');
  const correlator = await FunctionProcess.create({ name: 'correlator', environment, before: pinnedTo(own), nodeArgs });
  const load = fork(fileURLToPath(new URL('./load.ts', import.meta.url)), [], { execArgv: [] });
  if (canPin) for (const pid of [load.pid, redis.pid]) spawnSync('taskset', ['-a', '-cp', others, String(pid)]);
  try {
    await run({ redis, store: new RedisStore(client, prefix, defaultBounds), correlator, load, sink });
  } finally {
    load.kill();
    await correlator.end('SIGTERM');
    client.disconnect();
    server.closeAllConnections();
    server.close();
    await redis.stop();
  }
}

async function loaded({ load }: Bench, order: LoadOrder): Promise<LoadFigures> {
  const answer = once(load, 'message');
  load.send(order);
  const [figures]: LoadFigures[] = await answer;
  if (!figures) throw new Error('Cannot bench: the load gave no figures');
  return figures;
}

/** Seconds of CPU that a process has used; MiB that it holds and held at most. */
function usageOf(pid: number): { cpu: number; rss: number; peak: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024);
  return { cpu: (Number(stat[11]) + Number(stat[12])) / 100, rss: mebibytes('VmRSS'), peak: mebibytes('VmHWM') };
}

const many000 = (value: number) => Math.round(value).toLocaleString('en');

export async function speed(say: (text: string) => void, appendfsync: 'always' | 'everysec'): Promise<void> {
  await withBench(appendfsync, async (bench) => {
    const { correlator, store, sink } = bench;
    await correlator.start();
    const order = { url: correlator.url, connections: 128, seconds, rate: 0, offset: 0 };
    await loaded(bench, { ...order, seconds: 3, round: 'warm' });
    const before = usageOf(correlator.pid);
    const full = await loaded(bench, { ...order, round: 'full' });
    const after = usageOf(correlator.pid);
    const cpu = (after.cpu - before.cpu) / (full.taken || 1);
    say(
      `appendfsync ${appendfsync}: ${many000(full.perSecond)} events/s of ${full.bytes} bytes acknowledged, p50 ${full.p50} ms, p99 ${full.p99} ms, ${full.failed} failed; ${(cpu * 1e6).toFixed(0)} µs of CPU an event; memory ${after.rss} MiB, at most ${after.peak}; load ${loadavg()[0]?.toFixed(1)}`,
    );
    const half = await loaded(bench, { ...order, rate: Math.round(full.perSecond / 2), connections: 32, round: 'half' });
    say(
      `  at half of that: ${many000(half.perSecond)} events/s, p50 ${half.p50} ms, p99 ${half.p99} ms; memory at most ${usageOf(correlator.pid).peak} MiB`,
    );
    await correlator.end('SIGTERM');
    const { inbox, held } = await store.figures();
    const began = performance.now();
    await correlator.start({ KNSPAN_CLOCK_OFFSET: `${later}ms` });
    let left = 1;
    for (; left > 0; await pause(200)) {
      const figures = await store.figures();
      left = figures.inbox + figures.held + figures.outbox;
      if (performance.now() - began > 300_000) break;
    }
    const took = (performance.now() - began) / 1_000;
    const { cpu: worked, peak } = usageOf(correlator.pid);
    say(
      `  then ${many000(inbox + held)} events to ${many000(sink.spans)} spans in ${many000(sink.segments)} segments: ${took.toFixed(1)} s, ${many000((inbox + held) / took)} events/s, ${((worked / (inbox + held)) * 1e6).toFixed(0)} µs of CPU an event; memory at most ${peak} MiB`,
    );
  });
}

/** A server that does nothing with the events, on the same core under the same load. */
async function bare(say: (text: string) => void): Promise<void> {
  await withBench('everysec', async (bench) => {
    const port = await freePort();
    const server = fork(fileURLToPath(new URL('./bare-server.ts', import.meta.url)), [String(port)], { execArgv: [] });
    await once(server, 'message');
    if (canPin) spawnSync('taskset', ['-a', '-cp', own, String(server.pid)]);
    const order = { url: `http://127.0.0.1:${port}`, connections: 128, seconds, rate: 0, offset: 0 };
    await loaded(bench, { ...order, seconds: 3, round: 'warm' });
    const before = usageOf(server.pid ?? 0).cpu;
    const { perSecond, taken } = await loaded(bench, { ...order, round: 'bare' });
    const cpu = (usageOf(server.pid ?? 0).cpu - before) / taken;
    server.kill();
    say(`a bare node:http server that parses the JSON: ${many000(perSecond)} events/s, ${(cpu * 1e6).toFixed(0)} µs of CPU an event`);
  });
}

/** As many objects as `count` that the store has heard of: the facts and the seen Events of each. */
async function prefill(store: Store, from: number, count: number): Promise<void> {
  const uid = (index: number) => `known-${index}`;
  for (let begin = from; begin < count; begin += 2_000) {
    const indexes = Array.from({ length: Math.min(2_000, count - begin) }, (_, place) => begin + place);
    const ref = (index: number) => JSON.stringify([['v1', 'Pod', 'shop', `pod-${index}`, uid(index)], '', false, 0, 0]);
    await store.putIndex(
      indexes.map((index) => ({ key: `bench|f|life|Pod/shop/pod-${index}`, member: ref(index), score: Date.now() * 1_000 })),
      hour,
      10_000,
    );
  }
}

async function flatness(say: (text: string) => void): Promise<void> {
  await withBench('everysec', async (bench) => {
    await bench.correlator.start();
    const order = { url: bench.correlator.url, connections: 128, seconds, rate: 0, offset: 0 };
    await prefill(bench.store, 0, few);
    await loaded(bench, { ...order, round: 'warm' });
    const small = await loaded(bench, { ...order, round: 'small' });
    await prefill(bench.store, few, many);
    const large = await loaded(bench, { ...order, round: 'large' });
    const part = Math.round((100 * large.perSecond) / small.perSecond);
    say(
      `with ${many000(few)} known objects ${many000(small.perSecond)} events/s, with ${many000(many)} ${many000(large.perSecond)}: ${part} %`,
    );
  });
}

export async function benchThroughput(say: (text: string) => void): Promise<void> {
  say(`correlator ${canPin ? 'on one core, load and Redis on another' : 'not pinned'}`);
  await bare(say);
  for (const appendfsync of ['always', 'everysec'] as const) await speed(say, appendfsync);
  await flatness(say);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchThroughput((text) => process.stdout.write(`${text}\n`));
