/** The whole pipeline in one process: an undeliverable event becomes a dead letter and is retried, as in a cluster. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LocalOptions } from '../../../shared/cli/local/local-run.ts';
import { ManualClock } from '../../../shared/process/clock.ts';
import { toSegmentEvents } from '../../../shared/spans/segment-event.ts';
import { startLocal } from '../../helpers/local-run.ts';
import { OtlpReceiver } from '../../helpers/otlp-receiver.ts';
import { segmentOf, spanOf } from '../../helpers/segment.ts';
import { until } from '../../helpers/until.ts';

const cloudEvent = { 'content-type': 'application/cloudevents+json' };

async function localRun(clock: ManualClock, environment: Readonly<Record<string, string>>) {
  const options: LocalOptions = {
    environment: { KNSPAN_CLUSTER: 'test', KNSPAN_LOOKUPS: 'false', ...environment },
    clock,
    logLevel: 'error',
    log: () => {},
    port: 0,
    host: '127.0.0.1',
    correlators: 2,
    exports: true,
    reconciles: true,
    beats: false,
  };
  return startLocal(options);
}

/** Time runs until it holds. */
async function running(clock: ManualClock, what: string, holds: () => boolean): Promise<void> {
  const timer = setInterval(() => void clock.advance(250), 20);
  try {
    await until(what, holds);
  } finally {
    clearInterval(timer);
  }
}

describe('a local run with a cluster behind it', () => {
  it('sends a segment again that its exporter could not deliver', async () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 20));
    const backend = new OtlpReceiver();
    backend.behaviour = { kind: 'fail', status: 503 };
    const run = await localRun(clock, { OTEL_EXPORTER_OTLP_ENDPOINT: await backend.start(), OTEL_EXPORTER_OTLP_TIMEOUT: '100' });
    try {
      const body = toSegmentEvents(segmentOf([spanOf()]), { source: '/test' })[0]?.body ?? '';
      let status = 0;
      void fetch(`${run.url}knspan/traces`, { method: 'POST', headers: cloudEvent, body }).then((response) => {
        status = response.status;
      });
      await running(clock, 'the Broker has answered', () => status !== 0);
      assert.equal(status, 202);
      assert.deepEqual(backend.taken, []);
      assert.equal((await run.figures()).deadLetters, 1);
      backend.behaviour = { kind: 'take' };
      await running(clock, 'the span has arrived', () => backend.taken.length > 0);
      await run.delivered();
      assert.equal(backend.taken.length, 1);
    } finally {
      await run.close();
      await backend.stop();
    }
  });
});
