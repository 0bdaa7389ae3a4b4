/** Pauses between retries: each twice as long as the one before, with up to half taken off at random so that senders spread out. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** The pause after so many tries, from 1, in ms. `random` gives 0 up to 1. */
export function backoffMs({ firstMs, maxMs }: Backoff, tries: number, random: () => number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(tries - 1, 30));
  return Math.round(full * (1 - random() / 2));
}
