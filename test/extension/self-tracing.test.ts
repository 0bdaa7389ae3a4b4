/** knspan traced by itself: one trace from a sender through the Broker and back, what a flush is linked to, and nothing at all when off. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { notificationsOf, playAll } from '../../shared/cli/local/replay-through-http.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { Settings } from '../../shared/process/settings.ts';
import { noTracing } from '../../shared/process/tracing.ts';
import type { Span } from '../../shared/spans/span.ts';
import { selfTracingOf } from '../../shared/telemetry/open-tracing.ts';
import { playHeartbeats, startLocal } from '../helpers/local-run.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { folderOf } from '../helpers/trace.ts';

describe('self-tracing', () => {
  const backend = new OtlpReceiver();
  let url = '';

  before(async () => {
    url = await backend.start();
  });

  after(() => backend.stop());

  const own = (spans: readonly Span[]) => spans.filter(({ service }) => service.startsWith('knspan-'));

  async function playCapture(env: Readonly<Record<string, string>>): Promise<readonly Span[]> {
    backend.requests.length = 0;
    const { events } = await notificationsOf([join(folderOf('crashloop'), 'watch.jsonl')], []);
    const clock = new ManualClock(events[0]?.at ?? 0);
    const run = await startLocal({
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: url, KNSPAN_CLUSTER: 'test', KNSPAN_LOOKUPS: 'false', KNSPAN_TICK_TIMEOUT: '5m', ...env },
      clock,
      logLevel: 'off',
      log: () => undefined,
      port: 0,
      host: '127.0.0.1',
      correlators: 1,
      exports: true,
      reconciles: false,
      beats: false,
      overlays: ['sampling'],
    });
    await playAll(run, clock, events);
    await run.close();
    return backend.taken;
  }

  it('a game of heartbeats is one trace, from the source to what shows each flip', async () => {
    backend.requests.length = 0;
    const environment = { KNSPAN_SELF_TRACING: 'on', KNSPAN_HEARTBEAT_PERIOD: '1ms', OTEL_EXPORTER_OTLP_ENDPOINT: url };
    const { flipped } = await playHeartbeats({ environment, beats: 4, write: () => undefined, log: () => undefined });
    const traces = Map.groupBy(backend.taken, ({ traceId }) => traceId);
    assert.equal(traces.size, 4);
    const flips = (flipped['heads'] ?? 0) + (flipped['tails'] ?? 0);
    const named = (name: string, service: string) => backend.taken.filter((span) => span.name === name && span.service === service).length;
    assert.equal(named('heartbeat', 'knspan-heartbeats'), 4);
    assert.equal(named('coinflip-game', 'knspan-coinflip-game'), flips);
    assert.equal(named('receive', 'knspan-event-display'), flips);
    for (const spans of traces.values()) {
      const ids = new Set(spans.map(({ spanId }) => spanId));
      assert.deepEqual(
        spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)).map(({ name }) => name),
        ['heartbeat'],
      );
    }
  });

  it('the pipeline: receive, parse, append; flushes linked to requests, with what they emit, through coinflip to the export', async () => {
    const taken = await playCapture({ KNSPAN_SELF_TRACING: 'on' });
    const spans = own(taken);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const of = (name: string, service: string) => spans.filter((span) => span.name === name && span.service === service);
    const parentOf = ({ parentSpanId }: Span) => byId.get(parentSpanId);
    const requests = of('receive', 'knspan-correlator');
    for (const step of ['parse', 'append']) {
      assert.ok(of(step, 'knspan-correlator').length > 0, step);
      for (const span of of(step, 'knspan-correlator')) assert.equal(parentOf(span)?.name, 'receive');
    }
    const flushes = of('flush', 'knspan-correlator');
    const linked = flushes.flatMap(({ links }) => links.map(({ spanId }) => spanId));
    assert.ok(linked.length > 0);
    for (const id of linked) assert.ok(requests.some(({ spanId }) => spanId === id));
    for (const { links, parentSpanId } of flushes) {
      const above = byId.get(parentSpanId);
      assert.equal(above?.name, 'receive');
      const others = links.map(({ spanId }) => byId.get(spanId));
      assert.ok(
        others.every((other) => other && other.spanId !== parentSpanId && other.start <= above.start),
        'below the last of them',
      );
    }
    for (const step of ['claim', 'correlate', 'commit']) {
      assert.equal(of(step, 'knspan-correlator').length, flushes.length, step);
      for (const span of of(step, 'knspan-correlator')) assert.equal(parentOf(span)?.name, 'flush');
    }
    for (const emit of of('emit', 'knspan-correlator')) assert.equal(parentOf(emit)?.name, 'flush');
    const exports = of('export', 'knspan-exporter');
    assert.ok(exports.length > 0);
    for (const span of exports) {
      const line = [span.name];
      for (let above = parentOf(span); above; above = parentOf(above)) line.push(above.name);
      assert.deepEqual(line, ['export', 'receive', 'emit', 'flush', 'receive'], 'one trace from the request of an Event to the export');
    }
    assert.ok(of('coinflip', 'knspan-coinflip').length >= exports.length);
  });

  it('does not touch what knspan is about: the same spans of the cluster, on and off; off, none of its own', async () => {
    const ids = (spans: readonly Span[]) => spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`).sort();
    const on = await playCapture({ KNSPAN_SELF_TRACING: '0.1' });
    const about = on.filter(({ service }) => !service.startsWith('knspan-'));
    const off = await playCapture({});
    assert.deepEqual(own(off), []);
    assert.deepEqual(ids(about), ids(off));
  });

  it('off is the work itself, and nothing more', () => {
    const result = {};
    assert.equal(
      noTracing.receive({}, () => result),
      result,
    );
    assert.equal(
      noTracing.span('x', () => result),
      result,
    );
    assert.equal(
      noTracing.after('x', [['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 1]], () => result),
      result,
    );
    assert.equal(
      noTracing.below('k', 'x', () => result),
      result,
    );
    assert.deepEqual(noTracing.headers(), {});
  });

  it('is a ratio, on or off; anything else is refused', () => {
    const values: Readonly<Record<string, number>> = { off: 0, on: 1, '0.1': 0.1, '1': 1, '0': 0, TRUE: 1, '': 0 };
    for (const [text, ratio] of Object.entries(values)) assert.equal(selfTracingOf(new Settings({ KNSPAN_SELF_TRACING: text })), ratio);
    for (const text of ['2', '1.5', 'yes', '-1']) {
      const settings = new Settings({ KNSPAN_SELF_TRACING: text });
      selfTracingOf(settings);
      assert.throws(
        () => settings.finish('x'),
        /KNSPAN_SELF_TRACING is '.*', wanted off, on, or the ratio of traces to sample, from 0 to 1/,
      );
    }
  });
});
