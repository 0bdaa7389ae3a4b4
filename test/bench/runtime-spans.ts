/**
 * The function runtime-spans under the spans of a large cluster: `node test/bench/runtime-spans.ts [SPANS_PER_SECOND] [SECONDS]`. What is
 * offered is a recorded change with the noise around it (74 % of the spans), again and again under other ids and in other namespaces, in
 * gzipped protobuf as a Collector sends it; the store is a real Redis. Prints figures, asserts nothing.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { cpus } from 'node:os';
import { gzipSync } from 'node:zlib';
import { field, listField } from '../../shared/events/json.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { FunctionProcess } from '../helpers/function-process.ts';
import { startRedis } from '../helpers/redis.ts';
import { metricOf } from '../helpers/surroundings.ts';
import { otlpProtobuf } from '../runtime-spans/function/otlp-protobuf.ts';
import { readRecording } from '../runtime-spans/recording.ts';

const rate = Number(process.argv[2] ?? 20_000);
const seconds = Number(process.argv[3] ?? 60);
const variants = 40;
const say = (text: string) => process.stdout.write(`${text}\n`);
const number = (value: number, digits = 0) => value.toLocaleString('en', { maximumFractionDigits: digits });

interface Batch {
  readonly body: Buffer;
  readonly spans: number;
}

/** The same change with other trace ids, in a namespace of its own. */
function variantOf(text: string, variant: number): unknown {
  const head = variant.toString(16).padStart(4, '0');
  const renamed = text.replaceAll(/"traceId":"[0-9a-f]{4}/g, `"traceId":"${head}`).replaceAll('/shop/', `/shop-${variant}/`);
  return JSON.parse(renamed);
}

function spansIn(one: unknown): number {
  const scopes = listField(one, 'resourceSpans', 1e6).flatMap((resource) => listField(resource, 'scopeSpans', 1e6));
  return scopes.reduce<number>((sum, scope) => sum + listField(scope, 'spans', 1e6).length, 0);
}

function usageOf(pid: number): { cpu: number; rss: number; peak: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1_024;
  return { cpu: (Number(stat[11]) + Number(stat[12])) / 100, rss: mebibytes('VmRSS'), peak: mebibytes('VmHWM') };
}

const { requests, segments } = readRecording('deployment-create');
const text = JSON.stringify(requests);
const batches: Batch[] = [];
for (let variant = 0; variant < variants; variant += 1)
  for (const one of listField({ all: variantOf(text, variant) }, 'all', 1e6))
    batches.push({ body: gzipSync(otlpProtobuf(one)), spans: spansIn(one) });
const perBatch = batches.reduce((sum, { spans }) => sum + spans, 0) / batches.length;

const redis = await startRedis();
const memory = () => Number(/used_memory:(\d+)/.exec(redis.cli('INFO', 'memory'))?.[1] ?? 0);
const running = await FunctionProcess.create({
  name: 'runtime-spans',
  environment: { REDIS_URL: redis.url },
  nodeArgs: ['--max-semi-space-size=4'],
});
await running.start();
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const answers = new Map<number, number>();
const took: number[] = [];

function post({ body }: Batch, due: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (status: number) => {
      answers.set(status, (answers.get(status) ?? 0) + 1);
      took.push(performance.now() - due);
      resolve();
    };
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip', 'content-length': body.length };
    request(`${running.url}/v1/traces`, { method: 'POST', agent, headers }, (answer) =>
      answer.resume().on('end', () => done(answer.statusCode ?? 0)),
    )
      .on('error', () => done(0))
      .end(body);
  });
}

say(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${new Date().toISOString().slice(0, 10)}`);
const before = { ...usageOf(running.pid), redis: memory() };
const began = performance.now();
const all: Promise<void>[] = [];
let offered = 0;
for (let sent = 0; offered < rate * seconds; ) {
  const due = ((performance.now() - began) * rate) / 1_000;
  while (offered < due && offered < rate * seconds) {
    const batch = batches[sent % batches.length];
    if (batch === undefined) break;
    all.push(post(batch, began + (offered * 1_000) / rate));
    sent += 1;
    offered += batch.spans;
  }
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await Promise.all(all);
const elapsed = (performance.now() - began) / 1_000;
const after = { ...usageOf(running.pid), redis: memory() };
const metrics = await (await fetch(`${running.url}/metrics`)).text();
const kept = metricOf(metrics, 'knspan_runtime_spans_kept_total');
took.sort((a, b) => a - b);
const at = (part: number) => number(took[Math.floor(took.length * part)] ?? 0);
say(`offered ${number(offered)} spans in ${number(elapsed, 1)} s, ${number(offered / elapsed)}/s, ${number(perBatch)} a request`);
say(`answers ${[...answers].map(([status, count]) => `${status}: ${number(count)}`).join(', ')}; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
say(
  `kept ${number(kept)} (${number((100 * kept) / offered)} %), CPU ${number(((after.cpu - before.cpu) * 1e6) / offered, 1)} µs a span offered`,
);
say(`memory ${number(before.rss)} MiB before, ${number(after.rss)} after, ${number(after.peak)} at most`);
say(
  `Redis ${number((after.redis - before.redis) / 2 ** 20)} MiB, ${number((after.redis - before.redis) / Math.max(1, kept))} bytes a kept span`,
);
say(`stored by the function's own count: ${number(metricOf(metrics, 'knspan_runtime_stored{unit="bytes"}') / 2 ** 20)} MiB`);

/** What a trace of the last variant gets out of all that. */
const [segment] = segments;
if (segment !== undefined) {
  const joining = performance.now();
  const [event] = toSegmentEvents(
    JSON.parse(
      JSON.stringify(segment)
        .replaceAll('"shop"', `"shop-${variants - 1}"`)
        .replaceAll('/shop/', `/shop-${variants - 1}/`),
    ),
    { source: '/bench' },
  );
  const headers = { 'content-type': 'application/cloudevents+json', prefer: 'reply' };
  const response = await fetch(running.url, { method: 'POST', headers, body: event?.body ?? '' });
  const answer: unknown = response.status === 200 ? await response.json() : null;
  const count = answer === null ? 0 : spansIn({ resourceSpans: field(answer, 'resourceSpans') });
  say(`a segment is answered in ${number(performance.now() - joining)} ms with ${count} runtime spans`);
}
agent.destroy();
await running.end('SIGKILL');
await redis.stop();
