/** A box of things to be sent, in memory. */
import type { BoxItem } from './store.ts';

export interface ParkedItem {
  readonly id: string;
  readonly reason: string;
  readonly body: string;
}

interface Held {
  readonly body: string;
  readonly since: number;
  due: number;
  tries: number;
}

export class MemoryBox {
  readonly #most: number;
  readonly #items = new Map<string, Held>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#items.size;
  }

  put(items: readonly { id: string; body: string }[], due: number, since: number): boolean {
    if (this.#items.size + items.length > this.#most) return false;
    for (const { id, body } of items) if (!this.#items.has(id)) this.#items.set(id, { body, since, due, tries: 0 });
    return true;
  }

  claim(clock: number, holdMs: number, most: number): BoxItem[] {
    const due = [...this.#items].filter(([, item]) => item.due <= clock);
    due.sort(([a, one], [b, other]) => one.due - other.due || (a < b ? -1 : 1));
    return due.slice(0, most).map(([id, item]) => {
      item.due = clock + holdMs;
      item.tries += 1;
      return { id, body: item.body, tries: item.tries };
    });
  }

  /** The bodies of those that were there. */
  remove(ids: readonly string[]): string[] {
    return ids.flatMap((id) => {
      const item = this.#items.get(id);
      this.#items.delete(id);
      return item ? [item.body] : [];
    });
  }

  postpone(id: string, until: number): void {
    const item = this.#items.get(id);
    if (item) item.due = until;
  }

  list(most: number): BoxItem[] {
    const items = [...this.#items].sort(([a, one], [b, other]) => one.due - other.due || (a < b ? -1 : 1));
    return items.slice(0, most).map(([id, { body, tries }]) => ({ id, body, tries }));
  }

  earliest(): number | null {
    return lowest([...this.#items.values()].map(({ due }) => due));
  }

  oldest(): number | null {
    return lowest([...this.#items.values()].map(({ since }) => since));
  }
}

function lowest(numbers: readonly number[]): number | null {
  return numbers.length === 0 ? null : numbers.reduce((a, b) => Math.min(a, b));
}
