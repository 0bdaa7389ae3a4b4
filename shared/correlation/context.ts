/**
 * What a domain remembers between two calls of `correlate`: plain data, serialisable as JSON, bounded. What is still undecided
 * travels beside it (`Keep`): occurrences that wait for their change to settle, each with the place it has been given.
 */
import type { Micros, ObjectRef } from '../events/observation.ts';
import type { Occurrence, Routed } from './occurrence.ts';

/** At most this many objects are remembered in a domain; the ones seen longest ago go first. */
export const objectsRemembered = 20_000;
/** At most this many occurrences are remembered as already told (about 60 bytes each). */
export const ledgerRemembered = 200_000;

/** An object's tie to the occurrence that made or ended it. */
export interface CausalLink {
  readonly occurrence: string;
  readonly change: string;
  readonly at: Micros;
  /** The bond was read from a message or owner, or (`structure`) follows from what the owner was doing. */
  readonly by: 'name' | 'structure' | 'self';
}

export interface ObjectState {
  readonly ref: ObjectRef;
  /** Key of the controller owner; empty for the root. */
  readonly owner: string;
  firstSeen: Micros;
  lastSeen: Micros;
  birth: CausalLink | null;
  death: CausalLink | null;
  /** Where the object's own steps hang when no event names it: its Scheduled, or its first event. */
  anchor: CausalLink | null;
  /** Open pairs: `pair|container` -> where it was opened. */
  open: Record<string, CausalLink>;
  /** Series by Event uid: the occurrence that began it in the change. */
  series: Record<string, CausalLink>;
  unhealthy: CausalLink | null;
  /** The change that the object's troubles belong to since its own change settled. */
  incident: string;
  incidentDay: number;
  incidentCount: number;
  troubled: boolean;
  up: boolean;
}

export type ChangeKind =
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
  | 'incident'
  | 'digest'
  | 'update'
  | 'cleanup';

export interface ChangeState {
  /** uid#n of the occurrence that opened it. */
  readonly id: string;
  kind: ChangeKind;
  /** What the change is about when it is less than the domain: the job of a run, the pod of an incident. */
  readonly about: ObjectRef;
  readonly root: ObjectRef;
  readonly start: Micros;
  /** Last action, new state or end. */
  last: Micros;
  /** metadata.generation of the root that the change answers; 0 when not known. */
  generation: number;
  /** Objects made in it: still on their way, up, in trouble, or started again after a crash, which may be in vain. */
  made: Record<string, 'waiting' | 'up' | 'unready' | 'failing' | 'restarted'>;
  /** Names of objects deleted in it that nothing has replaced yet. */
  unreplaced: string[];
  deletes: number;
  /** The ReplicaSet that a rollout builds up, and the ones that it takes down. */
  newSet: string;
  oldSets: Record<string, number>;
  /** The old ReplicaSet whose scaling up, in the middle of a rollout, began this: a new size or a rollback, not yet told. */
  resized: string;
  /** Replicas of the new ReplicaSet, and how many the Deployment wanted when the change began; 0: not known. */
  newReplicas: number;
  wanted: number;
  /** A later edit has taken over: what is missing will not come. */
  superseded: boolean;
  /** Goes back to a ReplicaSet that was there before. */
  back: boolean;
  /** An `end` has closed the whole change. */
  closed: boolean;
  failed: string;
  /** A message of the first failure, whether or not it was overcome. */
  trouble: string;
  /** Expects an end that will surely be told (a job's condition). */
  expectsEnd: boolean;
  /** Stays open until then, however long nothing happens: the last incident of an object's day; 0: no such time. */
  openUntil: Micros;
  /** uid#n of what it continues. */
  continues: CausalLink | null;
}

/** One scaling of a ReplicaSet, and how many creations or deletions it still has to answer for. */
export interface Scaling {
  readonly occurrence: string;
  readonly change: string;
  readonly at: Micros;
  /** Empty when the message was lost to merging. */
  readonly set: string;
  readonly up: boolean;
  slots: number;
}

/** An object that went without its controller's doing, waiting for its replacement. */
export interface Disruption {
  readonly object: string;
  readonly name: string;
  readonly controller: string;
  readonly change: string;
  readonly at: Micros;
}

export interface Settled {
  readonly traceId: string;
  readonly rootSpanId: string;
  readonly start: Micros;
  readonly end: Micros;
  readonly settledAt: Micros;
}

export interface KnownSize {
  readonly replicas: number;
  /** When that was said. */
  readonly at: Micros;
}

export interface Context {
  readonly version: 1;
  /** Everything before this time is placed. */
  watermark: Micros;
  objects: Record<string, ObjectState>;
  /** Key of the object last seen under a kind, namespace and name. */
  names: Record<string, string>;
  /** When the object last seen under a kind, namespace and name was last deleted, as far as the change that did it has settled. */
  ended: Record<string, Micros>;
  /** Which pod an action made: one action makes one pod. */
  births: Record<string, string>;
  changes: Record<string, ChangeState>;
  scalings: Scaling[];
  /** To what size a ReplicaSet was scaled last, by its name. */
  setSizes: Record<string, KnownSize>;
  /** How many replicas a Deployment was last known to want, by its name. */
  deploymentSizes: Record<string, KnownSize>;
  disruptions: Disruption[];
  /** Change id -> its trace, for links. */
  settled: Record<string, Settled>;
  /** The highest occurrence of each Event that has its place. */
  highest: Record<string, { readonly n: number; readonly at: Micros }>;
  /** Occurrences told: id -> time. */
  ledger: Record<string, Micros>;
}

/** Drops what is from before that time, and the oldest beyond the bound. */
export function dropOldest<T>(record: Record<string, T>, timeOf: (value: T) => Micros, before: Micros, most: number): void {
  let count = 0;
  for (const key in record) {
    const value = record[key];
    if (value !== undefined && timeOf(value) < before) delete record[key];
    else count += 1;
  }
  if (count <= most) return;
  const oldest = Object.entries(record).sort(([, a], [, b]) => timeOf(a) - timeOf(b));
  for (const [key] of oldest.slice(0, count - most)) delete record[key];
}

/** Where an occurrence belongs. */
export interface Placement {
  readonly change: string;
  /** Occurrence that is its parent; empty: the root of the change. */
  readonly parent: string;
  /** Not empty: the occurrence is told as a span event on that occurrence's span (`root`: on the root span). */
  readonly on: string;
  readonly rule: string;
  readonly evidence: string;
  readonly confidence: '' | 'time' | 'structure';
  /** When the span is the phase from its cause to it (schedule). */
  readonly from: Micros | null;
  readonly late: boolean;
  /** Its object was being deleted: what goes wrong with it then is no trouble of the change. */
  readonly terminating: boolean;
  /** Its parent names its object. */
  readonly named: boolean;
  /** How many occurrences of the Event between the one told before and this one were never observed. */
  readonly unobserved: number;
}

export interface Placed {
  readonly occurrence: Occurrence;
  readonly place: Placement;
}

/** What is not decided yet. */
export interface PendingState {
  readonly placed: readonly Placed[];
  readonly waiting: readonly Routed[];
}

export const emptyKeep: PendingState = { placed: [], waiting: [] };

export function emptyContext(): Context {
  return {
    version: 1,
    watermark: 0,
    objects: {},
    names: {},
    ended: {},
    births: {},
    changes: {},
    scalings: [],
    setSizes: {},
    deploymentSizes: {},
    disruptions: [],
    settled: {},
    highest: {},
    ledger: {},
  };
}
