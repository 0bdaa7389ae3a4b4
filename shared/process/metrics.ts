/**
 * Metrics in Prometheus text. The values of a label are declared: one that is not becomes `other`, so that no sender and no object
 * name can make the sets grow. A registry for each function, not the process's, since a local run holds several.
 *
 * prom-client is loaded when somebody reads the metrics: it takes as long as a third of a bare start, and a function that sleeps again
 * within seconds is never asked. What is counted until then is noted and told to it in order, so that no figure differs.
 */
import type { CounterMetric, GaugeMetric, HistogramMetric, Labels } from './metric.ts';
import type { Prometheus } from './prometheus.ts';

export type { CounterMetric, GaugeMetric, HistogramMetric, Labels, Values } from './metric.ts';

/** Seconds: from a fast acknowledgement to the longest timeout. */
export const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** So many notes are worth the library, even where nobody reads. */
const notesMost = 2_000;

type Note = (library: Prometheus) => void;

export class Metrics {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  #library: Prometheus | undefined;
  #loading: Promise<Prometheus> | undefined;
  readonly #notes: Note[] = [];

  async text(): Promise<string> {
    return (await this.#load()).text();
  }

  counter<L extends Labels>(name: string, help: string, labels: L): CounterMetric<L> {
    const tell = this.#late((library) => library.counter(name, help, labels));
    return { add: (values, by = 1) => tell((counter) => counter.add(values, by)) };
  }

  /** `collect` is asked at every reading, for what is cheaper to look up than to keep. */
  gauge<L extends Labels>(
    name: string,
    help: string,
    labels: L,
    collect?: (gauge: GaugeMetric<L>) => void | Promise<void>,
  ): GaugeMetric<L> {
    const tell = this.#late((library) => library.gauge(name, help, labels, collect));
    return { set: (values, to) => tell((gauge) => gauge.set(values, to)) };
  }

  histogram<L extends Labels>(name: string, help: string, labels: L, buckets: readonly number[] = secondsBuckets): HistogramMetric<L> {
    const tell = this.#late((library) => library.histogram(name, help, labels, buckets));
    return { observe: (values, value) => tell((histogram) => histogram.observe(values, value)) };
  }

  /** A metric of the library, whether that is there already or not. */
  #late<M>(make: (library: Prometheus) => M): (say: (metric: M) => void) => void {
    let metric: M | undefined;
    const known = (library: Prometheus) => {
      metric ??= make(library);
      return metric;
    };
    this.#note(known);
    return (say) => {
      if (metric === undefined) this.#note((library) => say(known(library)));
      else say(metric);
    };
  }

  #note(note: Note): void {
    if (this.#library !== undefined) return note(this.#library);
    this.#notes.push(note);
    if (this.#notes.length > notesMost) void this.#load();
  }

  #load(): Promise<Prometheus> {
    this.#loading ??= import('./prometheus.ts').then(({ Prometheus }) => {
      const library = new Prometheus();
      for (const note of this.#notes.splice(0)) note(library);
      this.#library = library;
      return library;
    });
    return this.#loading;
  }
}
