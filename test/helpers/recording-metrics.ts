/** Metrics that record their declarations: names, kinds, labels and permitted values. */
import { type CounterMetric, type GaugeMetric, type HistogramMetric, type Labels, Metrics } from '../../shared/process/metrics.ts';

export interface Declared {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: Labels;
}

export class RecordingMetrics extends Metrics {
  readonly declared = new Map<string, Declared>();

  override counter<L extends Labels>(name: string, help: string, labels: L): CounterMetric<L> {
    this.declared.set(name, { kind: 'counter', labels });
    return super.counter(name, help, labels);
  }

  override gauge<L extends Labels>(
    name: string,
    help: string,
    labels: L,
    collect?: (gauge: GaugeMetric<L>) => void | Promise<void>,
  ): GaugeMetric<L> {
    this.declared.set(name, { kind: 'gauge', labels });
    return super.gauge(name, help, labels, collect);
  }

  override histogram<L extends Labels>(name: string, help: string, labels: L, buckets?: readonly number[]): HistogramMetric<L> {
    this.declared.set(name, { kind: 'histogram', labels });
    return super.histogram(name, help, labels, buckets);
  }
}
