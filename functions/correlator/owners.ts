/**
 * Owners of objects that nobody has fed: asked of the API server by uid, remembered in the index for all correlators. Begun when an Event
 * arrives and awaited, with a deadline, when it is routed; an API server that is slow or away delays a decision by that much, never an
 * acknowledgement, and leaves the owner unknown.
 */
import type { Arrived } from './codec.ts';

export interface Owners {
  /** Begins to look up what the Events speak of, in the background. */
  prefetch(arrived: readonly Arrived[]): void;
  /** Resolves when all that can be known about the owners of these is in the index, or the deadline has passed. */
  learn(arrived: readonly Arrived[]): Promise<void>;
}

/** Where there is no API server to ask. */
export const noOwners: Owners = { prefetch: () => {}, learn: async () => {} };
