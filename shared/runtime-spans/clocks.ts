/**
 * Clocks of nodes. What is certain is that a request is served while its client waits for it: where the two spans of one request say
 * otherwise, the clocks differ by that much at least.
 */
import type { Micros } from '../events/observation.ts';
import { requestOf } from './classify.ts';
import type { RuntimeTrace } from './runtime-trace.ts';

/** By node, how far its clock and that of the API server surely are apart; nodes that may agree are left out. */
export function clockGaps(traces: readonly RuntimeTrace[]): ReadonlyMap<string, Micros> {
  const clients = new Map(
    traces.flatMap(({ spans }) =>
      spans.filter((span) => span.kind === 'client' && requestOf(span) !== null).map((span) => [span.spanId, span]),
    ),
  );
  const gaps = new Map<string, Micros>();
  for (const { spans } of traces) {
    for (const server of spans) {
      for (const link of server.links) {
        const client = clients.get(link.spanId);
        if (client === undefined || client.node === '' || client.traceId !== link.traceId) continue;
        const gap = Math.max(client.start - server.start, server.end - client.end);
        if (gap > 0) gaps.set(client.node, Math.max(gap, gaps.get(client.node) ?? 0));
      }
    }
  }
  return gaps;
}

/** The node that a trace ran on: containerd does not say, the kubelet that calls it does. */
export function nodeOf({ spans }: RuntimeTrace): string {
  return spans.find(({ node }) => node !== '')?.node ?? '';
}
