/** A version of an object as a row of `history.objects`: what the feed of objects knows, and Events and spans do not. */
import type { ContainerStatus, KubeObject, ObjectVersion } from '../../kubernetes/object.ts';
import { timeText } from '../time.ts';
import type { ClusterRef } from './event-row.ts';
import { nameText, objectUuid, storable, uuidOf } from './identity.ts';

export interface ObjectRow {
  readonly first_at: string;
  readonly created_at: string | null;
  readonly deleted_at: string | null;
  readonly version: string;
  readonly uid: string;
  readonly owner_uid: string | null;
  readonly restart_count: number | null;
  readonly cluster: number;
  readonly ready: boolean | null;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly api: string;
  readonly phase: string | null;
  readonly node: string | null;
  readonly claims: readonly string[] | null;
}

/** `now` dates what has no time of its own. */
export function objectRow(cluster: ClusterRef, { object, gone, seenAt }: ObjectVersion, now: number): ObjectRow {
  const { createdAt, owner, containers, resourceVersion, nodeName, claims } = object;
  const seen = seenAt ?? now;
  const ready = object.conditions.find(({ type }) => type === 'Ready' || type === 'Available');
  return {
    first_at: timeText(createdAt ?? seen),
    created_at: createdAt === null ? null : timeText(createdAt),
    deleted_at: gone ? timeText(seen) : null,
    version: /^\d{1,18}$/.test(resourceVersion) ? resourceVersion : '0',
    uid: objectUuid(cluster.name, object),
    owner_uid: owner === null || owner.uid === '' ? null : uuidOf(owner.uid),
    restart_count: containers.length === 0 ? null : containers.reduce((sum, { restarts }) => sum + restarts, 0),
    cluster: cluster.id,
    ready: ready === undefined ? null : ready.status === 'True',
    kind: nameText(object.kind),
    namespace: nameText(object.namespace),
    name: nameText(object.name),
    api: storable(object.apiVersion),
    phase: phaseOf(object),
    node: nodeName === '' ? null : nameText(nodeName),
    claims: claims.length === 0 ? null : claims.map(nameText),
  };
}

/** Of a pod, by its containers: why one waits, whether one runs, else how they have ended. */
function phaseOf({ kind, nodeName, containers }: KubeObject): string | null {
  if (kind !== 'Pod') return null;
  const main = containers.filter(({ init }) => !init);
  const waiting = containers.find((one) => one.waiting !== '' && one.waiting !== 'PodInitializing')?.waiting;
  if (waiting !== undefined) return nameText(waiting);
  if (main.some(({ runningSince }) => runningSince !== null)) return 'Running';
  if (main.length > 0 && main.every(({ ended }) => ended !== null)) return main.every(isDone) ? 'Completed' : nameText(lastReason(main));
  return nodeName === '' ? 'Pending' : 'Starting';
}

function isDone({ ended }: ContainerStatus): boolean {
  return ended?.exitCode === 0;
}

function lastReason(containers: readonly ContainerStatus[]): string {
  return containers.find((one) => !isDone(one))?.ended?.reason || 'Error';
}
