/**
 * The cost of a cold start, for `npm run bench`: from the spawn of a function, started as in the image, to its first 2xx response, compared with
 * bare `node:http` servers; and the memory of a function, idle and after 10,000 events. Asserts nothing.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nodeFlags } from '../../shared/build/bundle-options.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { eventJson } from '../helpers/event.ts';
import { freePort, type RedisProcess, startRedis } from '../helpers/redis.ts';
import { rolloutEvents } from '../helpers/rollout.ts';
import { segmentOf, spanOf } from '../helpers/segment.ts';

type FunctionName = 'correlator' | 'exporter';
type Environment = Readonly<Record<string, string>>;

interface Candidate {
  readonly label: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly body: string;
}

interface Figures {
  readonly wall: number;
  readonly cpu: number;
  readonly rss: number;
  readonly most: number;
}

const rounds = 15;
const eventsForMemory = 10_000;
const startWithin = 30_000;
const top = fileURLToPath(new URL('../../', import.meta.url));
/** As `Containerfile` says it. */
const compiled = { NODE_COMPILE_CACHE: join(top, 'dist/image/compile-cache'), NODE_COMPILE_CACHE_PORTABLE: '1' };
const listen = `createServer((request, response) => request.resume().on('end', () => response.writeHead(202).end())).listen(process.env.PORT)`;
/** Node reads all exports of a module that is imported, and one of `node:http` loads undici: that is the difference between these two. */
const bareServers = {
  'bare-import.mjs': `import { createServer } from 'node:http';\n${listen};\n`,
  'bare-require.cjs': `const { createServer } = require('node:http');\n${listen};\n`,
};

function eventBody(data: unknown, id: string): string {
  const type = 'dev.knative.apiserver.resource.add';
  return JSON.stringify({ specversion: '1.0', id, source: 'https://10.0.0.1:443', type, datacontenttype: 'application/json', data });
}

function segmentBody(index: number): string {
  const traceId = (index + 1).toString(16).padStart(32, '0');
  const spans = Array.from({ length: 10 }, (_, place) =>
    spanOf({ traceId, spanId: (index * 16 + place + 1).toString(16).padStart(16, '0') }),
  );
  return toSegmentEvents(segmentOf(spans, { traceId, cluster: 'bench' }), { source: '/bench' })[0]?.body ?? '';
}

/** On a core of its own, where the system lets us choose. */
const core =
  spawnSync('taskset', ['-c', String(cpus().length - 1), 'true']).status === 0 ? ['taskset', '-c', String(cpus().length - 1)] : [];

function start(args: readonly string[], env: Environment): ChildProcess {
  const [command = process.execPath, ...rest] = [...core, process.execPath, ...args];
  return spawn(command, rest, { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** The status of the answer; 0 while nobody listens. By a bare socket: what asks must cost nothing beside what is asked. */
function post(port: number, body: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const head = `POST / HTTP/1.1\r\nHost: bench\r\nContent-Type: application/cloudevents+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    socket.on('connect', () => socket.write(head + body));
    socket.on('data', (answer) => {
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString('latin1'))?.[1] ?? 0));
      socket.destroy();
    });
    socket.on('error', () => {}).on('close', () => resolve(0));
  });
}

async function firstAnswer(port: number, body: string): Promise<void> {
  for (const began = performance.now(); performance.now() - began < startWithin; await new Promise((resolve) => setTimeout(resolve, 1))) {
    const status = await post(port, body);
    if (status >= 200 && status < 300) return;
  }
  throw new Error(`Cannot measure: no answer with 2xx within ${startWithin / 1_000} s`);
}

/** Of all threads, ms, and resident memory now and at most, MiB; Linux alone tells. */
function usage(pid: number | undefined): Omit<Figures, 'wall'> {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'));
    const cpu = threads.reduce((sum, line) => sum + Number(line.split(' ')[0]), 0) / 1e6;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const memory = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
    return { cpu, rss: memory('VmRSS'), most: memory('VmHWM') };
  } catch {
    return { cpu: Number.NaN, rss: Number.NaN, most: Number.NaN };
  }
}

async function coldStart({ args, env, body }: Candidate): Promise<Figures> {
  const port = await freePort();
  const began = performance.now();
  const child = start(args, { ...env, PORT: String(port) });
  try {
    await firstAnswer(port, body);
    return { wall: performance.now() - began, ...usage(child.pid) };
  } finally {
    await stop(child);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

interface World {
  readonly folder: string;
  readonly env: Environment;
}

function candidates({ folder, env }: World): readonly Candidate[] {
  const bare = Object.keys(bareServers).map((file) => ({ label: file, args: [join(folder, file)], env: {}, body: '{}' }));
  const bodies = { exporter: segmentBody(1), correlator: eventBody(eventJson(), '1') };
  const functions = (['exporter', 'correlator'] as const).flatMap((name) => {
    const bundled = { args: [...nodeFlags, join(top, 'dist/image/main.cjs'), name], body: bodies[name] };
    return [
      { ...bundled, label: name, env: { ...env, ...compiled } },
      { ...bundled, label: `${name}, without compiled code`, env },
      { label: `${name}, from source`, args: [join(top, 'functions/main.ts'), name], body: bodies[name], env },
    ];
  });
  return [...bare, ...functions];
}

async function coldStarts(say: (text: string) => void, world: World): Promise<void> {
  const all = candidates(world);
  const figures = new Map<Candidate, Figures[]>(all.map((one) => [one, []]));
  for (const one of all) await coldStart(one);
  for (let round = 0; round < rounds; round += 1) for (const one of all) figures.get(one)?.push(await coldStart(one));
  const medianOf = (one: Candidate, what: keyof Figures) => median(figures.get(one)?.map((each) => each[what]) ?? []);
  const [imported, required] = all;
  for (const one of all) {
    const ratio = (what: 'wall' | 'cpu') =>
      [imported, required].map((bare) => (bare ? (medianOf(one, what) / medianOf(bare, what)).toFixed(2) : '')).join(' and ');
    const told = (['wall', 'cpu'] as const).map((what) => `${what} ${medianOf(one, what).toFixed(0)} ms, × ${ratio(what)}`);
    say(`  ${one.label.padEnd(34)} ${told.join('; ')}; RSS ${medianOf(one, 'rss').toFixed(0)} MiB`);
  }
}

function* bodiesFor(name: FunctionName): Generator<string> {
  for (let made = 0, round = 0; made < eventsForMemory; round += 1) {
    if (name === 'exporter') yield segmentBody(++made);
    else
      for (const event of rolloutEvents({ name: `app-${round}`, pods: 20, uid: `m${round}`, at: Date.now() * 1_000 }))
        if (made < eventsForMemory) yield eventBody(event, String(++made));
  }
}

/** As it starts, and after so many events from 16 senders. */
async function memory(say: (text: string) => void, name: FunctionName, env: Environment): Promise<void> {
  const port = await freePort();
  const child = start([...nodeFlags, join(top, 'dist/image/main.cjs'), name], { ...env, PORT: String(port) });
  try {
    await firstAnswer(port, name === 'exporter' ? segmentBody(0) : eventBody(eventJson(), '0'));
    const first = usage(child.pid).rss;
    const bodies = bodiesFor(name);
    const headers = { 'content-type': 'application/cloudevents+json' };
    const sender = async () => {
      for (const body of bodies) await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })).arrayBuffer();
    };
    await Promise.all(Array.from({ length: 16 }, sender));
    const { rss, most } = usage(child.pid);
    say(
      `  ${name}: RSS ${first.toFixed(0)} MiB after the first event, ${rss.toFixed(0)} after ${eventsForMemory}, at most ${most.toFixed(0)}`,
    );
  } finally {
    await stop(child);
  }
}

export async function benchColdStart(say: (text: string) => void): Promise<void> {
  execFileSync(process.execPath, [join(top, 'shared/build/bundle.ts')], { cwd: top, stdio: 'ignore' });
  const folder = mkdtempSync(join(tmpdir(), 'knspan-cold-'));
  for (const [file, text] of Object.entries(bareServers)) writeFileSync(join(folder, file), text);
  const redis: RedisProcess = await startRedis({ appendfsync: 'always' });
  const taker = createServer((request, response) => request.resume().on('end', () => response.end())).listen(0, '127.0.0.1');
  await once(taker, 'listening');
  const address = taker.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const env = { REDIS_URL: redis.url, K_SINK: url, OTEL_EXPORTER_OTLP_ENDPOINT: url, KNSPAN_CLUSTER: 'bench', KNSPAN_LOG_LEVEL: 'off' };
  const load = () => loadavg()[0]?.toFixed(1);
  say(
    `cold start, ${rounds} each in turn, median; × the two bare servers; ${core.length > 0 ? 'on one core' : 'on any core'}; load average ${load()}`,
  );
  await coldStarts(say, { folder, env });
  say(`memory, load average ${load()}`);
  for (const name of ['exporter', 'correlator'] as const) await memory(say, name, env);
  taker.close();
  await redis.stop();
  rmSync(folder, { recursive: true });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchColdStart((text) => process.stdout.write(`${text}\n`));
