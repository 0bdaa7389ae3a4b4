/**
 * The creation of an object: the action that names it, else its owner's action, else the owner's creation. Its steps and trouble have that as
 * parent while its change is open.
 */
import type { ObjectRef } from '../../events/observation.ts';
import type { CausalLink, TrackedChange } from '../change.ts';
import type { ObjectState, Placement } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { causeMayTrail } from '../settling-times.ts';
import { childKey } from './children.ts';
import { type DomainPass, linkTo } from './domain-pass.ts';
import { endings, nameKey, verbOn } from './occurrence-index.ts';
import { unnamedOrders } from './orders.ts';
import { changeOfRevision } from './revision.ts';
import { ownerSet, scalingsToPlace, takeScaling } from './scaling-slots.ts';

/** A change and a parent in it; an empty parent is its root. */
export interface Origin {
  readonly change: TrackedChange;
  readonly parent: string;
  readonly rule: string;
  readonly evidence: string;
  readonly confidence?: Placement['confidence'];
}

/** The parent of the object's steps, while its change is open. */
export function originOf(pass: DomainPass, one: Occurrence, object: ObjectState): Origin | null {
  const same = changeOfRevision(pass, one);
  if (same) return { change: same, parent: '', rule: 'revision.same', evidence: `revision ${same.revision}` };
  for (const order of newOrders(pass, one, object)) {
    const change = pass.trackedChangeOf(order);
    if (!change) continue;
    object.creation = linkTo(order, change, 'name');
    object.firstSign = null;
    break;
  }
  if (wantsCreation(pass, object)) findCreation(pass, one, object);
  const link = openLink(pass, object);
  const change = pass.tracked(link?.change);
  if (!link || !change) return null;
  const { occurrence } = link;
  if (link === object.firstSign) return { change, parent: occurrence, rule: 'object.first-sign', evidence: occurrence || change.id };
  if (link.by === 'structure') return { change, parent: occurrence, rule: 'owner.scale-up', evidence: occurrence, confidence: 'structure' };
  return { change, parent: occurrence, rule: 'named.create', evidence: occurrence };
}

/** What `originOf` looks at: it needs a place first. */
export function originsToPlace(pass: DomainPass, one: Occurrence, object: ObjectState): Occurrence[] {
  const orders = newOrders(pass, one, object);
  return orders.length === 0 && wantsCreation(pass, object) ? creationsToPlace(pass, one, object.ref) : orders;
}

/** The object's first sign, or its creation, if that change is open. */
export function openLink(pass: DomainPass, { creation, firstSign }: ObjectState): CausalLink | null {
  if (firstSign && pass.tracked(firstSign.change)) return firstSign;
  return creation && pass.tracked(creation.change) ? creation : null;
}

/** Creations and updates of the object since its current parent, latest first. */
function newOrders(pass: DomainPass, one: Occurrence, { ref, creation, firstSign }: ObjectState): Occurrence[] {
  const link = firstSign ?? creation;
  if (!link || ref.kind === 'Pod') return [];
  return pass.index.ordersOf(ref, link.at + 1, one.at).filter((order) => order.id !== link.occurrence);
}

/** Pods are made once; what another Event may make or change again asks anew once the change that did so has settled. */
function wantsCreation(pass: DomainPass, object: ObjectState): boolean {
  if (object.ref.kind === 'Pod') return !object.creation && !object.firstSign;
  return openLink(pass, object) === null;
}

/** Finds the action that created the object: by name, else by its owner's actions. */
export function findCreation(pass: DomainPass, one: Occurrence, object: ObjectState): void {
  const isPod = object.ref.kind === 'Pod';
  for (const action of creatorsOf(pass, one, object.ref)) {
    const change = pass.trackedChangeOf(action);
    if (!change) continue;
    object.creation = linkTo(action, change, 'name');
    if (!isPod) return;
    pass.context.podsMade[action.id] = keyOf(object.ref);
    const key = childKey(object.ref);
    if (!(key in change.made)) change.made[key] = 'waiting';
    return;
  }
  const scaling = isPod ? takeScaling(pass, one, ownerSet(one), true) : null;
  const change = pass.tracked(scaling?.change);
  if (!scaling || !change) return findOwnersCreation(pass, one, object);
  object.creation = { occurrence: scaling.occurrence, change: change.id, at: scaling.at, by: 'structure' };
  change.made[childKey(object.ref)] = 'waiting';
}

/** What `findCreation` looks at: it needs a place first. */
export function creationsToPlace(pass: DomainPass, one: Occurrence, ref: ObjectRef): Occurrence[] {
  const [creator] = creatorsOf(pass, one, ref);
  if (creator) return [creator];
  if (ref.kind === 'Pod') {
    const scalings = scalingsToPlace(pass, one, ownerSet(one), true);
    if (scalings.length > 0) return scalings;
  }
  return ownersToPlace(pass, one);
}

/** Actions that may have created the object, latest first, back to the deletion of an earlier one of its name. */
function creatorsOf(pass: DomainPass, one: Occurrence, ref: ObjectRef): Occurrence[] {
  const { ended, podsMade } = pass.context;
  const creators: Occurrence[] = [];
  for (const action of pass.index.actionsOn(ref, ended[nameKey(ref)] ?? 0, one.at)) {
    if (endings.includes(verbOn(action, ref))) {
      if (action.at < one.at - causeMayTrail) break;
      continue;
    }
    const pod = ref.kind === 'Pod' ? podsMade[action.id] : undefined;
    if (pod !== undefined && pod !== keyOf(ref)) {
      pass.reject(one, action.id, 'made an earlier object of this name');
      break;
    }
    creators.push(action);
  }
  return creators;
}

/** The latest open creation up the owner chain (a Deployment created by a Revision, a pod of a Job created by a CronJob). */
function findOwnersCreation(pass: DomainPass, one: Occurrence, object: ObjectState): void {
  for (const action of unnamedOrders(pass, one)) {
    const change = pass.trackedChangeOf(action);
    if (!change) continue;
    object.creation = linkTo(action, change, 'structure');
    return;
  }
  for (const ref of one.routed.chain.slice(1)) {
    const owner = pass.object(ref, undefined, one.at);
    if (!owner.creation && ref.kind !== 'Pod') owner.creation = orderOf(pass, one, ref);
    if (owner.creation && pass.change(owner.creation.change)) {
      object.creation = { ...owner.creation, by: 'structure' };
      return;
    }
  }
}

function ownersToPlace(pass: DomainPass, one: Occurrence): Occurrence[] {
  const [unnamed] = unnamedOrders(pass, one);
  if (unnamed) return [unnamed];
  for (const ref of one.routed.chain.slice(1)) {
    const creation = pass.known(ref, one.at)?.creation;
    if (creation && pass.change(creation.change)) break;
    const [order] = creation || ref.kind === 'Pod' ? [] : pass.index.ordersOf(ref, 0, one.at);
    if (order) return [order];
  }
  return [];
}

/** The last action that created or changed the owner. */
function orderOf(pass: DomainPass, one: Occurrence, owner: ObjectRef): CausalLink | null {
  for (const action of pass.index.ordersOf(owner, 0, one.at)) {
    const change = pass.trackedChangeOf(action);
    if (change) return linkTo(action, change, 'name');
  }
  return null;
}
