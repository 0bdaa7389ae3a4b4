/**
 * Spans in the form of the OpenTelemetry SDK, for its exporters. No span processor, no sampling: the spans are final. One resource object
 * per service, since exporters group by it.
 */
import { type Attributes as ApiAttributes, type HrTime, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { byKey, exportedAttributes, resourceAttributes, type SpanBatch, scope } from './otlp.ts';
import type { AttributeValue, Span } from './span.ts';

const microsPerSecond = 1_000_000;
const nanosPerMicro = 1000;
const maxResources = 1000;
const statusCodes = { unset: SpanStatusCode.UNSET, ok: SpanStatusCode.OK, error: SpanStatusCode.ERROR } as const;

/** Resources by service; pass the same map for all batches that may share a request. */
export type Resources = Map<string, Resource>;

export function toReadableSpans(batch: SpanBatch, resources: Resources = new Map()): ReadableSpan[] {
  return batch.spans.map((span) => toReadable(span, resourceOf(batch.cluster, span.service, resources)));
}

/** Seconds and nanoseconds, exact. */
export function toHrTime(micros: number): HrTime {
  const time = Math.max(0, micros);
  return [Math.floor(time / microsPerSecond), (time % microsPerSecond) * nanosPerMicro];
}

function toReadable(span: Span, resource: Resource): ReadableSpan {
  const context = contextOf(span.traceId, span.spanId);
  return {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => context,
    ...(span.parentSpanId === '' ? {} : { parentSpanContext: contextOf(span.traceId, span.parentSpanId) }),
    startTime: toHrTime(span.start),
    endTime: toHrTime(span.end),
    duration: toHrTime(span.end - span.start),
    status: { code: statusCodes[span.status], ...(span.statusMessage === '' ? {} : { message: span.statusMessage }) },
    attributes: toAttributes(exportedAttributes(span)),
    links: span.links.map((link) => ({
      context: contextOf(link.traceId, link.spanId),
      attributes: toAttributes(Object.entries(link.attributes).sort(byKey)),
    })),
    events: span.events.map((event) => ({
      name: event.name,
      time: toHrTime(event.at),
      attributes: toAttributes(Object.entries(event.attributes).sort(byKey)),
    })),
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf(traceId: string, spanId: string): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

function toAttributes(entries: readonly (readonly [string, AttributeValue])[]): ApiAttributes {
  return Object.fromEntries(entries.map(([key, value]) => [key, typeof value === 'object' ? [...value] : value]));
}

function resourceOf(cluster: string, service: string, resources: Resources): Resource {
  const key = `${cluster}\n${service}`;
  const known = resources.get(key);
  if (known !== undefined) return known;
  if (resources.size >= maxResources) resources.clear();
  const resource = resourceFromAttributes(resourceAttributes(cluster, service));
  resources.set(key, resource);
  return resource;
}
