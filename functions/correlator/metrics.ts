/** What the correlator counts. */
import type { Metrics } from '../../shared/process/metrics.ts';
import { sharedSizes } from '../../shared/store/metrics.ts';
import type { Store } from '../../shared/store/store.ts';

export const storeSteps = ['append', 'sweep'] as const;

export function metersOf(metrics: Metrics, store: Store, now: () => number) {
  const look = sharedSizes(store);
  const pending = { stage: ['inbox', 'undecided', 'domains', 'outbox', 'deadLetters', 'parked'] } as const;
  metrics.gauge('knspan_pending', 'What the store holds by stage: observations, domains, segments', pending, async (gauge) => {
    const figures = await look();
    if (!figures) return;
    for (const stage of pending.stage) gauge.set({ stage }, figures[stage]);
  });
  metrics.gauge('knspan_outbox_age_seconds', 'Age of the oldest segment in the outbox', {}, async (gauge) => {
    const since = (await look())?.outboxSince ?? null;
    gauge.set({}, since === null ? 0 : Math.max(0, (now() - since) / 1_000));
  });
  return {
    taken: metrics.counter('knspan_events_total', 'Events received, by what became of them', {
      type: ['add', 'update', 'missed', 'object', 'tick', 'other'],
      outcome: ['new', 'repeated', 'taken', 'ignored', 'refused', 'no_room', 'store_away'],
    }),
    routed: metrics.counter('knspan_routed_total', 'Observations that have reached their domain', {}),
    decisions: metrics.counter('knspan_decisions_total', 'Decisions on domains', { outcome: ['committed', 'stale', 'full', 'failed'] }),
    segments: metrics.counter('knspan_segments_total', 'Segments decided', { severity: ['ok', 'error'] }),
    spans: metrics.counter('knspan_spans_total', 'Spans decided', {}),
    sent: metrics.counter('knspan_sent_total', 'Segments sent to the sink', { outcome: ['accepted', 'retry', 'rejected'] }),
    latency: metrics.histogram('knspan_store_seconds', 'Time to write down what has come, and of a sweep that has found something to do', {
      step: storeSteps,
    }),
  };
}

export type Meters = ReturnType<typeof metersOf>;
