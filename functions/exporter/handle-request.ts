/**
 * Segments in, OTLP out. Taken means that the backend has them. What can never be sent is refused for good, with 4xx: a Broker gives
 * it to the dead letter sink instead of repeating it. So is every event of another type: it is here only because of a Trigger that
 * is set up wrong, and to take it would be to lose it in silence.
 */
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import type { Answer } from '../../shared/http/server.ts';
import type { Clock } from '../../shared/process/clock.ts';
import type { Log } from '../../shared/process/log.ts';
import type { Metrics } from '../../shared/process/metrics.ts';
import { noTracing, type Tracing } from '../../shared/process/tracing.ts';
import type { ExportOutcome, OtlpExporter } from '../../shared/spans/otlp-exporter.ts';
import { type Resources, toReadableSpans } from '../../shared/spans/readable.ts';
import { parseSegmentEvent } from '../../shared/spans/segment-event.ts';
import type { Segment } from '../../shared/spans/span.ts';

export interface ExporterParts {
  readonly exporter: OtlpExporter;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tracing?: Tracing | undefined;
}

/** The sender waits twice as long after each failure anyhow; this is the least. */
const retryAfterSeconds = 2;
const linesPerMinute = 60;
const segmentOutcomes = ['exported', 'retry', 'refused', 'malformed'] as const;
const spanOutcomes = ['exported', 'rejected', 'refused'] as const;

export class ExporterHandler {
  readonly #parts: ExporterParts;
  readonly #resources: Resources = new Map();
  readonly #count: ReturnType<typeof countersOf>;

  constructor(parts: ExporterParts) {
    this.#parts = parts;
    this.#count = countersOf(parts.metrics);
  }

  /** All events of a batch or none: the sender repeats the whole, and spans that come twice are identical. */
  async handle(events: readonly ReceivedEvent[]): Promise<Answer> {
    const segments: Segment[] = [];
    for (const event of events) {
      const parsed = parseSegmentEvent(event);
      if (!parsed.ok) return this.#malformed(event, parsed.reason);
      segments.push(parsed.value.segment);
    }
    const spans = segments.flatMap((segment) => toReadableSpans(segment, this.#resources));
    if (spans.length === 0) return { status: 202 };
    const began = this.#parts.clock.now();
    const { tracing = noTracing, exporter } = this.#parts;
    const outcome = await tracing.span('export', () => exporter.export(spans), { 'knspan.spans': spans.length });
    this.#count.seconds.observe({ outcome: outcome.kind }, (this.#parts.clock.now() - began) / 1000);
    return this.#answer(outcome, segments, spans.length);
  }

  #answer(outcome: ExportOutcome, segments: readonly Segment[], spans: number): Answer {
    const { log } = this.#parts;
    const known = { traceId: segments[0]?.traceId, segments: segments.length, spans, reason: outcome.reason };
    if (outcome.kind === 'retry') {
      this.#count.segments.add({ outcome: 'retry' }, segments.length);
      log.sampled('again', linesPerMinute)?.warn('the backend is not available', known);
      return { status: 503, retryAfterSeconds, reason: `Cannot export now: ${outcome.reason}` };
    }
    if (outcome.kind === 'rejected') {
      this.#count.segments.add({ outcome: 'refused' }, segments.length);
      this.#count.spans.add({ outcome: 'refused' }, spans);
      log.sampled('refused', linesPerMinute)?.error('the backend refused a segment for good', known);
      return { status: 422, reason: `Cannot export: ${outcome.reason}` };
    }
    const rejected = Math.min(outcome.rejected, spans);
    this.#count.segments.add({ outcome: 'exported' }, segments.length);
    this.#count.spans.add({ outcome: 'exported' }, spans - rejected);
    this.#count.spans.add({ outcome: 'rejected' }, rejected);
    // OTLP forbids to repeat a part; a reason without a number is a warning.
    if (rejected > 0 || outcome.reason !== '')
      log.sampled('partly', linesPerMinute)?.warn('the backend took only a part of a segment', { ...known, rejected });
    return { status: 202 };
  }

  #malformed({ id, source, type }: ReceivedEvent, reason: string): Answer {
    this.#count.segments.add({ outcome: 'malformed' });
    this.#parts.log.sampled('malformed', linesPerMinute)?.warn('refused an event that is no segment', { id, source, type, reason });
    return { status: 400, reason };
  }
}

function countersOf(metrics: Metrics) {
  return {
    segments: metrics.counter('knspan_exporter_segments_total', 'Segments by what became of them', { outcome: segmentOutcomes }),
    spans: metrics.counter('knspan_exporter_spans_total', 'Spans by what the backend made of them', { outcome: spanOutcomes }),
    seconds: metrics.histogram('knspan_exporter_export_seconds', 'Seconds until the backend answered', {
      outcome: ['accepted', 'retry', 'rejected'],
    }),
  };
}
