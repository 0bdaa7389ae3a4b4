/**
 * `--deliver`: delivers the input as a bad network would, within the allowed lateness: out of order, more than once, in many calls. The
 * output must be the same.
 */

import { lateness } from '../correlation/settling-times.ts';
import type { Micros, Observation } from '../events/observation.ts';
import type { Segment } from '../spans/span.ts';
import type { Pipeline } from './pipeline.ts';

export interface Delivery {
  readonly seed: number;
  /** Probability that an event is duplicated. */
  readonly duplicate: number;
  readonly calls: number;
}

/** Below the allowed lateness, so that the last one is still in time. */
const delayMost: Micros = lateness - 2_000_000;

export function parseDelivery(text: string): Delivery | null {
  const given = new Map<string, number>();
  for (const part of text.split(',')) {
    const [, key, value] = /^(shuffle|duplicate|split)=(\d+(?:\.\d+)?)$/.exec(part) ?? [];
    if (key === undefined || given.has(key)) return null;
    given.set(key, Number(value));
  }
  const delivery = { seed: given.get('shuffle') ?? 1, duplicate: given.get('duplicate') ?? 0, calls: given.get('split') ?? 1 };
  const whole = Number.isSafeInteger(delivery.seed) && Number.isSafeInteger(delivery.calls);
  return whole && delivery.duplicate <= 1 && delivery.calls >= 1 ? delivery : null;
}

/** Pushes everything, delayed and duplicated at random by seed, and advances the clock in `calls` steps. */
export function deliver(pipeline: Pipeline, observations: readonly Observation[], delivery: Delivery): Segment[] {
  const chance = randomOf(delivery.seed);
  const arrivals: { at: Micros; observation: Observation }[] = [];
  for (const observation of observations) {
    arrivals.push({ at: observation.last.at + observation.last.uncertainty + chance() * delayMost, observation });
    if (chance() < delivery.duplicate)
      arrivals.push({ at: observation.last.at + observation.last.uncertainty + chance() * delayMost * 3, observation });
  }
  arrivals.sort((a, b) => a.at - b.at);
  const segments: Segment[] = [];
  const step = Math.max(1, Math.ceil(arrivals.length / delivery.calls));
  for (let from = 0; from < arrivals.length; from += step) {
    const part = arrivals.slice(from, from + step);
    for (const { observation } of part) pipeline.push(observation);
    segments.push(...pipeline.advance(part.at(-1)?.at ?? 0));
  }
  segments.push(...pipeline.finish());
  return segments;
}

/** A small seeded generator (mulberry32): the same seed, the same delivery. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}
