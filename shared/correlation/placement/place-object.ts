/**
 * The life of one object: its steps (scheduled, pulling, started), its states and troubles, its end. Parents come, in this order,
 * from the event that names the object, from what its owner was doing, from the object's own first sign of life.
 */
import type { CausalLink, ChangeState, ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { causeMayTrail, day, effectMayTrail, incidentsPerDay, minute } from '../settling-times.ts';
import { failing, madeKey, started } from './child-status.ts';
import { firstAttempt, firstSign, type Origin } from './creation-failure.ts';
import { disruptionOf, forgetMade } from './disruption.ts';
import { type DomainPass, ends, nameKey } from './domain-pass.ts';
import { placeDigest } from './orphan-digest.ts';
import { pairKey } from './phase-pairs.ts';
import { bindScaling } from './scaling.ts';

/** A step or state of an object. */
export function placeLife(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const { meaning } = one.routed;
  const dying = meaning.class === 'state' && !meaning.remark ? dyingChange(walk, one, object) : null;
  if (dying && object.death) {
    walk.assign(one, {
      change: dying,
      parent: object.death.occurrence,
      rule: 'object.stopping',
      evidence: object.death.occurrence,
      terminating: true,
    });
    return remember(walk, one, object, dying);
  }
  const origin = originOf(walk, one, object);
  if (!origin) return placeWithoutOrigin(walk, one, object);
  if (meaning.remark) {
    walk.assign(one, {
      change: origin.change,
      on: origin.parent === '' ? 'root' : origin.parent,
      rule: origin.rule,
      evidence: origin.evidence,
      counts: !object.troubled,
    });
    return;
  }
  const phase = meaning.phase === 'schedule' && object.birth && object.birth.by === 'name' ? { from: object.birth.at } : {};
  walk.assign(one, { ...origin, ...phase, counts: !(object.troubled && one.n > 1) });
  remember(walk, one, object, origin.change);
  // What created the container may have been lost.
  if (meaning.phase === 'container' && meaning.class === 'end') started(walk, one, object, origin.change);
  if (meaning.phase === 'schedule') {
    object.troubled = false;
    if (object.birth?.by !== 'name') object.anchor = walk.bond(one, origin.change, 'self');
    const key = madeKey(object.ref);
    if (origin.change.made[key] === 'failing' || !(key in origin.change.made)) origin.change.made[key] = 'waiting';
  }
}

/** Trouble: belongs to the object's change while that is not settled, to an incident of the object afterwards. */
export function placeFailure(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const { observation, meaning } = one.routed;
  const dying = dyingChange(walk, one, object);
  const cause = object.death;
  if (dying && cause) {
    walk.assign(one, { change: dying, parent: cause.occurrence, rule: 'object.stopping', evidence: cause.occurrence, terminating: true });
    return remember(walk, one, object, dying);
  }
  const origin =
    originOf(walk, one, object) ?? firstAttempt(walk, one, object) ?? firstSign(walk, one, object) ?? incidentOf(walk, one, object);
  walk.assign(one, origin);
  remember(walk, one, object, origin.change);
  const unready = meaning.probe;
  if (unready) object.unhealthy = walk.bond(one, origin.change, 'self');
  failing(walk, object, origin.change, observation.message, unready);
  if (meaning.fails) origin.change.failed = observation.message;
}

/** A container ends with its pod: what deletes the pod is the cause. */
export function placeStop(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const bound = walk.open(object.death?.change);
  if (bound && object.death) {
    const parent = object.death.by === 'self' ? '' : object.death.occurrence;
    return walk.assign(one, { change: bound, parent, rule: 'object.stopping', evidence: object.death.occurrence, terminating: true });
  }
  const named = namedDeletion(walk, one, object);
  if (named) return end(walk, one, object, named.change, named.occurrence, 'named.delete', 'name');
  const scaling = bindScaling(walk, one, ownerName(one), false);
  if (scaling && one.at - scaling.at < effectMayTrail) {
    const change = walk.open(scaling.change);
    if (change) return end(walk, one, object, change, scaling.occurrence, 'owner.scale-down', 'structure');
  }
  walk.note(one, 'deletion by the controller', 'no event names this pod and its owner was not scaling down');
  const change = disruptionOf(walk, one, object);
  walk.assign(one, { change, rule: 'object.deleted', evidence: `${one.id}: deleted, not by its controller` });
  object.death = walk.bond(one, change, 'self');
}

function end(
  walk: DomainPass,
  one: Occurrence,
  object: ObjectState,
  change: ChangeState,
  parent: string,
  rule: string,
  by: CausalLink['by'],
): void {
  walk.assign(one, { change, parent, rule, evidence: parent, named: by === 'name', ...(by === 'structure' ? { confidence: by } : {}) });
  object.death = { occurrence: parent, change: change.id, at: one.at, by };
  forgetMade(walk, object);
}

/** A container is stopped to be started again, mostly by a probe. */
export function placeRestart(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const unhealthy = object.unhealthy;
  const change = walk.open(unhealthy?.change);
  if (unhealthy && change) {
    walk.assign(one, {
      change,
      parent: unhealthy.occurrence,
      rule: 'probe.restart',
      evidence: unhealthy.occurrence,
      counts: change.kind === 'incident' || one.n === 1,
    });
    return;
  }
  const origin = originOf(walk, one, object) ?? incidentOf(walk, one, object);
  walk.assign(one, origin);
}

/** The deletion that names the pod: not later than a second after, not one that ended an earlier pod of that name. */
export function namedDeletion(walk: DomainPass, one: Occurrence, object: ObjectState): { change: ChangeState; occurrence: string } | null {
  const since = Math.max(object.firstSeen - causeMayTrail, one.at - 5 * minute);
  for (const action of walk.actionsOn(nameKey(object.ref), since, one.at)) {
    if (!ends.includes(action.routed.meaning.verb)) continue;
    const place = walk.place(action);
    const change = walk.open(place?.change);
    if (change) return { change, occurrence: action.id };
  }
  return null;
}

function dyingChange(walk: DomainPass, one: Occurrence, object: ObjectState): ChangeState | null {
  if (!object.death || one.at < object.death.at - causeMayTrail) return null;
  return walk.open(object.death.change);
}

/** What the object's steps hang on, while its change is not settled. */
export function originOf(walk: DomainPass, one: Occurrence, object: ObjectState): Origin | null {
  const lapsed = object.ref.kind !== 'Pod' && object.birth !== null && walk.open(object.birth.change) === null;
  if ((!object.birth && !object.anchor) || lapsed) bindBirth(walk, one, object);
  const { birth, anchor } = object;
  const bond = anchor ?? birth;
  const change = walk.open(bond?.change);
  if (!bond || !change) return null;
  if (anchor) return { change, parent: anchor.occurrence, rule: 'object.first-sign', evidence: anchor.occurrence };
  if (bond.by === 'structure')
    return { change, parent: bond.occurrence, rule: 'owner.scale-up', evidence: bond.occurrence, confidence: 'structure' };
  return { change, parent: bond.occurrence, rule: 'named.create', evidence: bond.occurrence };
}

/** Finds the action that made the object: by name, else by what its owner was doing. */
export function bindBirth(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const name = nameKey(object.ref);
  const ended = walk.context.ended[name] ?? 0;
  for (const action of walk.actionsOn(name, ended, one.at)) {
    if (ends.includes(action.routed.meaning.verb)) {
      if (action.at < one.at - causeMayTrail) break;
      continue;
    }
    if (boundElsewhere(walk, action, object)) {
      walk.note(one, action.id, 'made an earlier object of this name');
      break;
    }
    const place = walk.place(action);
    const change = walk.open(place?.change);
    if (!change) continue;
    object.birth = walk.bond(action, change, 'name');
    if (object.ref.kind === 'Pod') walk.context.births[action.id] = keyOf(object.ref);
    if (!(madeKey(object.ref) in change.made) && object.ref.kind === 'Pod') change.made[madeKey(object.ref)] = 'waiting';
    return;
  }
  if (object.ref.kind !== 'Pod') return bindToOwner(walk, one, object);
  const scaling = bindScaling(walk, one, ownerName(one), true);
  const change = walk.open(scaling?.change);
  if (scaling && change) {
    object.birth = { occurrence: scaling.occurrence, change: change.id, at: scaling.at, by: 'structure' };
    change.made[madeKey(object.ref)] = 'waiting';
  } else bindToOwner(walk, one, object);
}

/** The latest open birth up the owner chain (a Deployment that a Revision made, a pod of a Job that a CronJob made). */
function bindToOwner(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  for (const ref of one.routed.chain.slice(1)) {
    const owner = walk.object(ref, undefined, one.at);
    if (!owner.birth && ref.kind !== 'Pod') bindByName(walk, one, owner);
    if (owner.birth && walk.open(owner.birth.change)) {
      object.birth = { ...owner.birth, by: 'structure' };
      return;
    }
  }
}

function bindByName(walk: DomainPass, one: Occurrence, owner: ObjectState): void {
  for (const action of walk.actionsOn(nameKey(owner.ref), 0, one.at)) {
    if (action.routed.meaning.verb !== 'create' && action.routed.meaning.verb !== 'update') continue;
    const change = walk.open(walk.place(action)?.change);
    if (change) {
      owner.birth = walk.bond(action, change, 'name');
      return;
    }
  }
}

function boundElsewhere(walk: DomainPass, action: Occurrence, object: ObjectState): boolean {
  if (object.ref.kind !== 'Pod') return false;
  const bound = walk.context.births[action.id];
  return bound !== undefined && bound !== keyOf(object.ref);
}

export function ownerName(one: Occurrence): string {
  const owner = one.routed.chain[1];
  return owner?.kind === 'ReplicaSet' ? owner.name : '';
}

/** Kinds whose first state is told when they are made. */
const creatures: readonly string[] = ['Pod', 'PersistentVolumeClaim'];

/** First signs of life that nothing caused begin a change; other states go to what is open, or to the digest. */
function placeWithoutOrigin(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const { meaning, chain } = one.routed;
  const incident = walk.open(object.incident);
  const settled = object.birth ?? object.anchor;
  if (incident) {
    if (meaning.remark) walk.assign(one, { change: incident, on: 'root', rule: 'incident', evidence: object.incident });
    else walk.assign(one, { change: incident, rule: 'incident', evidence: object.incident });
    return remember(walk, one, object, incident);
  }
  const step = meaning.firstSign || meaning.class === 'start' || meaning.class === 'end';
  if (settled && step && object.ref.kind === 'Pod') {
    const origin = incidentOf(walk, one, object);
    walk.assign(one, meaning.remark ? { ...origin, on: 'root' } : origin);
    return remember(walk, one, object, origin.change);
  }
  const open = walk.openChanges().at(-1);
  const claimed = one.routed.owners < chain.length;
  if (open && (chain.length === 1 || step || claimed)) {
    walk.assign(one, {
      change: open,
      rule: 'domain.open-change',
      evidence: open.id,
      confidence: 'time',
      counts: meaning.class !== 'state',
    });
    if (step && object.ref.kind === 'Pod') object.anchor = walk.bond(one, open, 'self');
    return remember(walk, one, object, open);
  }
  if (!step) return placeDigest(walk, one, 'orphan.state');
  const change = walk.begin(one, meaning.class === 'state' && !creatures.includes(object.ref.kind) ? 'update' : 'create', chain.at(-1));
  walk.assign(one, { change, rule: 'object.first-sign', evidence: one.id });
  object.anchor = walk.bond(one, change, 'self');
  if (object.ref.kind === 'Pod') change.made[madeKey(object.ref)] = 'waiting';
  remember(walk, one, object, change);
}

/** The pod of that name is gone before it was up: nothing of it is waited for any more. */
export function forgetNamed(walk: DomainPass, kind: string, name: string): void {
  for (const change of Object.values(walk.context.changes)) {
    const key = `${kind}/${name}`;
    if (kind === 'Pod' && change.made[key] === 'failing' && change.failed === '') change.failed = change.trouble;
    delete change.made[key];
  }
}

/** Notes what later occurrences refer to: the pair that this one opens, the series that it begins. */
export function remember(walk: DomainPass, one: Occurrence, object: ObjectState, change: ChangeState): void {
  const { meaning, observation } = one.routed;
  const pair = meaning.class === 'start' ? meaning.pairs[0] : undefined;
  if (pair !== undefined) object.open[pairKey(one, pair)] = walk.bond(one, change, 'self');
  if (meaning.class === 'state' || meaning.class === 'failure') object.series[`event/${observation.uid}`] = walk.bond(one, change, 'self');
}

/** The object's open incident, or a new one. */
export function incidentOf(walk: DomainPass, one: Occurrence, object: ObjectState): Origin {
  const open = walk.open(object.incident);
  if (open) return { change: open, parent: '', rule: 'incident', evidence: object.incident };
  const today = Math.floor(one.at / day);
  object.incidentCount = today === object.incidentDay ? object.incidentCount + 1 : 1;
  object.incidentDay = today;
  const openUntil = object.incidentCount < incidentsPerDay ? 0 : (today + 1) * day;
  const continues =
    object.incident !== ''
      ? { occurrence: object.incident, change: object.incident, at: one.at, by: 'self' as const }
      : (object.birth ?? object.anchor);
  const change = walk.begin(one, 'incident', object.ref, { openUntil, continues });
  object.incident = change.id;
  return { change, parent: '', rule: 'incident', evidence: `${one.id}: trouble after the change had settled` };
}
