/** Ids by score, the lowest first, like a sorted set of Redis: equal scores by id. */

interface Place {
  readonly id: string;
  readonly score: number;
}

export class SortedSet {
  readonly #scores = new Map<string, number>();
  /** A binary heap; a place whose score is no longer that of its id counts as removed. */
  #heap: Place[] = [];

  save(): ReadonlyMap<string, number> {
    return this.#scores;
  }

  load(scores: ReadonlyMap<string, number>): void {
    for (const [id, score] of scores) this.set(id, score);
  }

  get size(): number {
    return this.#scores.size;
  }

  has(id: string): boolean {
    return this.#scores.has(id);
  }

  set(id: string, score: number): void {
    if (this.#scores.get(id) === score) return;
    this.#scores.set(id, score);
    this.#push({ id, score });
    if (this.#heap.length > 2 * this.#scores.size + 64) this.#rebuild();
  }

  /** Keeps the lower of the two. */
  lower(id: string, score: number): void {
    this.set(id, Math.min(score, this.#scores.get(id) ?? score));
  }

  delete(id: string): void {
    this.#scores.delete(id);
  }

  /** The lowest score of an id that is not skipped. */
  lowest(isSkipped: (id: string) => boolean = () => false): number | null {
    const first = this.#peek();
    if (!first || !isSkipped(first.id)) return first?.score ?? null;
    const [id = ''] = this.upTo(Number.POSITIVE_INFINITY, 1, isSkipped);
    return this.#scores.get(id) ?? null;
  }

  /** At most `max` ids with a score up to this one, in order, without those that are skipped. */
  upTo(score: number, max: number, isSkipped: (id: string) => boolean = () => false): string[] {
    const seen: Place[] = [];
    const found: string[] = [];
    for (let top = this.#peek(); top && top.score <= score && found.length < max; top = this.#peek()) {
      this.#pop();
      seen.push(top);
      if (!isSkipped(top.id) && found.at(-1) !== top.id) found.push(top.id);
    }
    for (const place of seen) this.#push(place);
    return found;
  }

  #peek(): Place | undefined {
    for (let top = this.#heap[0]; top; top = this.#heap[0]) {
      if (this.#scores.get(top.id) === top.score) return top;
      this.#pop();
    }
    return undefined;
  }

  #push(place: Place): void {
    let at = this.#heap.push(place) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = this.#heap[above];
      if (!other || !isBefore(place, other)) break;
      this.#heap[at] = other;
      at = above;
    }
    this.#heap[at] = place;
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (!last || this.#heap.length === 0) return;
    let at = 0;
    for (;;) {
      const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const below = isRight ? right : left;
      if (!below || !isBefore(below, last)) break;
      this.#heap[at] = below;
      at = 2 * at + (isRight ? 2 : 1);
    }
    this.#heap[at] = last;
  }

  #rebuild(): void {
    this.#heap = [...this.#scores].map(([id, score]) => ({ id, score })).sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.score !== b.score ? a.score < b.score : a.id < b.id;
}
