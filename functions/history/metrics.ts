/** Metrics of the history. */
import type { HistoryWriter } from '../../shared/history/writer.ts';
import type { Metrics } from '../../shared/process/metrics.ts';

export const itemKinds = ['event', 'segment', 'object'] as const;
export const itemOutcomes = ['written', 'repeated', 'expired', 'refused', 'full', 'away', 'ignored', 'malformed'] as const;

export type HistoryMetrics = ReturnType<typeof metricsOf>;

export function metricsOf(metrics: Metrics) {
  return {
    items: metrics.counter('knspan_history_items_total', 'Events, segments and object versions by outcome', {
      kind: itemKinds,
      outcome: itemOutcomes,
    }),
    seconds: metrics.histogram('knspan_history_write_seconds', 'Seconds from receipt to commit', { kind: itemKinds }),
    partitions: metrics.counter('knspan_history_partitions_dropped_total', 'Days dropped because they are older than the retention', {}),
  };
}

export function meterQueue(metrics: Metrics, writer: () => HistoryWriter | null): void {
  metrics.gauge('knspan_history_waiting', 'Items that wait to be written', {}, (gauge) => gauge.set({}, writer()?.waiting ?? 0));
}
