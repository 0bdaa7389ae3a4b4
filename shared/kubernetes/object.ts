/**
 * What knspan keeps of a Kubernetes object: owners, edits, conditions, container statuses. Nothing else survives the
 * parser (`parse.ts`): no env, command, data or last-applied configuration is ever stored or logged.
 */
import type { Micros, ObjectRef } from '../events/observation.ts';

export interface Edit {
  /** Field manager, e.g. `kubectl-create`. */
  readonly manager: string;
  readonly operation: string;
  /** `status`, `scale` or empty. */
  readonly subresource: string;
  /** Cut to the second; null where the entry has no time. */
  readonly at: Micros | null;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** lastTransitionTime, else lastUpdateTime; cut to the second. */
  readonly at: Micros | null;
}

export interface ContainerEnd {
  readonly reason: string;
  readonly exitCode: number;
  readonly startedAt: Micros | null;
  readonly finishedAt: Micros | null;
}

export interface ContainerStatus {
  readonly name: string;
  readonly init: boolean;
  readonly ready: boolean;
  readonly restarts: number;
  readonly runningSince: Micros | null;
  readonly waiting: string;
  /** The present run when it ended, else null. */
  readonly ended: ContainerEnd | null;
  /** The run before (lastState.terminated). */
  readonly lastEnded: ContainerEnd | null;
}

export interface KubeObject extends ObjectRef {
  readonly resourceVersion: string;
  readonly generation: number;
  readonly createdAt: Micros | null;
  /** metadata.deletionTimestamp: when the deletion's grace period ends. */
  readonly deletionAt: Micros | null;
  /** The controller owner, else the first owner. */
  readonly owner: ObjectRef | null;
  readonly edits: readonly Edit[];
  /** Only the listed labels and annotations that mean something to knspan. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** spec.scaleTargetRef (HPA, VPA, ScaledObject). */
  readonly target: ObjectRef | null;
  /** Names of the PersistentVolumeClaims in the pod's volumes. */
  readonly claims: readonly string[];
  readonly nodeName: string;
  readonly replicas: number | null;
  readonly conditions: readonly Condition[];
  readonly containers: readonly ContainerStatus[];
}

/** One version of an object; `seenAt` is null for a plain list, whose state counts for all time. */
export interface ObjectVersion {
  readonly object: KubeObject;
  readonly seenAt: Micros | null;
  /** The notification said DELETED. */
  readonly gone: boolean;
}
