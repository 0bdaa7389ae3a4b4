/**
 * A segment of an event trace in, its runtime spans out as the reply. What does not fit into one event, or comes later, is sent by
 * `late-spans.ts`.
 */
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import { makeReply, toCloudEvent, toStructured } from '../../shared/extension/reply.ts';
import type { Answer } from '../../shared/http/server.ts';
import type { Sink } from '../../shared/http/sink.ts';
import type { Clock } from '../../shared/process/clock.ts';
import { type Log, messageOf } from '../../shared/process/log.ts';
import { noTracing, type Tracing } from '../../shared/process/tracing.ts';
import { mergeOutlines, outlineOf, type TraceOutline } from '../../shared/runtime-spans/trace-outline.ts';
import { otlpText } from '../../shared/spans/otlp.ts';
import { parseSegmentEvent, segmentType } from '../../shared/spans/segment-event.ts';
import type { Segment, Span } from '../../shared/spans/span.ts';
import { StoreError } from '../../shared/store/store.ts';
import { encodeOutline } from './codec.ts';
import { outlineKeys, type TraceJoiner } from './join-trace.ts';
import type { Meters } from './metrics.ts';
import type { SpanStore } from './store/span-store.ts';

export const runtimeSegmentType = `${segmentType}.runtime`;
export const runtimeSpansName = 'runtime-spans';

export interface SegmentParts {
  readonly store: SpanStore;
  readonly joiner: TraceJoiner;
  readonly clock: Clock;
  readonly log: Log;
  readonly meters: Meters;
  readonly tracing?: Tracing | undefined;
  /** Null: nothing can be sent but replies. */
  readonly sink: Sink | null;
  /** Runtime spans per trace; 0: no limit. */
  readonly budget: number;
}

/** A Broker may take no more than 256 KiB of a reply. */
const replyBytesMost = 200 * 1024;
const retryAfterSeconds = 5;
const linesPerMinute = 10;

export class SegmentHandler {
  readonly #parts: SegmentParts;

  constructor(parts: SegmentParts) {
    this.#parts = parts;
  }

  async handle(events: readonly ReceivedEvent[], takesReply: boolean): Promise<Answer> {
    const [event, ...more] = events;
    if (event === undefined || more.length > 0) return { status: 400, reason: 'Cannot take a batch: wanted one CloudEvent' };
    if (event.type !== segmentType)
      return { status: 400, reason: `Cannot take event: its type is '${event.type.slice(0, 100)}', wanted '${segmentType}'` };
    const parsed = parseSegmentEvent(event);
    if (!parsed.ok) return { status: 400, reason: parsed.reason };
    const { tracing = noTracing, log } = this.#parts;
    try {
      return await tracing.span(runtimeSpansName, () => this.#answer(event, parsed.value, takesReply));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.sampled('away', linesPerMinute)?.error('the store does not answer', { reason: messageOf(error) });
      return { status: 503, retryAfterSeconds, reason: 'Cannot join runtime spans: the store does not answer' };
    }
  }

  async #answer(event: ReceivedEvent, { segment, part, parts }: { segment: Segment; part: number; parts: number }, takesReply: boolean) {
    const { store, joiner, budget, meters } = this.#parts;
    const { traceId } = segment;
    const own = outlineOf(segment);
    const outline = await this.#remember(own);
    const delivery = event.id;
    const keys = outlineKeys(own);
    const { spans, counted, again } = await joiner.join({ outline, keys, delivery, budget: shareOf(budget, part, parts) });
    const fitting = fittingInto(spans, segment.cluster);
    if (again !== null) await store.schedule(traceId, again);
    if (fitting.length < spans.length) await store.schedule(traceId, this.#parts.clock.now());
    if (spans.length === 0) return { status: 204 };
    await joiner.tell(traceId, delivery, fitting, counted);
    const reply = makeReply(
      event,
      { type: runtimeSegmentType, segment: runtimeSegmentOf(outline, fitting), extensions: { root: 'false', part: '1', parts: '1' } },
      { name: runtimeSpansName, replies: [runtimeSegmentType] },
    );
    if (!reply.ok) return { status: 422, reason: reply.reason };
    meters.copies.add({ told: 'reply' }, fitting.length);
    meters.copies.add({ told: 'counted' }, counted.length);
    return takesReply ? { status: 200, reply: toCloudEvent(reply.value) } : this.#send(toStructured(reply.value));
  }

  /** The whole of the trace that is known by now. */
  async #remember(own: TraceOutline): Promise<TraceOutline> {
    const { store, joiner, meters } = this.#parts;
    const known = await joiner.outlineOf(own.traceId);
    const isKept = await store.put('outlines', [{ id: own.traceId, body: encodeOutline(own), spans: 0, keys: outlineKeys(own) }]);
    if (!isKept) meters.limits.add({ limit: 'outline_not_kept' });
    return mergeOutlines(known === null ? [own] : [known, own]) ?? own;
  }

  /** To a sender that takes no replies. */
  async #send(body: string): Promise<Answer> {
    const { sink, tracing = noTracing } = this.#parts;
    if (sink === null)
      return { status: 422, reason: "Cannot reply: the sender takes no reply (wanted 'Prefer: reply') and K_SINK is not set" };
    const sent = await sink.send(body, tracing.headers());
    if (sent.kind === 'accepted') return { status: 204 };
    return sent.kind === 'retry' ? { status: 503, retryAfterSeconds, reason: sent.reason } : { status: 422, reason: sent.reason };
  }
}

/** Of the runtime spans alone: those of the Events have been sent. */
export function runtimeSegmentOf(outline: TraceOutline, spans: readonly Span[]): Segment {
  const { traceId, cluster, namespace, rootKind, rootName } = outline;
  const severity = spans.some(({ status }) => status === 'error') ? 'error' : 'ok';
  return { traceId, cluster, namespace, rootKind, rootName, severity, root: false, spans };
}

/** A trace that comes in parts gives each part its share, whichever comes first. */
function shareOf(budget: number, part: number, parts: number): number {
  return budget === 0 ? 0 : Math.max(1, Math.ceil((budget * Math.min(part, parts)) / Math.max(1, parts)));
}

/** The first that fit: parents come before their children. */
function fittingInto(spans: readonly Span[], cluster: string): readonly Span[] {
  let left = replyBytesMost;
  for (const [index, span] of spans.entries()) {
    left -= Buffer.byteLength(otlpText({ cluster, spans: [span] }));
    if (left < 0) return spans.slice(0, index);
  }
  return spans;
}
