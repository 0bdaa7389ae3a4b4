/** The interface for looking up one object in a cluster, implemented by `metadata-lookup.ts`: metadata only (owners, edits, labels). */
import type { Result } from '../events/json.ts';
import type { ObjectRef } from '../events/observation.ts';
import type { KubeObject } from './object.ts';

export type Found =
  | { readonly kind: 'found'; readonly object: KubeObject }
  /** There is no such object now, or another one has its name. */
  | { readonly kind: 'gone' }
  /** Not permitted, and unlikely to be soon: the owner counts as unknown. */
  | { readonly kind: 'forbidden' }
  /** No response in time; a later lookup may succeed. */
  | { readonly kind: 'away'; readonly reason: string };

export interface Lookup {
  /** Resolves by the deadline (ms of the clock); never rejects. */
  find(ref: ObjectRef, deadlineAt: number): Promise<Found>;
  /** The uid of the namespace kube-system, which identifies the cluster. */
  clusterUid(deadlineAt: number): Promise<Result<string>>;
  close(): void;
}

/** For use without a cluster. */
export const noLookup: Lookup = {
  find: async () => ({ kind: 'forbidden' }),
  clusterUid: async () => ({ ok: false, reason: 'no cluster is configured' }),
  close: () => {},
};
