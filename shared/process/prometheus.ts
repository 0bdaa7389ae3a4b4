/** Metrics by prom-client. Loaded by `metrics.ts` when somebody reads them, not before: see there. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CounterMetric, GaugeMetric, HistogramMetric, Labels, Values } from './metric.ts';

const other = 'other';

export class Prometheus {
  readonly #registry = new Registry();

  constructor() {
    const memory: Gauge = new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the process',
      registers: [this.#registry],
      collect: () => memory.set(process.memoryUsage.rss()),
    });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  counter<L extends Labels>(name: string, help: string, labels: L): CounterMetric<L> {
    const counter = new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
    const bound = bind(labels, (values) => counter.labels(values));
    return { add: (values, by = 1) => bound(values).inc(by) };
  }

  /** `collect` is asked at every reading, for what is cheaper to look up than to keep. */
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

  histogram<L extends Labels>(name: string, help: string, labels: L, buckets: readonly number[]): HistogramMetric<L> {
    const histogram = new Histogram({ name, help, labelNames: Object.keys(labels), buckets: [...buckets], registers: [this.#registry] });
    const bound = bind(labels, (values) => histogram.labels(values));
    return { observe: (values, value) => bound(values).observe(value) };
  }
}

/** The child of a metric for given labels, looked up once: prom-client hashes the labels at each call, on every request. */
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
    // An undeclared value is not remembered: it may be any text.
    if (names.every((name) => bounded[name] === values[name])) children.set(key, child);
    return child;
  };
}

function permitted(declared: readonly string[], value: string): string {
  return declared.includes(value) ? value : other;
}
