/**
 * The backend is unavailable for ten real minutes while Events flow: `node test/bench/outage.ts [MINUTES]`. The whole pipeline runs in one
 * process (`knspan serve`), with a Redis that fsyncs every write. Prints what was lost, duplicated or different from a direct replay, and
 * when the last trace arrived.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { post } from '../helpers/notices.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { startRedis } from '../helpers/redis.ts';
import { rolloutEvents } from '../helpers/rollout.ts';
import { pipelineOver, spanText } from '../helpers/trace.ts';
import { until } from '../helpers/until.ts';

const awayMs = Number(process.argv[2] ?? 10) * 60_000;
const afterMs = 60_000;
/** The slowest way: given up by the Broker, parked, sent again with the longest back-off. */
const allWithinMs = 20 * 60_000;
const bin = fileURLToPath(new URL('../../shared/cli/bin.js', import.meta.url));
const say = (text: string) => process.stdout.write(`${text}\n`);

/** A rollout of two pods each second; what was sent. */
async function sendFor(url: string, ms: number): Promise<Observation[]> {
  const sent: Observation[] = [];
  const began = Date.now();
  for (let second = 0; second * 1_000 < ms; second += 1) {
    await pause(Math.max(0, began + second * 1_000 - Date.now()));
    const shape = { name: `app-${second}`, pods: 2, uid: `d${second}`, at: (Date.now() - 2_000) * 1_000 };
    for (const object of rolloutEvents(shape)) {
      const parsed = parseEvent(object);
      const status = await post(url, { type: 'dev.knative.apiserver.resource.add', at: Date.now(), object });
      if (!parsed.ok || status !== 202) throw new Error(`Cannot bench: an Event was answered ${status}, wanted 202`);
      sent.push(parsed.value);
    }
  }
  return sent;
}

function wantedOf(sent: readonly Observation[]): string[] {
  const pipeline = pipelineOver(new ObjectIndex(), 1_000, 'bench');
  for (const observation of sent) pipeline.push(observation);
  return pipeline.finish().flatMap(({ spans }) => spans.map(spanText));
}

async function arrived(receiver: OtlpReceiver, wanted: ReadonlySet<string>): Promise<{ lost: number; other: number; copies: number }> {
  const missing = () => {
    const there = new Set(receiver.taken.map(spanText));
    return [...wanted].filter((text) => !there.has(text)).length;
  };
  const end = Date.now() + allWithinMs;
  while (missing() > 0 && Date.now() < end) await pause(5_000);
  // What comes twice or is wrong may come last.
  await pause(10_000);
  const there = receiver.taken.map(spanText);
  return { lost: missing(), other: there.filter((text) => !wanted.has(text)).length, copies: there.length - new Set(there).size };
}

const redis = await startRedis({ appendfsync: 'always' });
const receiver = new OtlpReceiver();
const endpoint = await receiver.start();
await receiver.stop();
const env = { ...process.env, REDIS_URL: redis.url };
const serve = spawn(process.execPath, [bin, 'serve', '--port', '0', '--cluster', 'bench', '--otlp', endpoint], {
  env,
  stdio: ['ignore', 'ignore', 'pipe'],
});
let said = '';
serve.stderr?.on('data', (chunk) => {
  said += chunk;
});
try {
  await until('it takes CloudEvents', () => /Taking CloudEvents at (\S+);/.test(said));
  const url = /Taking CloudEvents at (\S+);/.exec(said)?.[1] ?? '';
  const back = pause(awayMs).then(() => receiver.start());
  const sent = await sendFor(url, awayMs + afterMs);
  await back;
  const began = Date.now();
  const { lost, other, copies } = await arrived(receiver, new Set(wantedOf(sent)));
  say(
    `backend away for ${awayMs / 60_000} min: ${sent.length} events, ${receiver.taken.length} spans, ${lost} lost, ${other} that differ, ${copies} copies; ` +
      `all there ${Math.round((Date.now() - began) / 1_000)} s after the last event, ${Math.round((Date.now() - began + afterMs) / 1_000)} s after the backend`,
  );
} finally {
  const ended = once(serve, 'close');
  serve.kill('SIGTERM');
  await ended;
  await receiver.stop();
  await redis.stop();
}
