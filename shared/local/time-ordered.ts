/**
 * Long inputs that are in order of time (a recorded watch, a sorted list) need not be held whole: what is settled is let go on the way.
 * An input that is not in order is held until its end, for its earliest event may come last.
 */
import type { Micros, Observation } from '../cloudevent/observation.ts';
import { lateness, minute, ownerMayTrail } from '../correlate/figures.ts';
import type { Segment } from '../spans/span.ts';
import type { Pipeline } from './pipeline.ts';

/** Shorter inputs are always held whole. */
const holdUpTo = 100_000;
const letGoEvery = 20_000;
/** An input is in order when no event is older than the newest before it by more than this. */
const disorderMost: Micros = 5 * minute;

export class TimeOrdered {
  readonly #pipeline: Pipeline;
  #count = 0;
  #newest: Micros = 0;
  #ordered = true;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  /** Takes an event; answers what has settled meanwhile. */
  push(observation: Observation): Segment[] {
    this.#pipeline.push(observation);
    this.#count += 1;
    const { at } = observation.last;
    if (at < this.#newest - disorderMost) this.#ordered = false;
    if (at > this.#newest) this.#newest = at;
    if (!this.#ordered || this.#count < holdUpTo || this.#count % letGoEvery !== 0) return [];
    // As if the clock stood so far back that nothing in order can be late.
    return this.#pipeline.advance(this.#newest - disorderMost + lateness + ownerMayTrail);
  }
}
