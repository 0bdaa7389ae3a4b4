/** Asking a cluster about one object: the role. `kubernetes.ts` plays it. What is found there is metadata: owners, edits, labels. */
import type { Result } from '../events/json.ts';
import type { ObjectRef } from '../events/observation.ts';
import type { KubeObject } from './object.ts';

export type Found =
  | { readonly kind: 'found'; readonly object: KubeObject }
  /** There is no such object now, or another one bears its name. */
  | { readonly kind: 'gone' }
  /** We may not know, and will not soon: the owner counts as unknown. */
  | { readonly kind: 'forbidden' }
  /** No answer within the time; asking again later may help. */
  | { readonly kind: 'away'; readonly reason: string };

export interface Lookup {
  /** Answers by the deadline (ms of the clock) at the latest; never rejects. */
  find(ref: ObjectRef, deadlineAt: number): Promise<Found>;
  /** The uid of the namespace kube-system, which stands for the cluster. */
  clusterUid(deadlineAt: number): Promise<Result<string>>;
  close(): void;
}

/** Where there is no cluster to ask. */
export const noLookup: Lookup = {
  find: async () => ({ kind: 'forbidden' }),
  clusterUid: async () => ({ ok: false, reason: 'no cluster is configured' }),
  close: () => {},
};
