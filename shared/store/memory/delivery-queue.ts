/** A delivery queue in memory. */
import type { QueuedDelivery } from '../store.ts';
import { SortedSet } from './sorted-set.ts';

interface Item {
  readonly body: string;
  tries: number;
}

export interface SavedQueue {
  readonly items: ReadonlyMap<string, Item>;
  readonly due: ReadonlyMap<string, number>;
  readonly since: ReadonlyMap<string, number>;
}

export class MemoryDeliveryQueue {
  readonly #max: number;
  readonly #items = new Map<string, Item>();
  readonly #due = new SortedSet();
  readonly #since = new SortedSet();

  constructor(max: number) {
    this.#max = max;
  }

  save(): SavedQueue {
    return { items: this.#items, due: this.#due.save(), since: this.#since.save() };
  }

  load({ items, due, since }: SavedQueue): void {
    for (const [id, { body, tries }] of items) this.#items.set(id, { body, tries });
    this.#due.load(due);
    this.#since.load(since);
  }

  get size(): number {
    return this.#items.size;
  }

  get isFull(): boolean {
    return this.#items.size >= this.#max;
  }

  enqueue(items: readonly { id: string; body: string }[], due: number, since: number): boolean {
    if (this.#items.size + items.length > this.#max) return false;
    this.add(items, due, since);
    return true;
  }

  /** Regardless of the bound. */
  add(items: readonly { id: string; body: string }[], due: number, since: number): void {
    for (const { id, body } of items) {
      if (this.#items.has(id)) continue;
      this.#items.set(id, { body, tries: 0 });
      this.#due.set(id, due);
      this.#since.set(id, since);
    }
  }

  claim(clock: number, visibilityTimeoutMs: number, max: number): QueuedDelivery[] {
    return this.#due.upTo(clock, max).flatMap((id) => {
      const item = this.#items.get(id);
      if (!item) return [];
      this.#due.set(id, clock + visibilityTimeoutMs);
      item.tries += 1;
      return [{ id, ...item }];
    });
  }

  /** The bodies of those that were there. */
  remove(ids: readonly string[]): string[] {
    return ids.flatMap((id) => {
      const item = this.#items.get(id);
      this.#items.delete(id);
      this.#due.delete(id);
      this.#since.delete(id);
      return item ? [item.body] : [];
    });
  }

  postpone(id: string, until: number): void {
    if (this.#items.has(id)) this.#due.set(id, until);
  }

  list(max: number): QueuedDelivery[] {
    return this.#due.upTo(Number.POSITIVE_INFINITY, max).flatMap((id) => {
      const item = this.#items.get(id);
      return item ? [{ id, ...item }] : [];
    });
  }

  earliest(): number | null {
    return this.#due.lowest();
  }

  oldest(): number | null {
    return this.#since.lowest();
  }
}
