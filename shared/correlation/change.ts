/**
 * A change while it is open: what it has made and deleted, how far it has come, when it is settled and how it has ended. Everything
 * follows from event times.
 */
import type { Micros, ObjectRef } from '../events/observation.ts';
import { healthyAfter, hour, longestChange, longestIncident, quietAfterEnd, quietWithoutEnd } from './settling-times.ts';

/** A link from an object, or a change, to the occurrence that made, ended or drives it. */
export interface CausalLink {
  readonly occurrence: string;
  readonly change: string;
  readonly at: Micros;
  /** name: a message or an owner names the object; structure: it follows from what the owner was doing; self: the object's own. */
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
  /** What the change is about when it is less than the domain: the job of a run, the pod of an incident. */
  readonly about: ObjectRef;
  readonly root: ObjectRef;
  readonly start: Micros;
  /** Last action, new state or end. */
  last: Micros;
}

interface TroubledChange extends ChangeBase {
  /** Why it has failed; empty: it has not. */
  failed: string;
  readonly continues: CausalLink | null;
}

/** Events without cause or effect, of one object and hour. */
export interface DigestChange extends ChangeBase {
  readonly kind: 'digest';
}

/** Troubles of one object after its change has settled. */
export interface IncidentChange extends TroubledChange {
  readonly kind: 'incident';
  /** Stays open until then, however long nothing happens: the last incident of an object's day, a series that went on; 0: no such time. */
  openUntil: Micros;
}

/** How an object that the change has made fares; restarted: after a crash, which may be in vain. */
export type ChildStatus = 'waiting' | 'up' | 'unready' | 'failing' | 'restarted';

/** Something done to the domain, tracked until what it has made is up and what it has deleted is replaced. */
export interface TrackedChange extends TroubledChange {
  kind: TrackedKind;
  /** metadata.generation that the change answers, by key of the object, as far as it is known. */
  readonly generations: Record<string, number>;
  /** What the root object applies in it, as far as it says so. */
  readonly revision: string;
  /** By `<kind>/<name>`. */
  readonly made: Record<string, ChildStatus>;
  /** Names of objects deleted in it that nothing has replaced yet. */
  unreplaced: string[];
  deletes: number;
  /** A pod that it had made went while it was in trouble. */
  lost: boolean;
  /** Whether an Event surely tells when the change is over (a job's condition), and has done so. */
  end: 'none' | 'expected' | 'reached';
  /** A later edit has taken over: what is missing will not come. */
  superseded: boolean;
  /** By key of the workload of which ReplicaSets were scaled. */
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

/** How far a Deployment has moved its pods from old ReplicaSets to a new one. */
export interface RolloutState {
  /** The ReplicaSet that is built up; empty: none so far. */
  newSet: string;
  newReplicas: number;
  /** The ReplicaSets that are taken down, with what is left of them. */
  oldSets: Record<string, number>;
  /** How many replicas the Deployment wanted when the change began; 0: not known. */
  readonly wanted: number;
  /** Goes back to a ReplicaSet that was there before. */
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

/** The event time at which the change is settled if nothing more of it comes. */
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
 * done: its end condition holds; waiting: something is under way that will be reported (a pull, a container's start, a job's end, a
 * rollout whose new pods are well); stuck: in trouble, waiting may be in vain; unsure: it has no end condition.
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

/** A rollout is under way as long as an old ReplicaSet has pods beside the new one, or the new one has fewer than there were. */
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
