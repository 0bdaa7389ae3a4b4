/**
 * The runtime spans: OTLP of the API server, the kubelet and containerd in by `POST /v1/traces`, `dev.knspan.trace.segment` in from the
 * Broker; what they say of where the time went out, as `dev.knspan.trace.segment.runtime`.
 */
import { serveFunction } from '../../shared/http/server.ts';
import { createSink, type Sink, sinkOptionsOf } from '../../shared/http/sink.ts';
import { type FunctionContext, portOf, type Stoppable } from '../../shared/process/run-function.ts';
import { readRedisSettings } from '../../shared/store/open.ts';
import { SegmentHandler } from './handle-segment.ts';
import { TraceJoiner } from './join-trace.ts';
import { LateSpans } from './late-spans.ts';
import { metersOf } from './metrics.ts';
import { SpanReceiver } from './receive-spans.ts';
import { readRuntimeConfig } from './settings.ts';
import { openSpanStore } from './store/open.ts';
import type { SpanStore } from './store/span-store.ts';

export interface RunningRuntimeSpans extends Stoppable {
  readonly url: string;
  /** What is due by the clock has been sent when it resolves. */
  sweep(): Promise<void>;
}

/** What a test or a local run gives. */
export interface Given {
  readonly store?: SpanStore;
  readonly sink?: Sink;
  /** False: late spans are sent by `sweep` alone. */
  readonly beats?: boolean;
}

export async function startRuntimeSpans(surroundings: FunctionContext, given: Given = {}): Promise<RunningRuntimeSpans> {
  const { settings, log, metrics, clock, tracing } = surroundings;
  const { budget, bounds } = readRuntimeConfig(settings);
  const port = portOf(settings);
  const hasSink =
    settings.optionalUrl('K_SINK', { what: 'where replies are sent if the sender accepts none; set by a SinkBinding' }) !== undefined;
  const sinkOptions = hasSink && !given.sink ? sinkOptionsOf(settings) : null;
  const redisSettings = readRedisSettings(settings);
  settings.finish('runtime-spans');
  const sink = given.sink ?? (sinkOptions === null ? null : createSink(sinkOptions));
  if (sink === null) log.warn('K_SINK is not set: runtime spans that come after their trace was sent are lost');
  const store = given.store ?? (await openSpanStore(redisSettings, bounds, log, clock));
  const meters = metersOf(metrics, store);
  const joiner = new TraceJoiner(store, clock, meters);
  const late = new LateSpans({ store, joiner, clock, log, meters, sink, budget });
  const receiver = new SpanReceiver({ store, clock, log, meters, onLate: (traceIds) => late.expect(traceIds) });
  const handler = new SegmentHandler({ store, joiner, clock, log, meters, tracing, sink, budget });
  const server = await serveFunction({
    name: 'runtime-spans',
    port,
    log,
    metrics,
    tracing,
    ready: () => store.ready() || 'the store does not answer',
    handle: (events, { headers }) => handler.handle(events, /\breply\b/i.test(String(headers['prefer'] ?? ''))),
    intake: { path: '/v1/traces', take: (body, headers) => receiver.take(body, headers) },
    beforeClose: async () => {
      await late.stop();
      sink?.close();
      if (!given.store) await store.close();
    },
  });
  if (given.beats !== false) late.start();
  return { url: server.url, close: (graceMs) => server.close(graceMs), sweep: () => late.sweep() };
}
