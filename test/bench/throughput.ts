/**
 * Events per second on one core, over HTTP and a Redis that fsyncs every write, and the cost of making traces of them. The load comes from a
 * separate process; the correlator is pinned to one core. For `npm run bench`; asserts nothing.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nodeFlags } from '../../shared/build/bundle-options.ts';
import { RedisStore } from '../../shared/store/redis/store.ts';
import { defaultBounds, type Store } from '../../shared/store/store.ts';
import { FunctionProcess } from '../helpers/function-process.ts';
import { freePort, type RedisOptions, type RedisProcess, startRedis } from '../helpers/redis.ts';
import { openClient } from '../store/contract/harness.ts';
import type { LoadFigures, LoadOrder } from './load.ts';

const prefix = 'knspan:';
const seconds = 10;
const hour = 3_600_000;
const later = 2 * hour;
const drainsWithinMs = 300_000;
const latestMs = 90_000;
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
  readonly sink: { segments: number; spans: number; readonly late: number[] };
}

async function withBench(appendfsync: RedisOptions['appendfsync'], run: (bench: Bench) => Promise<void>): Promise<void> {
  const redis = await startRedis({ ...(appendfsync ? { appendfsync } : {}) });
  const client = await openClient(redis.url);
  const sink: Bench['sink'] = { segments: 0, spans: 0, late: [] };
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    sink.segments += 1;
    sink.late.push(Date.now() - Date.parse(/"time":"([^"]+)/.exec(text)?.[1] ?? ''));
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
  // As the image starts it; for a closer look --cpu-prof and the like.
  const nodeArgs = [...nodeFlags, ...(process.env['KNSPAN_NODE_ARGS'] ?? '').split(' ').filter((arg) => arg !== '')];
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

const grouped = (value: number) => Math.round(value).toLocaleString('en');

/** The load, and the CPU that correlator and Redis take for each event. */
async function measured(bench: Bench, order: LoadOrder): Promise<LoadFigures & { cpu: number; redisCpu: number }> {
  const used = () => [usageOf(bench.correlator.pid).cpu, usageOf(bench.redis.pid).cpu] as const;
  const before = used();
  const figures = await loaded(bench, order);
  const after = used();
  const each = (place: 0 | 1) => Math.round(((after[place] - before[place]) / Math.max(1, figures.taken)) * 1e6);
  return { ...figures, cpu: each(0), redisCpu: each(1) };
}

async function speed(say: (text: string) => void, appendfsync: 'always' | 'everysec'): Promise<void> {
  await withBench(appendfsync, async (bench) => {
    const { correlator } = bench;
    await correlator.start();
    const order = { url: correlator.url, connections: 128, seconds, rate: 0, offset: 0 };
    await loaded(bench, { ...order, seconds: 3, round: 'warm' });
    const full = await measured(bench, { ...order, round: 'full' });
    const { rss, peak } = usageOf(correlator.pid);
    say(
      `appendfsync ${appendfsync}, events of ${full.bytes} bytes: ${grouped(full.perSecond)} events/s acknowledged, p50 ${full.p50} ms, p99 ${full.p99} ms, ${full.failed} failed; CPU an event ${full.cpu} µs, of Redis ${full.redisCpu} µs; memory ${rss} MiB, at most ${peak}; load of the machine ${loadavg()[0]?.toFixed(1)}`,
    );
    const half = await loaded(bench, { ...order, rate: Math.round(full.perSecond / 2), connections: 128, round: 'half' });
    say(`  at half of that: ${grouped(half.perSecond)} events/s, p50 ${half.p50} ms, p99 ${half.p99} ms`);
    await correlator.end('SIGTERM');
    await correlator.start({ KNSPAN_CLOCK_OFFSET: `${later}ms` });
    await drained(say, bench, full.cpu);
  });
}

/** All that waits becomes traces at once. */
async function drained(say: (text: string) => void, { correlator, store, sink }: Bench, takingCpu: number): Promise<void> {
  const { inbox, undecided } = await store.sizes();
  const [began, before] = [performance.now(), usageOf(correlator.pid).cpu];
  for (let left = inbox + undecided; left > 0 && performance.now() - began < drainsWithinMs; await pause(200)) {
    const figures = await store.sizes();
    left = figures.inbox + figures.undecided + figures.outbox;
  }
  const { cpu, peak } = usageOf(correlator.pid);
  const took = (performance.now() - began) / 1_000;
  const each = ((cpu - before) / (inbox + undecided)) * 1e6;
  say(
    `  ${grouped(inbox + undecided)} events that wait to ${grouped(sink.spans)} spans in ${grouped(sink.segments)} segments: ${took.toFixed(1)} s, CPU an event ${each.toFixed(0)} µs; memory at most ${peak} MiB`,
  );
  say(`  from taking to sending by one core, by its CPU: ${grouped(1e6 / (takingCpu + each))} events/s`);
}

/** From the last event of a change to its trace, of small rollouts one after the other. */
async function latency(say: (text: string) => void): Promise<void> {
  await withBench('always', async (bench) => {
    await bench.correlator.start();
    const order = { url: bench.correlator.url, connections: 4, seconds: 15, rate: 121, offset: 0, round: 'slow' };
    await loaded(bench, order);
    // The last one is cut off, and stays open.
    const whole = order.seconds - 2;
    for (const end = performance.now() + latestMs; bench.sink.late.length < whole && performance.now() < end; ) await pause(200);
    const late = bench.sink.late.sort((a, b) => a - b);
    const at = (part: number) => ((late[Math.min(late.length - 1, Math.floor(part * late.length))] ?? 0) / 1_000).toFixed(1);
    say(
      `from the last event of a change to its trace: p50 ${at(0.5)} s, p99 ${at(0.99)} s of ${late.length}; 31 s of it are waiting by design`,
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
    say(`a bare node:http server that parses the JSON: ${grouped(perSecond)} events/s, ${(cpu * 1e6).toFixed(0)} µs of CPU an event`);
  });
}

/** As many objects as `count` that the store has heard of. */
async function prefill(store: Store, count: number): Promise<void> {
  const uid = (index: number) => `known-${index}`;
  for (let begin = 0; begin < count; begin += 2_000) {
    const indexes = Array.from({ length: Math.min(2_000, count - begin) }, (_, place) => begin + place);
    const ref = (index: number) => JSON.stringify([['v1', 'Pod', 'shop', `pod-${index}`, uid(index)], '', false, 0, 0]);
    await store.putIndex(
      indexes.map((index) => ({ key: `bench|f|life|Pod/shop/pod-${index}`, member: ref(index), score: Date.now() * 1_000 })),
      hour,
      10_000,
    );
  }
}

/** Each begins anew, so that neither has to decide what the other has sent. */
async function withKnown(objects: number): Promise<Awaited<ReturnType<typeof measured>>> {
  let figures: Awaited<ReturnType<typeof measured>> | undefined;
  await withBench('everysec', async (bench) => {
    await prefill(bench.store, objects);
    await bench.correlator.start();
    const order = { url: bench.correlator.url, connections: 128, seconds, rate: 0, offset: 0 };
    await loaded(bench, { ...order, seconds: 3, round: 'warm' });
    figures = await measured(bench, { ...order, round: 'known' });
  });
  if (!figures) throw new Error('Cannot bench: the load gave no figures');
  return figures;
}

async function flatness(say: (text: string) => void): Promise<void> {
  const [small, large] = [await withKnown(few), await withKnown(many)];
  const inFull = ({ perSecond, cpu, redisCpu }: typeof small) =>
    `${grouped(perSecond)} events/s (CPU an event ${cpu} µs, of Redis ${redisCpu} µs)`;
  const part = Math.round((100 * (small.cpu + small.redisCpu)) / (large.cpu + large.redisCpu));
  const bySpeed = Math.round((100 * large.perSecond) / small.perSecond);
  say(`with ${grouped(few)} known objects ${inFull(small)}, with ${grouped(many)} ${inFull(large)}: ${bySpeed} %, ${part} % by CPU`);
}

const parts = {
  bare,
  always: (say: (text: string) => void) => speed(say, 'always'),
  everysec: (say: (text: string) => void) => speed(say, 'everysec'),
  flatness,
  latency,
} as const;

/** All parts, or those named. */
export async function benchThroughput(say: (text: string) => void, names: readonly string[] = Object.keys(parts)): Promise<void> {
  say(`correlator ${canPin ? 'on one core, load and Redis on another' : 'not pinned'}`);
  for (const [name, part] of Object.entries(parts)) if (names.includes(name)) await part(say);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const named = process.argv.slice(2);
  await benchThroughput((text) => process.stdout.write(`${text}\n`), named.length > 0 ? named : undefined);
}
