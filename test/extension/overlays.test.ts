/** The overlays: each can be read, every extension with its Trigger, and sampling from Events to the backend. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { samples } from '../../functions/samples/index.ts';
import { notificationsOf, playAll } from '../../shared/cli/local/replay-through-http.ts';
import { readWiring } from '../../shared/dev-broker/read-wiring.ts';
import { loopsIn } from '../../shared/extension/loops.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { playHeartbeats, startLocal } from '../helpers/local-run.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { folderOf, loadCapture, pipelineOver } from '../helpers/trace.ts';

const knative = fileURLToPath(new URL('../../knative/', import.meta.url));
const overlays = ['sampling', 'redact', 'owner-team', 'alert'] as const;
const wiringOf = (overlay: string) => readWiring(join(knative, 'overlays', overlay));

describe('the overlays', () => {
  it('can all be read by the local broker', async () => {
    const names = (await readdir(join(knative, 'overlays'), { withFileTypes: true })).flatMap((one) =>
      one.isDirectory() ? [one.name] : [],
    );
    for (const name of [...overlays, 'demo', 'plain']) assert.ok(names.includes(name), name);
    for (const name of names) assert.ok((await wiringOf(name)).services.length > 0, name);
  });

  for (const overlay of overlays) {
    it(`${overlay}: every function runs, none can loop, every dead letter has a place`, async () => {
      const wiring = await wiringOf(overlay);
      for (const { name, args } of wiring.services) {
        const extension = await samples[args[0] ?? '']?.();
        if (extension === undefined) continue;
        assert.equal(extension.name, name);
        assert.deepEqual(loopsIn(wiring, extension), []);
        const own = wiring.triggers.filter(({ subscriber }) => subscriber.kind === 'service' && subscriber.name === name);
        assert.ok(own.length > 0, `${name} has a Trigger`);
        for (const { delivery } of own) assert.equal(delivery.deadLetterSink?.kind, 'service');
        assert.ok(
          wiring.sinkBindings.some(({ subject }) => subject.name === name),
          `${name} has a SinkBinding`,
        );
      }
    });
  }
});

describe('sampling', () => {
  it('brings traces with heads to the backend whole, and of the others nothing', async () => {
    const capture = 'crashloop';
    const direct = pipelineOver((await loadCapture(capture, 'full')).objects);
    for (const observation of (await loadCapture(capture, 'full')).observations) direct.push(observation);
    const wanted = direct.finish().flatMap(({ spans }) => spans);
    const isHeads = ({ traceId }: { traceId: string }) => Number.parseInt(traceId.slice(-1), 16) % 2 === 0;
    assert.ok(wanted.some(isHeads) && !wanted.every(isHeads), 'the capture has both');
    const backend = new OtlpReceiver();
    const { events, objects } = await notificationsOf(
      [join(folderOf(capture), 'watch.jsonl')],
      [join(folderOf(capture), 'objects-watch.jsonl')],
    );
    const clock = new ManualClock(events[0]?.at ?? 0);
    const logged: string[] = [];
    const run = await startLocal({
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: await backend.start(),
        KNSPAN_CLUSTER: 'test',
        KNSPAN_LOOKUPS: 'false',
        KNSPAN_TICK_TIMEOUT: '5m',
      },
      clock,
      logLevel: 'error',
      log: (line) => logged.push(line),
      port: 0,
      host: '127.0.0.1',
      correlators: 1,
      exports: true,
      reconciles: false,
      beats: false,
      overlays: ['sampling'],
    });
    const { sendAll } = await import('../../shared/cli/live/apiserver-notifications.ts');
    await sendAll(run.url, objects, 8);
    await playAll(run, clock, events);
    await run.close();
    await backend.stop();
    assert.deepEqual(logged, []);
    const ids = (spans: readonly { spanId: string }[]) => spans.map(({ spanId }) => spanId).sort();
    assert.deepEqual(ids(backend.taken), ids(wanted.filter(isHeads)));
  });
});

describe('the game of heartbeats', () => {
  it('ends each game with tails; what was flipped is what was shown', async () => {
    const lines: string[] = [];
    const logged: string[] = [];
    const environment = { KNSPAN_HEARTBEAT_PERIOD: '1ms' };
    const figures = await playHeartbeats({ environment, beats: 20, write: (line) => lines.push(line), log: (line) => logged.push(line) });
    assert.deepEqual(figures.shown, { ...figures.flipped });
    // Sixteen heads in a row end a game too: once in 65,536.
    assert.ok((figures.flipped['tails'] ?? 0) >= 19);
    assert.equal(lines.length, (figures.flipped['heads'] ?? 0) + (figures.flipped['tails'] ?? 0));
    assert.deepEqual(logged, []);
  });
});
