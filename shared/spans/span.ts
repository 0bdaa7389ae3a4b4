/**
 * Spans, and segments: the part of one trace that one commit emits.
 */
import type { Micros } from '../events/observation.ts';

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface SpanEvent {
  readonly name: string;
  readonly at: Micros;
  readonly attributes: Attributes;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

export interface Span {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** Empty on the root. */
  readonly parentSpanId: string;
  /** Low cardinality: kind, verb, at most the root's own name. */
  readonly name: string;
  /** Shown in trees: with pod names, hashes, images. Exported as an attribute. */
  readonly title: string;
  readonly start: Micros;
  /** Always after `start`. */
  readonly end: Micros;
  readonly attributes: Attributes;
  readonly status: 'unset' | 'ok' | 'error';
  readonly statusMessage: string;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  /** `service.name` of the span's resource. */
  readonly service: string;
}

export interface Segment {
  readonly traceId: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly rootKind: string;
  readonly rootName: string;
  readonly severity: 'ok' | 'error';
  /** The root span is among the spans. */
  readonly root: boolean;
  /** Parents before children, root first. */
  readonly spans: readonly Span[];
}
