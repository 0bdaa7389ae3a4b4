/**
 * Segments in, OTLP out. 2xx means that the backend has them. What can never be sent is rejected with 4xx: a Broker sends it to the dead
 * letter sink instead of retrying. So is every event of another type: it is here because of a misconfigured Trigger, and accepting it
 * would lose it silently.
 */
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import type { Answer } from '../../shared/http/server.ts';
import type { Clock } from '../../shared/process/clock.ts';
import type { Log } from '../../shared/process/log.ts';
import type { Metrics } from '../../shared/process/metrics.ts';
import { noTracing, type Tracing } from '../../shared/process/tracing.ts';
import type { ExportOutcome, OtlpExporter } from '../../shared/spans/otlp-exporter.ts';
import { withPageLinks } from '../../shared/spans/page-link.ts';
import { type Resources, toReadableSpans } from '../../shared/spans/readable.ts';
import { parseSegmentEvent } from '../../shared/spans/segment-event.ts';
import type { Segment } from '../../shared/spans/span.ts';

export interface ExporterParts {
  readonly exporter: OtlpExporter;
  /** Web page of the history; null: no links. */
  readonly pageUrl?: string | null;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tracing?: Tracing | undefined;
}

/** The minimum; the sender backs off exponentially. */
const retryAfterSeconds = 2;
const linesPerMinute = 60;
const segmentOutcomes = ['exported', 'retry', 'rejected', 'malformed'] as const;
const spanOutcomes = ['exported', 'rejected'] as const;

export class ExporterHandler {
  readonly #parts: ExporterParts;
  readonly #resources: Resources = new Map();
  readonly #count: ReturnType<typeof countersOf>;

  constructor(parts: ExporterParts) {
    this.#parts = parts;
    this.#count = countersOf(parts.metrics);
  }

  /** Accepts all events of a batch or none: the sender repeats the whole, and repeated spans are identical. */
  async handle(events: readonly ReceivedEvent[]): Promise<Answer> {
    const segments: Segment[] = [];
    for (const event of events) {
      const parsed = parseSegmentEvent(event);
      if (!parsed.ok) return this.#malformed(event, parsed.reason);
      segments.push(parsed.value.segment);
    }
    const { pageUrl = null } = this.#parts;
    const spans = segments.flatMap(({ cluster, spans: own }) =>
      toReadableSpans({ cluster, spans: pageUrl === null ? own : withPageLinks(own, pageUrl) }, this.#resources),
    );
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
      log.sampled('retry', linesPerMinute)?.warn('the backend is unavailable', known);
      return { status: 503, retryAfterSeconds, reason: `Cannot export now: ${outcome.reason}` };
    }
    if (outcome.kind === 'rejected') {
      this.#count.segments.add({ outcome: 'rejected' }, segments.length);
      this.#count.spans.add({ outcome: 'rejected' }, spans);
      log.sampled('rejected', linesPerMinute)?.error('the backend rejected a segment', known);
      return { status: 422, reason: `Cannot export: ${outcome.reason}` };
    }
    const rejected = Math.min(outcome.rejected, spans);
    this.#count.segments.add({ outcome: 'exported' }, segments.length);
    this.#count.spans.add({ outcome: 'exported' }, spans - rejected);
    this.#count.spans.add({ outcome: 'rejected' }, rejected);
    // OTLP forbids retrying a part; a reason without a number is a warning.
    if (rejected > 0 || outcome.reason !== '')
      log.sampled('partly', linesPerMinute)?.warn('the backend accepted only a part of a segment', { ...known, rejected });
    return { status: 202 };
  }

  #malformed({ id, source, type }: ReceivedEvent, reason: string): Answer {
    this.#count.segments.add({ outcome: 'malformed' });
    this.#parts.log.sampled('malformed', linesPerMinute)?.warn('rejected an event that is not a segment', { id, source, type, reason });
    return { status: 400, reason };
  }
}

function countersOf(metrics: Metrics) {
  return {
    segments: metrics.counter('knspan_exporter_segments_total', 'Segments by outcome', { outcome: segmentOutcomes }),
    spans: metrics.counter('knspan_exporter_spans_total', 'Spans by outcome', { outcome: spanOutcomes }),
    seconds: metrics.histogram('knspan_exporter_export_seconds', 'Duration of exports in seconds', {
      outcome: ['accepted', 'retry', 'rejected'],
    }),
  };
}
