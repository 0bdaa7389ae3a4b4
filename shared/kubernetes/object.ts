/**
 * What knspan keeps of a Kubernetes object: owners, edits, conditions, container statuses. The parser
 * (`parse-object.ts`) drops everything else: no env, command, data or last-applied configuration is ever stored or logged.
 */
import type { Micros, ObjectRef } from '../events/observation.ts';

export interface Edit {
  /** Field manager, e.g. `kubectl-create`. */
  readonly manager: string;
  readonly operation: string;
  /** `status`, `scale` or empty. */
  readonly subresource: string;
  /** Truncated to seconds; null if the entry has no time. */
  readonly at: Micros | null;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** lastTransitionTime, else lastUpdateTime; truncated to seconds. */
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
  /** The current run if it has ended, else null. */
  readonly ended: ContainerEnd | null;
  /** The previous run (lastState.terminated). */
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
  /** Only the labels and annotations that knspan uses. */
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

/** One version of an object; `seenAt` is null for a plain list, whose state is valid at all times. */
export interface ObjectVersion {
  readonly object: KubeObject;
  readonly seenAt: Micros | null;
  /** From a DELETED notification. */
  readonly gone: boolean;
}
