/**
 * A span of the API server, the kubelet or containerd, as the readers in `read/` make it: bounded, in microseconds, with the attributes
 * that say something about an object or about where the time went.
 */
import type { Micros } from '../events/observation.ts';
import type { AttributeValue } from '../spans/span.ts';

export type SpanKind = 'internal' | 'server' | 'client' | 'other';

export interface SpanRef {
  readonly traceId: string;
  readonly spanId: string;
}

export interface RuntimeSpan extends SpanRef {
  /** Empty on a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** `service.name` of the resource. */
  readonly service: string;
  /** Node of the process and its cluster, empty where the resource does not say. */
  readonly node: string;
  readonly cluster: string;
  readonly start: Micros;
  /** Never before `start`. */
  readonly end: Micros;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly failed: boolean;
  readonly statusMessage: string;
  readonly links: readonly SpanRef[];
}

/** An attribute as text; empty where it is absent. */
export function textOf(span: RuntimeSpan, ...keys: readonly string[]): string {
  for (const key of keys) {
    const value = span.attributes[key];
    if (value !== undefined) return String(value);
  }
  return '';
}
