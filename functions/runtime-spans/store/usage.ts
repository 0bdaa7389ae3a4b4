/** How much is kept, by when it expires: what is added is taken off again without anybody looking at what it was. */
import type { Usage } from './span-store.ts';

export const slotMs = 10_000;

/** The slot at whose begin all is gone that expires in so many ms. */
export function slotOf(now: number, ttlMs: number): number {
  return Math.ceil((now + ttlMs) / slotMs);
}

export function isPast(slot: number, now: number): boolean {
  return slot * slotMs <= now;
}

export class UsageBySlot {
  readonly #slots = new Map<number, { bytes: number; spans: number }>();

  add(slot: number, { bytes, spans }: Usage): void {
    const known = this.#slots.get(slot) ?? { bytes: 0, spans: 0 };
    this.#slots.set(slot, { bytes: known.bytes + bytes, spans: known.spans + spans });
  }

  at(now: number): Usage {
    const sum = { bytes: 0, spans: 0 };
    for (const [slot, { bytes, spans }] of this.#slots) {
      if (isPast(slot, now)) this.#slots.delete(slot);
      else {
        sum.bytes += bytes;
        sum.spans += spans;
      }
    }
    return sum;
  }
}
