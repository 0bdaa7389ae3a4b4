/** Joins the parts of large segments, for views of whole traces. */
import type { ReceivedSegment } from './segment-event.ts';
import type { Segment } from './span.ts';

/** Max incomplete segments; beyond it the oldest are released incomplete. */
const incompleteMost = 100;

export class SegmentAssembler {
  readonly #incomplete = new Map<string, Map<number, Segment>>();

  /** Returns the segments that are now complete; a duplicate part changes nothing. */
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
