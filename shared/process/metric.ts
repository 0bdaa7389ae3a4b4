/** One metric: labels with the values that they may have, and what is told to it. */

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
