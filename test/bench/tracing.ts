/**
 * What self-tracing costs the correlator: CPU time an Event on the way from the request to the acknowledgement, with a Redis that writes
 * to its disk before it answers; off and at two ratios.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { json, text } from 'node:stream/consumers';
import { startCorrelator } from '../../functions/correlator/index.ts';
import { Tracings } from '../../functions/tracing.ts';
import { field, numberField } from '../../shared/cloudevent/json.ts';
import { RedisStore } from '../../shared/store/redis.ts';
import { defaultBounds } from '../../shared/store/store.ts';
import { openClient } from '../contract/harness.ts';
import { KeepingSink } from '../helpers/correlators.ts';
import { eventJson } from '../helpers/event.ts';
import { startRedis } from '../helpers/redis.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';

const seconds = process.argv[2] ?? '3';
const rounds = 6;
const autocannon = createRequire(import.meta.url).resolve('autocannon');
const backendCode = `require('node:http').createServer((q, s) => q.resume().on('end', () => s.end('{}'))).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`;
const backend = spawn(process.execPath, ['-e', backendCode], { stdio: ['ignore', 'pipe', 'inherit'] });
const [port] = await once(backend.stdout, 'data');
const redis = await startRedis({ appendfsync: 'always' });
let measured = 0;

async function measure(ratio: string): Promise<{ rate: number; microseconds: number }> {
  const tracings = new Tracings();
  const env = { KNSPAN_SELF_TRACING: ratio, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${String(port).trim()}` };
  const around = await tracings.into('correlator', surroundingsFor(env));
  measured += 1;
  const client = await openClient(redis.url);
  const store = new RedisStore(client, `bench-${measured}:`, defaultBounds);
  const correlator = await startCorrelator(around, { store, sink: new KeepingSink(), cluster: 'bench', beats: false });
  const headers = ['specversion=1.0', 'id=1', 'source=/bench', 'type=dev.knative.apiserver.resource.add', 'kind=Event'];
  const args = ['-j', '-I', '-c', '20', '-d', seconds, '-m', 'POST', '-b', JSON.stringify(eventJson({ metadata: { uid: 'uid-[<id>]' } }))];
  for (const header of headers) args.push('-H', `ce-${header}`);
  args.push('-H', 'content-type=application/json', correlator.url);
  const began = process.cpuUsage();
  const load = spawn(process.execPath, [autocannon, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [said] = await Promise.all([json(load.stdout), text(load.stderr)]);
  const { user, system } = process.cpuUsage(began);
  await correlator.close(1_000);
  await tracings.close();
  client.disconnect();
  const total = numberField(field(said, 'requests'), 'total') ?? 0;
  return { rate: total / Number(seconds), microseconds: (user + system) / total };
}

await measure('off');
const runs: Record<string, number[]> = {};
for (let round = 0; round < rounds; round += 1) {
  for (const ratio of ['off', '0.1', '1']) {
    const { rate, microseconds } = await measure(ratio);
    runs[ratio] = [...(runs[ratio] ?? []), microseconds];
    process.stdout.write(`self-tracing ${ratio}: ${rate.toFixed(0)} events/s, ${microseconds.toFixed(1)} µs of CPU an event\n`);
  }
}
// The least is what others on the machine have disturbed least.
const least = (all: readonly number[] = []) => Math.min(...all);
for (const ratio of ['0.1', '1'])
  process.stdout.write(`self-tracing ${ratio} costs ${((least(runs[ratio]) / least(runs['off']) - 1) * 100).toFixed(1)} % more CPU\n`);
backend.kill();
await redis.stop();
process.exit(0);
