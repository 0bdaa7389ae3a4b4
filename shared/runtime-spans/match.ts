/** Finds the span of a trace under which a unit belongs: by the placement table, else by the life of its pod. */
import type { Micros } from '../events/observation.ts';
import { eventKey } from './classify.ts';
import { deletedBefore, type Facts, isPodDeletion, podOf } from './facts.ts';
import { deletionWindow, editedChanges, endings, type Placement, placements, podWindow } from './placements.ts';
import { objectKey } from './request.ts';
import type { Anchor, TraceOutline } from './trace-outline.ts';
import type { CallUnit, RequestUnit, RunUnit, Unit } from './units.ts';

export interface Target {
  readonly outline: TraceOutline;
  /** Of the outline, by index. */
  readonly span: number;
  /** Whose clock tells the time of the Event relied on. */
  readonly instance: string;
  readonly rule: string;
  readonly phase: string;
  /** The Event relied on, `<uid>#<n>`. */
  readonly evidence: string;
  /** Lower is surer; then nearer. */
  readonly rank: number;
  readonly distance: Micros;
}

/** An outline with its anchors by what they name. */
export class IndexedOutline {
  readonly outline: TraceOutline;
  readonly end: Micros;
  readonly start: Micros;
  readonly #byEvent: ReadonlyMap<string, readonly Anchor[]>;
  readonly #bySubject: ReadonlyMap<string, readonly Anchor[]>;
  readonly #byObject: ReadonlyMap<string, readonly Anchor[]>;
  readonly #byUid: ReadonlyMap<string, readonly Anchor[]>;

  constructor(outline: TraceOutline) {
    const anchors = [...outline.anchors].sort((a, b) => a.at - b.at || (a.event < b.event ? -1 : a.event > b.event ? 1 : a.n - b.n));
    this.outline = outline;
    this.start = outline.spans.reduce((start, span) => Math.min(start, span.start), Number.POSITIVE_INFINITY);
    this.end = outline.spans.reduce((end, span) => Math.max(end, span.end), 0);
    this.#byEvent = Map.groupBy(anchors, ({ event }) => event);
    this.#bySubject = Map.groupBy(anchors, ({ subject }) => subject);
    this.#byObject = Map.groupBy(anchors, ({ object }) => object);
    this.#byUid = Map.groupBy(anchors, ({ objectUid }) => objectUid);
  }

  ofEvent(key: string): readonly Anchor[] {
    return this.#byEvent.get(key) ?? [];
  }

  actionsOn(object: string): readonly Anchor[] {
    return this.#bySubject.get(object) ?? [];
  }

  about(object: string): readonly Anchor[] {
    return this.#byObject.get(object) ?? [];
  }

  ofUid(uid: string): readonly Anchor[] {
    return uid === '' ? [] : (this.#byUid.get(uid) ?? []);
  }

  spanEnd(index: number): Micros {
    return this.outline.spans[index]?.end ?? 0;
  }
}

/** The rows after the table: a pod's own, then the object's. */
const podRank = placements.length;

export function targetOf(unit: Unit, outline: IndexedOutline, facts: Facts): Target | null {
  return byTable(unit, outline, facts) ?? byLife(unit, outline, facts);
}

export function byTable(unit: Unit, outline: IndexedOutline, facts: Facts): Target | null {
  for (const [rank, row] of placements.entries()) {
    if (!isFor(row, unit)) continue;
    let nearest: Anchor[] = [];
    let distance = Number.POSITIVE_INFINITY;
    for (const anchor of anchorsFor(row, unit, outline)) {
      const own = distanceOf(row, unit, anchor);
      if (own === null || own > distance) continue;
      nearest = own < distance ? [anchor] : [...nearest, anchor];
      distance = own;
    }
    const anchor = row.under === 'event' ? inTurn(unit, nearest, facts) : nearest[0];
    if (anchor !== undefined) return target(outline, anchor, row.rule, rank, distance, row.phase);
  }
  return null;
}

/** Several occurrences within one second: they were written in their order. */
function inTurn(unit: Unit, anchors: readonly Anchor[], facts: Facts): Anchor | undefined {
  const [first] = anchors;
  if (unit.kind !== 'request' || first === undefined || anchors.length === 1) return first;
  const writes = facts.repeated.get(eventKey(unit.namespace, unit.name)) ?? [];
  const turn = writes.filter((at) => at >= first.at && at < unit.start).length;
  return [...anchors].sort((a, b) => a.n - b.n)[Math.min(turn, anchors.length - 1)];
}

function isFor(row: Placement, unit: Unit): boolean {
  if (row.kind !== unit.kind) return false;
  if (unit.kind === 'call') return has(row.methods, unit.method) && (row.failed === undefined || row.failed === unit.failed);
  if (unit.kind !== 'request') return true;
  return has(row.verbs, unit.verb) && has(row.resources, unit.resource) && has(row.subresources, unit.subresource);
}

function anchorsFor(row: Placement, unit: Unit, outline: IndexedOutline): readonly Anchor[] {
  if (unit.kind === 'request') {
    const object = objectKey(unit.resource, unit.namespace, unit.name);
    if (row.under === 'event') return writtenBy(unit, outline);
    // A later repeat may be of a change that has not settled yet.
    if (row.under === 'repeat')
      return unit.start > outline.end + podWindow.slack ? [] : outline.ofEvent(eventKey(unit.namespace, unit.name));
    if (row.under === 'root') return isEditedRoot(outline, object) ? outline.about(object) : [];
    if (row.under === 'action') return outline.actionsOn(object).filter(({ verb }) => has(row.actions, verb));
    return outline.about(object).filter(({ reason }) => has(row.reasons, reason));
  }
  if (unit.kind === 'sync') return [];
  return outline.ofUid(unit.podUid).filter((anchor) => has(row.reasons, anchor.reason) && isSameContainer(unit, anchor));
}

function isSameContainer({ container, attempt }: CallUnit | RunUnit, anchor: Anchor): boolean {
  if (container !== '' && anchor.container !== '' && anchor.container !== container) return false;
  // The first start has the time of its own Event, all others that of a repeat.
  return attempt < 0 || anchor.n === 1 || attempt > 0;
}

function isEditedRoot({ outline }: IndexedOutline, object: string): boolean {
  const { change, root } = outline;
  return root === object && (editedChanges.includes(change) || (change === 'run' && root.startsWith('jobs/')));
}

/** The first write of an Event makes it, every other tells an occurrence more. */
function writtenBy({ verb, namespace, name }: RequestUnit, outline: IndexedOutline): readonly Anchor[] {
  const all = outline.ofEvent(eventKey(namespace, name));
  return all.filter(({ n }) => (n === 1) === (verb === 'create'));
}

/** How far the unit's end lies from the Event; null: too far. */
function distanceOf(row: Placement, unit: Unit, anchor: Anchor): Micros | null {
  const at = row.at === 'start' ? unit.start : unit.end;
  // An Event is written after it happened, whatever holds its writer up.
  if (row.under === 'event' || row.under === 'repeat') return anchor.at - row.before <= at ? gap(at, anchor) : null;
  const late = anchor.at - at;
  const early = at - (anchor.at + anchor.within);
  return late <= row.after && early <= row.before ? gap(at, anchor) : null;
}

function gap(at: Micros, { at: from, within }: Anchor): Micros {
  return at < from ? from - at : at > from + within ? at - from - within : 0;
}

/** Passes over a pod, writes and clean-up that no single Event tells of. */
function byLife(unit: Unit, outline: IndexedOutline, facts: Facts): Target | null {
  if (unit.kind === 'run') return null;
  if (unit.kind === 'request') {
    if (unit.resource !== 'pods') return unit.verb === 'delete' ? byDeletion(unit, outline) : byObject(unit, outline);
    return inPod(unit, objectKey('pods', unit.namespace, unit.name), '', outline, facts);
  }
  if (unit.podUid === '') return null;
  const named = unit.kind === 'sync' && unit.name !== '' ? podOf(unit) : facts.podNames.get(unit.podUid);
  return inPod(unit, named ?? outline.ofUid(unit.podUid)[0]?.object ?? '', unit.podUid, outline, facts);
}

function inPod(unit: Unit, pod: string, uid: string, outline: IndexedOutline, facts: Facts): Target | null {
  const isEnd = unit.kind === 'sync' && (unit.pass === 'terminating' || unit.pass === 'terminated');
  const asked = deletedBefore(facts, pod, unit.end);
  if (isEnd || isPodDeletion(unit))
    return atEnd(unit, pod, uid, outline) ?? (asked === null ? inLife(unit, pod, uid, outline, facts) : null);
  return asked === null ? inLife(unit, pod, uid, outline, facts) : atEnd(unit, pod, uid, outline);
}

/** Under what ended the pod: the action on it, else the last stop of one of its containers. */
function atEnd(unit: Unit, pod: string, uid: string, outline: IndexedOutline): Target | null {
  const { slack, grace, endRule } = podWindow;
  const isNear = ({ at, within }: Anchor) => at <= unit.end + slack && unit.start - at - within <= grace;
  const action = outline.actionsOn(pod).findLast((anchor) => endings.includes(anchor.verb) && isNear(anchor));
  const stops = uid === '' ? outline.about(pod) : outline.ofUid(uid);
  const stop = action ?? stops.findLast((anchor) => anchor.reason === 'Killing' && isNear(anchor));
  return stop === undefined ? null : target(outline, stop, endRule, podRank, gap(unit.start, stop));
}

/** Under its creation; where that is another trace's, under the last Event of the pod. */
function inLife(unit: Unit, pod: string, uid: string, outline: IndexedOutline, facts: Facts): Target | null {
  const { slack, tail, rule } = podWindow;
  const own = uid === '' ? outline.about(pod) : outline.ofUid(uid);
  const birth = outline.actionsOn(pod).findLast(({ verb, at }) => verb === 'create' && at <= unit.start + slack);
  const last = own.at(-1);
  const ends = Math.max(birth === undefined ? 0 : outline.spanEnd(birth.span), last === undefined ? 0 : last.at + last.within);
  if (unit.start > ends + tail) return null;
  const anchor = birth ?? own.findLast(({ at }) => at <= unit.start + slack);
  if (anchor === undefined || isNamesake(pod, anchor, unit, facts)) return null;
  return target(outline, anchor, rule, podRank, Math.max(0, unit.start - ends));
}

/** A pod of the same name was created since. */
function isNamesake(pod: string, { at, within }: Anchor, unit: Unit, facts: Facts): boolean {
  return facts.created.get(pod)?.some((born) => born > at + within + podWindow.slack && born <= unit.start) ?? false;
}

/** What a controller writes to an object that the change touches, right after an Event about it. */
function byObject({ resource, namespace, name, start }: RequestUnit, outline: IndexedOutline): Target | null {
  const object = objectKey(resource, namespace, name);
  if (object === outline.outline.root || start > outline.end) return null;
  const anchors = [...outline.about(object), ...outline.actionsOn(object)].filter(({ at }) => at <= start);
  const anchor = anchors.sort((a, b) => a.at - b.at).at(-1);
  return anchor === undefined ? null : target(outline, anchor, 'runtime.object', podRank + 1, gap(start, anchor));
}

/** What is deleted with all that it owns: no Event tells of it, the trace of the deletion begins right after. */
function byDeletion({ resource, namespace, name, end }: RequestUnit, indexed: IndexedOutline): Target | null {
  const { outline, start } = indexed;
  const { rule, before, after } = deletionWindow;
  const first = outline.anchors[0];
  if (outline.change !== 'delete' || outline.root !== objectKey(resource, namespace, name) || first === undefined) return null;
  if (start < end - before || start > end + after) return null;
  return { ...target(indexed, first, rule, podRank, Math.abs(start - end)), span: 0 };
}

function target({ outline }: IndexedOutline, anchor: Anchor, rule: string, rank: number, distance: Micros, phase = ''): Target {
  return { outline, span: anchor.span, instance: anchor.instance, rule, phase, evidence: `${anchor.uid}#${anchor.n}`, rank, distance };
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return list === undefined || list.includes(value);
}
