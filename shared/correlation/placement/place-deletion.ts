/** Pods that end: a container is stopped because its pod was deleted, or the pod is evicted. */
import type { CausalLink, ChangeState } from '../change.ts';
import type { ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { causeMayTrail, effectMayTrail, minute } from '../settling-times.ts';
import { countDeletion, forgetChild, forgetMade } from './children.ts';
import { creationsToPlace, findCreation } from './creation.ts';
import { disruptionOf, expectReplacement } from './disruption.ts';
import { type Assignment, type DomainPass, linkTo, type Placer } from './domain-pass.ts';
import { endings, verbOn } from './occurrence-index.ts';
import { ownerSet, scalingsToPlace, takeScaling } from './scaling-slots.ts';

export const stopPlacer: Placer = {
  causes: (pass, one, object) => {
    if (pass.change(object.deletion?.change)) return [];
    const [named] = deletionsNaming(pass, one, object);
    if (named) return [named];
    return [...scalingsToPlace(pass, one, ownerSet(one), false), ...ownersDeletions(pass, one).slice(0, 1)];
  },
  place: placeStop,
};

/** The cause is what deletes the pod: an action that names it, else a scale-down of its ReplicaSet, else someone without an Event. */
function placeStop(pass: DomainPass, one: Occurrence, object: ObjectState): void {
  const deleting = pass.change(object.deletion?.change);
  if (deleting && object.deletion && object.deletion.at <= one.at) {
    const { by, occurrence } = object.deletion;
    const parent = by === 'self' ? '' : occurrence;
    return pass.assign(one, { change: deleting, parent, rule: 'object.stopping', evidence: occurrence, terminating: true });
  }
  for (const action of deletionsNaming(pass, one, object)) {
    const change = pass.changeOf(action);
    if (change)
      return end(pass, one, object, { change, parent: action.id, rule: 'named.delete', evidence: action.id, named: true }, 'name');
  }
  const scaling = takeScaling(pass, one, ownerSet(one), false);
  const scaled = scaling && one.at - scaling.at < effectMayTrail ? pass.change(scaling.change) : null;
  if (scaling && scaled) {
    const { occurrence } = scaling;
    const assignment = { change: scaled, parent: occurrence, rule: 'owner.scale-down', evidence: occurrence } as const;
    return end(pass, one, object, { ...assignment, confidence: 'structure' }, 'structure');
  }
  for (const action of ownersDeletions(pass, one)) {
    const change = pass.changeOf(action);
    if (!change) continue;
    const assignment = { change, parent: action.id, rule: 'owner.delete', evidence: action.id } as const;
    return end(pass, one, object, { ...assignment, confidence: 'structure' }, 'structure');
  }
  pass.reject(one, 'deletion by the controller', 'no event names this pod and its owner was not scaling down');
  const change = disruptionOf(pass, one, object);
  pass.assign(one, { change, rule: 'object.deleted', evidence: `${one.id}: deleted, not by its controller` });
  object.deletion = linkTo(one, change, 'self');
}

function end(pass: DomainPass, one: Occurrence, object: ObjectState, assignment: Assignment, by: CausalLink['by']): void {
  pass.assign(one, assignment);
  object.deletion = { occurrence: assignment.parent ?? '', change: assignment.change.id, at: one.at, by };
  forgetMade(pass, object);
}

/** Deletions that name the pod, latest first: not later than a second after, not those that ended an earlier pod of that name. */
function deletionsNaming(pass: DomainPass, one: Occurrence, { ref, firstSeen }: ObjectState): Occurrence[] {
  const since = Math.max(firstSeen - causeMayTrail, one.at - 5 * minute);
  return pass.index.actionsOn(ref, since, one.at).filter((action) => endings.includes(verbOn(action, ref)));
}

/** Deletions of what owns the pod, nearest owner first: what it owns goes with it. */
function ownersDeletions(pass: DomainPass, one: Occurrence): Occurrence[] {
  const owners = one.routed.chain.slice(1, one.routed.owners);
  return owners.flatMap((ref) =>
    pass.index.actionsOn(ref, one.at - effectMayTrail, one.at).filter((action) => verbOn(action, ref) === 'delete'),
  );
}

/** Null: the object is not being deleted. */
export function deletingChange(pass: DomainPass, one: Occurrence, { deletion }: ObjectState): ChangeState | null {
  return deletion && one.at >= deletion.at - causeMayTrail ? pass.change(deletion.change) : null;
}

export const evictionPlacer: Placer = {
  causes: (pass, one) => {
    const preemptor = preemptorOf(one);
    if (!preemptor) return [];
    const failure = failureOf(pass, one);
    if (failure && pass.isPlaceable(failure)) return [failure];
    const known = pass.known(preemptor, one.at);
    return known?.creation || known?.firstSign ? [] : creationsToPlace(pass, one, preemptor);
  },
  place: placeEviction,
};

/** A disruption, which belongs to the preemptor where one is named. */
function placeEviction(pass: DomainPass, one: Occurrence, object: ObjectState): void {
  const preemption = preemptionOf(pass, one);
  const isClaimed = one.routed.owners < one.routed.chain.length;
  const open = pass.change(object.deletion?.change) ?? (isClaimed ? pass.latestChange(['drain', 'outage']) : undefined);
  const change = preemption?.change ?? open ?? pass.begin(one, 'evict');
  pass.assign(one, preemption ?? { change, rule: 'object.evicted', evidence: one.id });
  if (pass.change(object.deletion?.change)) return;
  object.deletion = linkTo(one, change, 'name');
  forgetChild(pass, object.ref);
  countDeletion(change, object.owner === '' ? undefined : object.ref.name);
  if (object.owner !== '') expectReplacement(pass, one, object, change);
}

/** A preemption hangs on the trouble of the pod that found no room, else on what made that pod. */
function preemptionOf(pass: DomainPass, one: Occurrence): Assignment | null {
  const preemptor = preemptorOf(one);
  if (!preemptor) return null;
  const failure = failureOf(pass, one);
  const state = pass.object(preemptor, one.routed.chain[one.routed.owners + 1], one.at);
  if (!state.creation && !state.firstSign) findCreation(pass, one, state);
  const troubled = failure && pass.changeOf(failure);
  const link = troubled ? linkTo(failure, troubled, 'self') : (state.firstSign ?? state.creation);
  const change = pass.change(link?.change);
  if (!link || !change) return null;
  return { change, parent: link.occurrence, rule: 'related', evidence: `related ${preemptor.kind}/${preemptor.name}` };
}

function preemptorOf({ routed }: Occurrence) {
  return routed.meaning.home === 'related' ? routed.chain[routed.owners] : undefined;
}

/** Why the preemptor needed room. */
function failureOf(pass: DomainPass, one: Occurrence): Occurrence | undefined {
  const preemptor = preemptorOf(one);
  if (!preemptor) return undefined;
  const failures = pass.index.failuresOf(keyOf(preemptor), one.at);
  return failures.findLast((failure) => failure.at < one.at - 1_000) ?? failures[0];
}
