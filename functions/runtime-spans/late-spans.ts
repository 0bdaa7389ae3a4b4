/**
 * Runtime spans that come after their trace was sent: a long pass of the kubelet, the end of a container. The trace is joined again and
 * what is new leaves through the sink. Which traces are due stands in the store, so that a restart loses none.
 */
import type { Sink } from '../../shared/http/sink.ts';
import type { Clock } from '../../shared/process/clock.ts';
import { type Log, messageOf } from '../../shared/process/log.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { runtimeSegmentOf, runtimeSegmentType, runtimeSpansName } from './handle-segment.ts';
import { outlineKeys, type TraceJoiner } from './join-trace.ts';
import type { Meters } from './metrics.ts';
import type { SpanStore } from './store/span-store.ts';

export interface LateParts {
  readonly store: SpanStore;
  readonly joiner: TraceJoiner;
  readonly clock: Clock;
  readonly log: Log;
  readonly meters: Meters;
  readonly sink: Sink | null;
  readonly budget: number;
}

const everyMs = 1_000;
const afterFailureMs = 5_000;
const leaseMs = 60_000;
const tracesAtOnce = 8;
const linesPerMinute = 10;
const delivery = 'late';
/** Spans come each 5 s from each sender: what belongs together comes together. */
export const settleMs = 8_000;

export class LateSpans {
  readonly #parts: LateParts;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(parts: LateParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#loop();
  }

  /** Something has come for these traces. */
  async expect(traceIds: readonly string[]): Promise<void> {
    const at = this.#parts.clock.now() + settleMs;
    await Promise.all(traceIds.map((traceId) => this.#parts.store.schedule(traceId, at)));
  }

  /** All that is due by the clock. Rejects with a `StoreError`. */
  async sweep(): Promise<void> {
    const { store, clock } = this.#parts;
    for (;;) {
      const traceIds = await store.claim(clock.now(), leaseMs, tracesAtOnce);
      for (const traceId of traceIds) await this.#send(traceId);
      if (traceIds.length < tracesAtOnce || this.#stop.signal.aborted) return;
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { clock, log } = this.#parts;
    let pause = everyMs;
    while (!this.#stop.signal.aborted) {
      try {
        await clock.sleep(pause, this.#stop.signal);
      } catch {
        return;
      }
      try {
        await this.sweep();
        pause = everyMs;
      } catch (error) {
        log.sampled('sweep', linesPerMinute)?.error('could not look after late spans', { reason: messageOf(error) });
        pause = afterFailureMs;
      }
    }
  }

  async #send(traceId: string): Promise<void> {
    const { store, joiner, meters, budget } = this.#parts;
    const outline = await joiner.outlineOf(traceId);
    if (outline === null) return store.finish(traceId);
    const { spans, counted, again } = await joiner.join({ outline, keys: outlineKeys(outline), delivery: '', budget });
    if (again !== null) await store.schedule(traceId, again);
    if (spans.length > 0 && !(await this.#emit(traceId, toSegmentEvents(runtimeSegmentOf(outline, spans), options)))) return;
    await joiner.tell(traceId, delivery, spans, counted);
    await store.finish(traceId);
    meters.copies.add({ told: 'late' }, spans.length);
    meters.copies.add({ told: 'counted' }, counted.length);
  }

  /** False: the trace stays claimed until its lease ends, and is sent again then. */
  async #emit(traceId: string, events: readonly { readonly body: string }[]): Promise<boolean> {
    const { sink, meters, log } = this.#parts;
    for (const { body } of events) {
      const sent = await sink?.send(body);
      if (sent?.kind === 'accepted') continue;
      const why = sent === undefined ? 'no_sink' : sent.kind;
      meters.unsent.add({ why });
      const reason = sent === undefined ? 'K_SINK is not set' : sent.reason;
      log.sampled(why, linesPerMinute)?.warn('late runtime spans were not sent', { traceId, reason });
      return sent?.kind !== 'retry';
    }
    return true;
  }
}

const options = { source: `/knspan/${runtimeSpansName}`, type: runtimeSegmentType };
