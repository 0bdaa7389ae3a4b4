/** Which scaling of a ReplicaSet a pod's coming or going answers: each accounts for as many pods as it adds or takes away. */
import type { Micros } from '../../events/observation.ts';
import type { Scaling } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { causeMayTrail, effectMayTrail } from '../settling-times.ts';
import type { DomainPass } from './domain-pass.ts';
import { involvedOf } from './occurrence-index.ts';

/** The ReplicaSet that owns the pod; empty: none does. */
export function ownerSet(one: Occurrence): string {
  const owner = one.routed.chain[1];
  return owner?.kind === 'ReplicaSet' ? owner.name : '';
}

/**
 * The latest scaling of the ReplicaSet that still has pods to account for, else one that was recorded up to a second later; one pod less
 * for it to account for.
 */
export function takeScaling(pass: DomainPass, one: Occurrence, set: string, up: boolean): Scaling | null {
  if (set === '') return null;
  let scaling = freeScaling(pass, one, set, up);
  for (const action of scaling ? [] : trailing(pass, one, set, up)) {
    scaling = usable(pass, set, up).find(({ occurrence }) => occurrence === action.id) ?? null;
    if (scaling) break;
  }
  if (scaling) scaling.slots -= 1;
  return scaling;
}

/**
 * What `takeScaling` looks at: it needs a place first. Scalings build upon one another, so all of the workload up to that time get their
 * places, in their order.
 */
export function scalingsToPlace(pass: DomainPass, one: Occurrence, set: string, up: boolean): Occurrence[] {
  if (set === '') return [];
  const before = placeable(pass, one, one.at);
  if (before.length > 0 || freeScaling(pass, one, set, up)) return before;
  for (const action of trailing(pass, one, set, up)) {
    const until = placeable(pass, one, action.at);
    if (until.length > 0 || usable(pass, set, up).some(({ occurrence }) => occurrence === action.id)) return until;
  }
  return [];
}

/** The scalings of the ReplicaSet, and those of which the message was lost, in open changes. */
function usable(pass: DomainPass, set: string, up: boolean): Scaling[] {
  return pass.context.scalings.filter((scaling) => scaling.set === '' || (scaling.set === set && scaling.up === up));
}

/** The latest one first; of several whose times are the same, since they are cut to the second, the one that came first. */
function freeScaling(pass: DomainPass, one: Occurrence, set: string, up: boolean): Scaling | null {
  let best: Scaling | null = null;
  for (const scaling of usable(pass, set, up)) {
    if (scaling.at > one.at || scaling.slots <= 0 || (!up && one.at - scaling.at >= effectMayTrail)) continue;
    if (best === null || scaling.at > best.at) best = scaling;
  }
  return best;
}

/** Scalings of the ReplicaSet that were recorded after the pod's Event, up to what may trail. */
function trailing(pass: DomainPass, one: Occurrence, set: string, up: boolean): Occurrence[] {
  const ref = { kind: 'ReplicaSet', namespace: involvedOf(one).namespace, name: set };
  const actions = pass.index.actionsOn(ref, one.at, one.at).reverse();
  const verb = up ? 'scale-up' : 'scale-down';
  return actions.filter(
    (action) => action.routed.meaning.verb === verb && !(one.routed.meaning.verb === 'stop' && replacedBefore(pass, one, set, action.at)),
  );
}

/** A ReplicaSet that makes a pod which no scaling asked for replaces one: what stopped went before it was scaled down. */
function replacedBefore(pass: DomainPass, one: Occurrence, set: string, until: Micros): boolean {
  const owner = one.routed.chain[1];
  if (!owner) return false;
  const asked = pass.context.scalings.filter((scaling) => scaling.up && (scaling.set === set || scaling.set === ''));
  const slots = asked.reduce((sum, scaling) => sum + Math.max(0, scaling.slots), 0);
  const creations = pass.index
    .actionsBy(keyOf(owner), one.at - causeMayTrail, until)
    .filter((action) => action.routed.meaning.verb === 'create' && pass.placeOf(action.id) === null);
  return creations.length > slots;
}

function placeable(pass: DomainPass, one: Occurrence, until: Micros): Occurrence[] {
  const { chain, owners } = one.routed;
  const workload = chain.slice(0, owners)[chain.findIndex(({ kind }) => kind === 'ReplicaSet') + 1];
  if (!workload) return [];
  return pass.index
    .actionsBy(keyOf(workload), one.at - causeMayTrail, until)
    .filter((action) => isScaling(action) && pass.isPlaceable(action));
}

export function isScaling({ routed: { meaning } }: Occurrence): boolean {
  return meaning.verb === 'scale-up' || meaning.verb === 'scale-down';
}
