/**
 * The state of a domain between two calls of `correlate`: plain data, serialisable as JSON, bounded. Undecided occurrences are kept beside it
 * (`PendingState`), each with its placement, until their change settles.
 */
import type { Micros, ObjectRef } from '../events/observation.ts';
import type { CausalLink, ChangeState } from './change.ts';
import type { Occurrence, Routed } from './occurrence.ts';
import { rememberFor } from './settling-times.ts';

/** Max remembered objects per domain; the least recently seen are dropped. */
export const objectsRemembered = 20_000;
/** Max remembered emitted occurrences per domain (about 60 bytes each). */
export const ledgerRemembered = 200_000;

export interface ObjectState {
  readonly ref: ObjectRef;
  /** Key of the controller owner; empty for the root. */
  readonly owner: string;
  readonly firstSeen: Micros;
  lastSeen: Micros;
  creation: CausalLink | null;
  deletion: CausalLink | null;
  /** Parent of the object's own steps if no Event names it: its Scheduled, or its first Event. */
  firstSign: CausalLink | null;
  /** Open pairs: `pair|container` -> the opening occurrence. */
  readonly open: Record<string, CausalLink>;
  /** Its last closed pair. */
  ended: CausalLink | null;
  /** Series by Event uid: the occurrence that began it in the change. */
  readonly series: Record<string, CausalLink>;
  /** The last failure of a probe. */
  unhealthy: CausalLink | null;
  /** The incident that the object's trouble belongs to after its own change has settled. */
  incident: string;
  /** Incidents started on that day (UTC, days since the epoch). */
  incidentDay: number;
  incidentCount: number;
  troubled: boolean;
}

/** One scaling of a ReplicaSet, and the number of creations or deletions still attributed to it. */
export interface Scaling {
  readonly occurrence: string;
  readonly change: string;
  readonly at: Micros;
  /** Empty if the message was lost to merging. */
  readonly set: string;
  readonly up: boolean;
  slots: number;
}

/** An object deleted by someone other than its controller, until its replacement exists. */
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

export interface KnownSet extends KnownSize {
  /** Key of the workload that scales it. */
  readonly workload: string;
}

export interface Context {
  readonly version: 1;
  /** Everything before this time is placed. */
  watermark: Micros;
  readonly objects: Record<string, ObjectState>;
  /** Key of the object last seen under a kind, namespace and name. */
  readonly names: Record<string, string>;
  /** When the object last seen under a kind, namespace and name was last deleted, as far as the change that did it has settled. */
  readonly ended: Record<string, Micros>;
  /** Which pod an action made: one action makes one pod. */
  readonly podsMade: Record<string, string>;
  readonly changes: Record<string, ChangeState>;
  scalings: Scaling[];
  /** Last size of a ReplicaSet, by name. */
  readonly setSizes: Record<string, KnownSet>;
  /** How many replicas a Deployment was last known to want, by its name. */
  readonly deploymentSizes: Record<string, KnownSize>;
  disruptions: Disruption[];
  /** Change id -> its trace, for links. */
  readonly settled: Record<string, Settled>;
  /** The highest placed occurrence of each Event. */
  readonly highest: Record<string, { readonly n: number; readonly at: Micros }>;
  /** Emitted occurrences: id -> time. */
  readonly ledger: Record<string, Micros>;
}

export function emptyContext(): Context {
  return {
    version: 1,
    watermark: 0,
    objects: {},
    names: {},
    ended: {},
    podsMade: {},
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

/** A writable copy; immutable parts are shared with the original. */
export function copyOf(context: Context): Context {
  const objects: Context['objects'] = {};
  for (const key in context.objects) {
    const object = context.objects[key];
    if (object) objects[key] = { ...object, open: { ...object.open }, series: { ...object.series } };
  }
  return {
    ...context,
    objects,
    names: { ...context.names },
    ended: { ...context.ended },
    podsMade: { ...context.podsMade },
    changes: structuredClone(context.changes),
    scalings: context.scalings.map((scaling) => ({ ...scaling })),
    setSizes: { ...context.setSizes },
    deploymentSizes: { ...context.deploymentSizes },
    disruptions: [...context.disruptions],
    settled: { ...context.settled },
    highest: { ...context.highest },
    ledger: { ...context.ledger },
  };
}

/** Drops entries older than any Event, dangling references, and the oldest beyond the bounds. */
export function forgetOld(context: Context): void {
  const before = context.watermark - rememberFor;
  dropOldest(context.ledger, (at) => at, before, ledgerRemembered);
  dropOldest(context.highest, (one) => one.at, before, ledgerRemembered);
  dropOldest(context.objects, (object) => object.lastSeen, before, objectsRemembered);
  dropOldest(context.ended, (at) => at, before, objectsRemembered);
  dropOldest(context.settled, (one) => one.end, before, objectsRemembered);
  for (const key in context.objects) {
    const object = context.objects[key];
    if (!object) continue;
    dropSettled(object.open, context);
    dropSettled(object.series, context);
  }
  for (const name in context.names) if (!((context.names[name] ?? '') in context.objects)) delete context.names[name];
  for (const action in context.podsMade) if (!((context.podsMade[action] ?? '') in context.objects)) delete context.podsMade[action];
}

/** Nothing ends or repeats any more what a settled change has begun. */
function dropSettled(links: Record<string, CausalLink>, context: Context): void {
  for (const key in links) if (!((links[key]?.change ?? '') in context.changes)) delete links[key];
}

/** Drops entries from before that time, and the oldest beyond the bound. */
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

/** The placement of an occurrence. */
export interface Placement {
  readonly change: string;
  /** Its parent occurrence; empty: the root of the change. */
  readonly parent: string;
  /** Not empty: the occurrence is a span event of that occurrence's span (`root`: of the root span). */
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
  /** Number of unobserved occurrences of the Event between this one and the previous one. */
  readonly unobserved: number;
}

export interface Placed {
  readonly occurrence: Occurrence;
  readonly place: Placement;
}

/** Undecided occurrences and open changes. */
export interface PendingState {
  readonly placed: readonly Placed[];
  readonly waiting: readonly Routed[];
}

export const emptyKeep: PendingState = { placed: [], waiting: [] };
