/** Makes spans and segments of a few fields for tests; all others are plausible and constant. */
import type { Segment, Span } from '../../shared/spans/span.ts';

/** 2025-11-20T23:06:40Z */
export const began = 1_763_680_000_000_000;
export const traceId = '0123456789abcdef0123456789abcdef';

export function spanOf(fields: Partial<Span> = {}): Span {
  return {
    traceId,
    spanId: '0000000000000001',
    parentSpanId: '',
    name: 'span',
    title: 'span',
    start: began,
    end: began + 1_000_000,
    attributes: {},
    status: 'unset',
    statusMessage: '',
    events: [],
    links: [],
    service: 'kubelet',
    ...fields,
  };
}

export function segmentOf(spans: readonly Span[], fields: Partial<Segment> = {}): Segment {
  const severity = spans.some((span) => span.status === 'error') ? 'error' : 'ok';
  return { traceId, cluster: '', namespace: 'shop', rootKind: 'Deployment', rootName: 'web', severity, root: true, spans, ...fields };
}
