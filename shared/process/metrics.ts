/**
 * Metrics in the Prometheus text format, by prom-client. Label values are declared: any other value is counted as
 * `other`, so that neither a sender nor an object name can add series. Each function has its own registry, since several may share a
 * process.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Label name -> its permitted values. */
export type Labels = Readonly<Record<string, readonly string[]>>;
export type Values<L extends Labels> = Readonly<Record<keyof L, string>>;

export interface CounterMetric<L extends Labels> {
  add(values: Values<L>, by?: number): void;
}

export interface GaugeMetric<L extends Labels> {
  set(values: Values<L>, to: number): void;
}

export interface HistogramMetric<L extends Labels> {
  observe(values: Values<L>, value: number): void;
}

/** Seconds: from a fast acknowledgement to the longest timeout. */
export const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

const other = 'other';

export class Metrics {
  readonly #registry = new Registry();

  constructor() {
    const memory: Gauge = new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the process',
      registers: [this.#registry],
      collect: () => memory.set(process.memoryUsage.rss()),
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  counter<L extends Labels>(name: string, help: string, labels: L): CounterMetric<L> {
    const counter = new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
    const bound = bind(labels, (values) => counter.labels(values));
    return { add: (values, by = 1) => bound(values).inc(by) };
  }

  /** `collect` runs at every scrape, for values that are cheaper to read than to track. */
  gauge<L extends Labels>(
    name: string,
    help: string,
    labels: L,
    collect?: (gauge: GaugeMetric<L>) => void | Promise<void>,
  ): GaugeMetric<L> {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [this.#registry],
      ...(collect === undefined ? {} : { collect: () => collect(metric) }),
    });
    const bound = bind(labels, (values) => gauge.labels(values));
    const metric: GaugeMetric<L> = { set: (values, to) => bound(values).set(to) };
    return metric;
  }

  histogram<L extends Labels>(name: string, help: string, labels: L, buckets: readonly number[] = secondsBuckets): HistogramMetric<L> {
    const histogram = new Histogram({ name, help, labelNames: Object.keys(labels), buckets: [...buckets], registers: [this.#registry] });
    const bound = bind(labels, (values) => histogram.labels(values));
    return { observe: (values, value) => bound(values).observe(value) };
  }
}

/** Caches the child of a metric per label values: prom-client would hash the labels at each call. */
function bind<L extends Labels, Child>(labels: L, make: (values: Record<string, string>) => Child): (values: Values<L>) => Child {
  const names = Object.keys(labels);
  const children = new Map<string, Child>();
  return (values) => {
    let key = '';
    for (const name of names) key += `${values[name]}\n`;
    const known = children.get(key);
    if (known !== undefined) return known;
    const bounded = Object.fromEntries(names.map((name) => [name, permitted(labels[name] ?? [], values[name] ?? '')]));
    const child = make(bounded);
    // An undeclared value is not cached: it may be any text.
    if (names.every((name) => bounded[name] === values[name])) children.set(key, child);
    return child;
  };
}

function permitted(declared: readonly string[], value: string): string {
  return declared.includes(value) ? value : other;
}
