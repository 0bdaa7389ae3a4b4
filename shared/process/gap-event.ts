/** The correlator's request to the reconciler to list the Events of a namespace at once, and where the reconciler leaves its answer. */
import type { Micros } from '../events/observation.ts';

export const gapType = 'dev.knspan.gap';

export interface Gap {
  readonly id: string;
  readonly source: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly at: Micros;
}

export function gapEvent({ id, source, cluster, namespace, at }: Gap): string {
  return JSON.stringify({
    specversion: '1.0',
    type: gapType,
    source,
    id,
    time: new Date(at / 1_000).toISOString(),
    cluster,
    namespace,
  });
}

/**
 * In the index, by namespace, in µs: when the last listing began, and when the last one that found missed Events had sent them. The index
 * keeps the lowest score, so the times are negative.
 */
export function listingsKey(cluster: string, what: 'began' | 'sent'): string {
  return `${cluster}|listing-${what}`;
}
