/** An event source: sends an event to K_SINK at a fixed interval, until stopped or until the given number is sent. */
import { randomUUID } from 'node:crypto';
import { createSink, type Sink, sinkOptionsOf } from '../../../shared/http/sink.ts';
import type { FunctionContext, Stoppable } from '../../../shared/process/run-function.ts';
import { noTracing } from '../../../shared/process/tracing.ts';

export const heartbeatType = 'dev.knspan.demo.heartbeat';

export interface Heartbeats extends Stoppable {
  /** Resolves when all have been sent. */
  readonly done: Promise<void>;
}

const outcomes = ['accepted', 'retry', 'rejected'] as const;

/** Failed sends are not retried: the next heartbeat follows anyway. */
export async function startHeartbeats(surroundings: FunctionContext): Promise<Heartbeats> {
  const { settings, log, clock, metrics, tracing = noTracing } = surroundings;
  const periodMs = settings.duration('KNSPAN_HEARTBEAT_PERIOD', '1s', 'time between two heartbeats', '1ms', '1h');
  const most = settings.number('KNSPAN_HEARTBEATS', { default: 0, min: 0, max: 1_000_000, what: 'number of heartbeats; 0: unlimited' });
  const sinkOptions = sinkOptionsOf(settings);
  settings.finish('heartbeats');
  const sink: Sink = createSink({ ...sinkOptions, clock });
  const counted = metrics.counter('knspan_heartbeats_total', 'Heartbeats by outcome', { outcome: outcomes });
  const stop = new AbortController();
  const life = randomUUID();
  const beat = async () => {
    for (let n = 1; !stop.signal.aborted && (most === 0 || n <= most); n += 1) {
      const sent = await tracing.start('heartbeat', () => sink.send(heartbeat(`${life}-${n}`, n, clock.now()), tracing.headers()));
      counted.add({ outcome: sent.kind });
      if (sent.kind !== 'accepted') log.sampled('heartbeat', 10)?.warn('the sink did not accept a heartbeat', { n, reason: sent.reason });
      if (n !== most) await clock.sleep(periodMs, stop.signal).catch(() => undefined);
    }
  };
  // Keeps running after the last heartbeat: a pod that ends would be restarted and begin again.
  const alive = setInterval(() => undefined, 3_600_000);
  const done = beat();
  return {
    done,
    close: async () => {
      clearInterval(alive);
      stop.abort();
      sink.close();
      await done;
    },
  };
}

function heartbeat(id: string, n: number, now: number): string {
  const time = new Date(now).toISOString();
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: '/knspan/heartbeats',
    type: heartbeatType,
    time,
    datacontenttype: 'application/json',
    data: { n },
  });
}
