/** What the function counts. */
import type { Metrics } from '../../shared/process/metrics.ts';
import { noiseKinds } from '../../shared/runtime-spans/classify.ts';
import { faults } from '../../shared/runtime-spans/read/make-span.ts';
import type { SpanStore } from './store/span-store.ts';

export type Meters = ReturnType<typeof metersOf>;

export function metersOf(metrics: Metrics, store: SpanStore) {
  metrics.gauge('knspan_runtime_stored', 'What is kept of runtime spans and traces', { unit: ['bytes', 'spans'] }, async (gauge) => {
    const usage = await store.usage().catch(() => null);
    if (usage === null) return;
    gauge.set({ unit: 'bytes' }, usage.bytes);
    gauge.set({ unit: 'spans' }, usage.spans);
  });
  return {
    requests: metrics.counter('knspan_runtime_requests_total', 'OTLP requests by outcome', {
      outcome: ['accepted', 'partly', 'malformed', 'too_large', 'full', 'busy', 'unavailable'],
    }),
    kept: metrics.counter('knspan_runtime_spans_kept_total', 'Runtime spans kept', {}),
    dropped: metrics.counter('knspan_runtime_spans_dropped_total', 'Runtime spans dropped, by kind', { kind: noiseKinds }),
    faults: metrics.counter('knspan_runtime_faults_total', 'Runtime spans refused or cut, by reason', { reason: faults }),
    copies: metrics.counter('knspan_runtime_copies_total', 'Copies of runtime spans, by how they were told', {
      told: ['reply', 'late', 'counted'],
    }),
    limits: metrics.counter('knspan_runtime_limits_total', 'Joins that reached a limit', { limit: ['keys', 'traces', 'outline_not_kept'] }),
    unsent: metrics.counter('knspan_runtime_unsent_total', 'Late segments that could not be sent, by why', {
      why: ['no_sink', 'retry', 'rejected'],
    }),
  };
}
