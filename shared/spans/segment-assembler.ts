/** Puts the parts of large segments together again, for those who want to see a trace whole. */
import type { ReceivedSegment } from './segment-event.ts';
import type { Segment } from './span.ts';

/** So many segments may be incomplete at a time; the oldest are shown as they are. */
const incompleteMost = 100;

export class SegmentAssembler {
  readonly #incomplete = new Map<string, Map<number, Segment>>();

  /** The segments that are whole now; a part that comes again changes nothing. */
  add({ segment, part, parts }: ReceivedSegment): Segment[] {
    if (parts <= 1) return [segment];
    const key = `${segment.traceId} of ${parts}`;
    const known = this.#incomplete.get(key) ?? new Map<number, Segment>();
    this.#incomplete.set(key, known);
    known.set(part, segment);
    if (known.size === parts) return this.#take(key);
    const [oldest] = this.#incomplete.keys();
    return this.#incomplete.size > incompleteMost && oldest !== undefined ? this.#take(oldest) : [];
  }

  #take(key: string): Segment[] {
    const parts = [...(this.#incomplete.get(key) ?? [])].sort(([a], [b]) => a - b).map(([, segment]) => segment);
    this.#incomplete.delete(key);
    const [first] = parts;
    return first ? [{ ...first, root: parts.some(({ root }) => root), spans: parts.flatMap(({ spans }) => spans) }] : [];
  }
}
