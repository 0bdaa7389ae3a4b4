/**
 * An open change: what it has created and deleted, its progress, when it settles and its outcome. Derived from event times only.
 */
import type { Micros, ObjectRef } from '../events/observation.ts';
import { healthyAfter, hour, longestChange, longestIncident, quietAfterEnd, quietWithoutEnd } from './settling-times.ts';

/** A link from an object or a change to the occurrence that created, ended or drives it. */
export interface CausalLink {
  readonly occurrence: string;
  readonly change: string;
  readonly at: Micros;
  /** name: a message or an owner names the object; structure: derived from the owner's actions; self: the object's own. */
  readonly by: 'name' | 'structure' | 'self';
}

export type TrackedKind =
  | 'create'
  | 'rollout'
  | 'scale'
  | 'delete'
  | 'evict'
  | 'heal'
  | 'drain'
  | 'outage'
  | 'run'
  | 'suspend'
  | 'update'
  | 'cleanup';
export type ChangeKind = ChangeState['kind'];

interface ChangeBase {
  /** uid#n of the occurrence that opened it. */
  readonly id: string;
  /** The subject of the change if smaller than the domain: the job of a run, the pod of an incident. */
  readonly about: ObjectRef;
  readonly root: ObjectRef;
  readonly start: Micros;
  /** Last action, new state or end. */
  last: Micros;
}

interface TroubledChange extends ChangeBase {
  /** Reason of the failure; empty: none. */
  failed: string;
  readonly continues: CausalLink | null;
}

/** Events without cause or effect, per object and hour. */
export interface DigestChange extends ChangeBase {
  readonly kind: 'digest';
}

/** Trouble of one object after its change has settled. */
export interface IncidentChange extends TroubledChange {
  readonly kind: 'incident';
  /** Stays open until then, however long nothing happens: the last incident of an object's day, a series that went on; 0: no such time. */
  openUntil: Micros;
}

/** State of an object created by the change; restarted: after a crash, possibly to crash again. */
export type ChildStatus = 'waiting' | 'up' | 'unready' | 'failing' | 'restarted';

/** A change of the domain, tracked until everything created is up and everything deleted is replaced. */
export interface TrackedChange extends TroubledChange {
  kind: TrackedKind;
  /** metadata.generation that the change answers, by key of the object, if known. */
  readonly generations: Record<string, number>;
  /** What the root object applies in it, as far as it says so. */
  readonly revision: string;
  /** By `<kind>/<name>`. */
  readonly made: Record<string, ChildStatus>;
  /** Names of deleted objects without a replacement yet. */
  unreplaced: string[];
  deletes: number;
  /** A pod that it had made went while it was in trouble. */
  lost: boolean;
  /** Whether an Event surely tells when the change is over (a job's condition), and has done so. */
  end: 'none' | 'expected' | 'reached';
  /** Superseded by a later edit: missing objects will not come. */
  superseded: boolean;
  /** By key of the workload whose ReplicaSets were scaled. */
  readonly rollouts: Record<string, RolloutState>;
}

export type ChangeState = TrackedChange | IncidentChange | DigestChange;

type NewChange = Pick<TrackedChange, 'id' | 'kind' | 'root' | 'start'> & Partial<TrackedChange>;

export function newChange(given: NewChange): TrackedChange {
  return {
    about: given.root,
    last: given.start,
    failed: '',
    continues: null,
    lost: false,
    generations: {},
    revision: '',
    made: {},
    unreplaced: [],
    deletes: 0,
    end: 'none',
    superseded: false,
    rollouts: {},
    ...given,
  };
}

export function isTracked(change: ChangeState): change is TrackedChange {
  return change.kind !== 'incident' && change.kind !== 'digest';
}

/** Progress of a Deployment from old ReplicaSets to a new one. */
export interface RolloutState {
  /** The ReplicaSet being scaled up; empty: none so far. */
  newSet: string;
  newReplicas: number;
  /** The ReplicaSets being scaled down, with their remaining replicas. */
  oldSets: Record<string, number>;
  /** Desired replicas of the Deployment when the change began; 0: unknown. */
  readonly wanted: number;
  /** Rolls back to an earlier ReplicaSet. */
  back: boolean;
  /** The ReplicaSet whose scaling up in the middle of another rollout began this one: whether it is a new size or a rollback is open. */
  resized: string;
}

export const noRollout: RolloutState = { newSet: '', newReplicas: 0, oldSets: {}, wanted: 0, back: false, resized: '' };

/** An Event says that the change is over; `failed`: why it has failed. */
export function endChange(change: ChangeState, failed: string): void {
  if (change.kind === 'digest') return;
  if (isTracked(change)) change.end = 'reached';
  if (failed !== '') change.failed = failed;
}

/** The event time at which the change settles if no further Event arrives. */
export function settlesAt(change: ChangeState): Micros {
  if (change.kind === 'digest') return (Math.floor(change.start / hour) + 1) * hour;
  if (change.kind === 'incident') return Math.max(change.openUntil, Math.min(change.start + longestIncident, change.last + healthyAfter));
  const longest = boundOf(change);
  const progress = progressOf(change);
  if (progress === 'waiting') return longest;
  return Math.min(longest, change.last + (progress === 'done' ? quietAfterEnd : quietWithoutEnd));
}

/** A change lasts no longer. */
export function boundOf({ start }: TrackedChange): Micros {
  return start + longestChange;
}

/** It is not settled before that time, however it goes on. */
export function settlesAtEarliest(change: ChangeState): Micros {
  if (change.kind === 'digest' || change.kind === 'incident') return settlesAt(change);
  return Math.min(change.last + quietAfterEnd, boundOf(change));
}

/**
 * done: its end condition holds; waiting: something in progress will be reported (a pull, a container's start, a job's end, a rollout with
 * healthy new pods); stuck: in trouble, may never end; unsure: no end condition.
 */
function progressOf(change: TrackedChange): 'done' | 'waiting' | 'stuck' | 'unsure' {
  if (change.end === 'reached') return isRolling(change) && !change.superseded ? 'waiting' : 'done';
  if (change.end === 'expected') return change.superseded ? 'unsure' : 'waiting';
  const made = Object.values(change.made);
  if (made.includes('failing') || made.includes('restarted') || change.failed !== '' || change.lost) return 'stuck';
  if (change.superseded) return 'unsure';
  if (made.includes('waiting') || isRolling(change)) return 'waiting';
  if (change.unreplaced.length > 0 || change.kind === 'update' || change.kind === 'cleanup') return 'unsure';
  return made.length === 0 && change.deletes === 0 ? 'unsure' : 'done';
}

/** A rollout is in progress while an old ReplicaSet has pods, or the new one has fewer than there were. */
export function isRolling({ rollouts }: TrackedChange): boolean {
  return Object.values(rollouts).some(isUnderWay);
}

function isUnderWay({ newSet, newReplicas, oldSets, wanted }: RolloutState): boolean {
  if (newSet === '') return false;
  const olds = Object.values(oldSets);
  return olds.some((replicas) => replicas > 0) || (olds.length > 0 && newReplicas < wanted);
}

/** No scaling is known that says which ReplicaSets of the workload are concerned. */
export function namesNoSet({ rollouts }: TrackedChange, workload: string): boolean {
  const rollout = rollouts[workload];
  return rollout === undefined || (rollout.newSet === '' && Object.keys(rollout.oldSets).length === 0);
}
