/** What the reconciler counts. */
import type { CounterMetric, Metrics } from '../../shared/process/metrics.ts';
import { sharedSizes } from '../../shared/store/metrics.ts';
import type { Store, StoreSizes } from '../../shared/store/store.ts';

export const tickOutcomes = ['done', 'elsewhere', 'stopped', 'failed'] as const;
export const letterOutcomes = ['taken', 'full', 'tick', 'delivered', 'again', 'unknown', 'refused', 'given_up', 'unreadable'] as const;

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
      // While the store is away the last figures stand.
      const figures = await look();
      if (figures) gauge.set({}, of(figures));
    });
  waiting('knspan_letters', 'Dead letters that are sent again', ({ deadLetters }) => deadLetters);
  waiting('knspan_letters_parked', 'Dead letters that wait for a person', ({ parked }) => parked);
  return {
    ticks: metrics.counter('knspan_ticks_total', 'Listings by outcome', { outcome: tickOutcomes }),
    listed: metrics.counter('knspan_events_listed_total', 'Events that the API server listed and that are selected', {}),
    missed: metrics.counter('knspan_events_missed_total', 'Occurrences that were listed and never seen', {}),
    repaired: metrics.counter('knspan_events_repaired_total', 'Missed occurrences that the Broker has taken', {}),
    refused: metrics.counter('knspan_events_refused_total', 'Missed occurrences that the Broker will not take', {}),
    unobserved: metrics.counter('knspan_unobserved_occurrences_total', 'Occurrences that only a higher count betrays', {}),
    letters: metrics.counter('knspan_letters_total', 'What became of dead letters', { outcome: letterOutcomes }),
  };
}
