/** Metrics of the reconciler. */
import type { CounterMetric, Metrics } from '../../shared/process/metrics.ts';
import { sharedSizes } from '../../shared/store/metrics.ts';
import type { Store, StoreSizes } from '../../shared/store/store.ts';

export const tickOutcomes = ['done', 'elsewhere', 'stopped', 'failed'] as const;
export const letterOutcomes = ['accepted', 'full', 'tick', 'delivered', 'retry', 'unknown', 'rejected', 'given_up', 'unreadable'] as const;

export interface Meters {
  readonly ticks: CounterMetric<{ outcome: typeof tickOutcomes }>;
  readonly listed: CounterMetric<Record<never, never>>;
  readonly missed: CounterMetric<Record<never, never>>;
  readonly repaired: CounterMetric<Record<never, never>>;
  readonly refused: CounterMetric<Record<never, never>>;
  readonly unobserved: CounterMetric<Record<never, never>>;
  readonly letters: CounterMetric<{ outcome: typeof letterOutcomes }>;
}

export function metersOf(metrics: Metrics, store: Store): Meters {
  const look = sharedSizes(store);
  const waiting = (name: string, help: string, of: (figures: StoreSizes) => number) =>
    metrics.gauge(name, help, {}, async (gauge) => {
      // While the store is unavailable the last values stay.
      const figures = await look();
      if (figures) gauge.set({}, of(figures));
    });
  waiting('knspan_dead_letters', 'Dead letters pending retry', ({ deadLetters }) => deadLetters);
  waiting('knspan_dead_letters_parked', 'Parked items: to be re-sent or dropped by an operator', ({ parked }) => parked);
  return {
    ticks: metrics.counter('knspan_ticks_total', 'Listings by outcome', { outcome: tickOutcomes }),
    listed: metrics.counter('knspan_events_listed_total', 'Selected Events in listings of the API server', {}),
    missed: metrics.counter('knspan_events_missed_total', 'Occurrences found in a listing and never received', {}),
    repaired: metrics.counter('knspan_events_repaired_total', 'Missed occurrences accepted by the Broker', {}),
    refused: metrics.counter('knspan_events_refused_total', 'Missed occurrences rejected by the Broker', {}),
    unobserved: metrics.counter('knspan_unobserved_occurrences_total', 'Occurrences inferred from gaps in the Event count', {}),
    letters: metrics.counter('knspan_dead_letters_total', 'Dead letters by outcome', { outcome: letterOutcomes }),
  };
}
