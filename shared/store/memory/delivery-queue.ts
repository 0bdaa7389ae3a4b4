/** A box of things to be sent, in memory. */

import type { QueuedDelivery } from '../store.ts';
import { SortedIds } from './sorted-set.ts';

export interface ParkedItem {
  readonly id: string;
  readonly reason: string;
  readonly body: string;
}

interface Held {
  readonly body: string;
  tries: number;
}

export class MemoryDeliveryQueue {
  readonly #most: number;
  readonly #items = new Map<string, Held>();
  readonly #due = new SortedIds();
  readonly #since = new SortedIds();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#items.size;
  }

  get isFull(): boolean {
    return this.#items.size >= this.#most;
  }

  put(items: readonly { id: string; body: string }[], due: number, since: number): boolean {
    if (this.#items.size + items.length > this.#most) return false;
    this.add(items, due, since);
    return true;
  }

  /** Whatever the bound is. */
  add(items: readonly { id: string; body: string }[], due: number, since: number): void {
    for (const { id, body } of items) {
      if (this.#items.has(id)) continue;
      this.#items.set(id, { body, tries: 0 });
      this.#due.set(id, due);
      this.#since.set(id, since);
    }
  }

  claim(clock: number, holdMs: number, most: number): QueuedDelivery[] {
    return this.#due.upTo(clock, most).flatMap((id) => {
      const item = this.#items.get(id);
      if (!item) return [];
      this.#due.set(id, clock + holdMs);
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

  list(most: number): QueuedDelivery[] {
    return this.#due.upTo(Number.POSITIVE_INFINITY, most).flatMap((id) => {
      const item = this.#items.get(id);
      return item ? [{ id, ...item }] : [];
    });
  }

  earliest(): number | null {
    return this.#due.first();
  }

  oldest(): number | null {
    return this.#since.first();
  }
}
