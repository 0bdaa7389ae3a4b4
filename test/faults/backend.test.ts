/** A backend that is down for ten minutes of clock: segments wait in the outbox, none is lost, and all arrive once it is back. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startExporter } from '../../functions/exporter/index.ts';
import { createSink } from '../../shared/http/sink.ts';
import { Log } from '../../shared/process/log.ts';
import { Metrics } from '../../shared/process/metrics.ts';
import { Settings } from '../../shared/process/settings.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import { defaultBounds } from '../../shared/store/store.ts';
import { startCorrelators } from '../helpers/correlators.ts';
import { noticesOf, post } from '../helpers/notices.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { loadCapture, replay, spanText, textOf } from '../helpers/trace.ts';

const minutes = 60_000;
const capture = 'statefulset-with-claims';

it('the backend is down for ten minutes: nothing is lost', async (t) => {
  const receiver = new OtlpReceiver();
  const endpoint = await receiver.start();
  await receiver.stop();
  const log = new Log({ function: 'exporter', level: 'error', write: () => {} });
  const settings = new Settings({ PORT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, KNSPAN_EXPORT_DEADLINE: '200ms' });
  const notices = noticesOf(capture);
  const began = Math.min(...notices.map(({ at }) => at));
  let store: MemoryStore | undefined;
  const group = await startCorrelators(1, (clock) => (store = new MemoryStore(() => clock.now(), defaultBounds)), began);
  const { clock, running, sink } = group;
  const exporter = await startExporter({ settings, log, metrics: new Metrics(), clock });
  const toExporter = createSink({ url: exporter.url });
  sink.answer = (body) => toExporter.send(body);
  t.after(async () => {
    await group.stop();
    toExporter.close();
    await exporter.close(1_000);
    await receiver.stop();
  });
  const [correlator] = running;
  assert.ok(correlator && store);
  for (const notice of notices) assert.equal(await post(correlator.url, notice), 202);
  const last = Math.max(...notices.map(({ at }) => at));
  await clock.set(last + 60 * minutes);
  await correlator.sweep();
  const waiting = (await store.sizes()).outbox;
  assert.ok(waiting > 0);
  for (let passed = 0; passed < 10 * minutes; passed += 5_000) {
    await clock.advance(5_000);
    await correlator.sweep();
  }
  assert.equal((await store.sizes()).outbox, waiting);
  assert.deepEqual(receiver.taken, []);
  await receiver.start();
  await clock.advance(1 * minutes);
  await correlator.sweep();
  await clock.advance(60 * minutes);
  await correlator.sweep();
  const { outbox, parked } = await store.sizes();
  assert.deepEqual({ outbox, parked }, { outbox: 0, parked: 0 });
  assert.deepEqual(receiver.taken.map(spanText).sort(), textOf(replay(await loadCapture(capture, 'watch'))));
});
