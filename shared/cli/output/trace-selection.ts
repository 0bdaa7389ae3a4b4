/** Which of the traces that settle are shown, and the counts that the last lines and the exit code are made of. */
import type { Segment } from '../../spans/span.ts';
import { counted } from './terminal.ts';
import { type Filter, passes } from './trace-filter.ts';

export class Selection {
  readonly #filter: Filter;
  readonly #dropsOrphans: boolean;
  #all = 0;
  #traces = 0;
  #failed = 0;
  #spans = 0;
  #orphans = 0;

  /** Orphans that are dropped come here as digests, so that what is dropped can be counted. */
  constructor(filter: Filter, orphans: Orphans) {
    this.#filter = filter;
    this.#dropsOrphans = orphans === 'drop';
  }

  get failed(): number {
    return this.#failed;
  }

  takes(segment: Segment): boolean {
    const digested = this.#dropsOrphans ? digestedBy(segment) : 0;
    this.#orphans += digested;
    if (digested > 0) return false;
    this.#all += 1;
    if (!passes(segment, this.#filter)) return false;
    this.#traces += 1;
    this.#failed += segment.severity === 'error' ? 1 : 0;
    this.#spans += segment.spans.length;
    return true;
  }

  /** `3 of 5 traces shown, 1 failed, 20 spans; 7 events without cause or effect dropped` */
  get summary(): string {
    const shown = this.#all > this.#traces ? `${this.#traces} of ${counted(this.#all, 'trace')}` : counted(this.#traces, 'trace');
    const dropped = this.#dropsOrphans ? `; ${counted(this.#orphans, 'event')} without cause or effect dropped` : '';
    return `${shown} shown, ${this.#failed} failed, ${counted(this.#spans, 'span')}${dropped}`;
  }
}

export type Orphans = 'digest' | 'each' | 'drop';

/** What the pipeline is to do with orphans: dropping is left to the selection. */
export function orphansKept(orphans: Orphans): 'digest' | 'each' {
  return orphans === 'each' ? 'each' : 'digest';
}

/** How many events a digest tells; 0 for any other trace. */
function digestedBy({ spans }: Segment): number {
  const root = spans.find((span) => span.parentSpanId === '');
  return root?.attributes['knspan.change'] === 'digest' ? Number(root.attributes['knspan.events'] ?? 0) : 0;
}
