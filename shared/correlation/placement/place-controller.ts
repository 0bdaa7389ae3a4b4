/**
 * StatefulSets, DaemonSets and ReplicaSets without a Deployment: creations and deletions of pods, whose sequence determines their change.
 */
import type { ChildStatus, TrackedChange } from '../change.ts';
import type { ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import type { Meaning } from '../rules/rule.ts';
import { minute, rememberFor, second } from '../settling-times.ts';
import { childKey, forgetChild } from './children.ts';
import { disruptionFor, disruptionsToPlace, replace } from './disruption.ts';
import type { DomainPass, Placer } from './domain-pass.ts';
import { involvedOf } from './occurrence-index.ts';
import { rescaleOf, rescalesToPlace } from './orders.ts';

/** Minimum time for a pod to be scheduled, started and ready. */
const startsWithin = 100_000;

type Child = NonNullable<Meaning['subject']>;

export const controllerPlacer: Placer = {
  causes: (pass, one, object) => {
    const disruptions = makesPod(one) ? disruptionsToPlace(pass, one, object) : [];
    return [...rescalesToPlace(pass, one, object.ref), ...disruptions];
  },
  place: (pass, one, object) => {
    const child = one.routed.meaning.subject;
    if (child) placeChild(pass, one, object, child);
  },
};

function placeChild(pass: DomainPass, one: Occurrence, object: ObjectState, child: Child): void {
  const disruption = makesPod(one) ? disruptionFor(pass, one, object) : null;
  const disrupted = pass.change(disruption?.change);
  if (disruption && disrupted) return replace(pass, one, disruption, disrupted);
  const { verb } = one.routed.meaning;
  const deletion = child.kind === 'Pod' && verb === 'delete' ? pass.objectNamed('Pod', child.namespace, child.name)?.deletion : null;
  const clearing = pass.change(deletion?.change);
  if (clearing) {
    // The remains of an evicted or failed pod are deleted before it is re-created.
    return pass.assign(one, { change: clearing, rule: 'controller.clear', evidence: deletion?.occurrence || clearing.id });
  }
  const rescale = rescaleOf(pass, one, object.ref);
  const open = verb === 'create' ? joinForCreate(pass, one, object, child) : joinForDelete(pass, one, child);
  const change = rescale?.change ?? open ?? begin(pass, one, object);
  if (rescale) pass.assign(one, { change, parent: rescale.occurrence, rule: 'hpa.rescale', evidence: rescale.occurrence });
  else pass.assign(one, { change, rule: open ? 'controller.sequence' : 'controller.edit', evidence: change.id });
  if (child.kind === 'Pod') account(pass, one, object, change, child);
}

/** Records what the change has created, deleted and replaced. */
function account(pass: DomainPass, one: Occurrence, { ref }: ObjectState, change: TrackedChange, child: Child): void {
  if (one.routed.meaning.verb === 'delete') {
    forgetChild(pass, child);
    // What is said to be replaced may be said to be deleted as well.
    if (change.unreplaced.includes(child.name)) return;
    const made = Object.keys(change.made).filter((key) => key.startsWith('Pod/')).length;
    const surges = ref.kind === 'DaemonSet' && made > change.deletes - change.unreplaced.length;
    if (!surges) change.unreplaced.push(child.name);
    else if (change.kind === 'scale') change.kind = 'rollout';
    change.deletes += 1;
    return;
  }
  const replaced = ref.kind === 'StatefulSet' ? child.name : (change.unreplaced[0] ?? '');
  change.unreplaced = change.unreplaced.filter((name) => name !== replaced);
  change.made[childKey(child)] = 'waiting';
}

function joinForCreate(pass: DomainPass, one: Occurrence, object: ObjectState, child: Child): TrackedChange | undefined {
  const open = sameEdit(pass, one, pass.openChanges(['create', 'rollout', 'scale', 'heal']));
  const replacing = open.find((change) => replaces(change, object.ref.kind, child.name));
  if (replacing) return replacing;
  const last = open.filter((change) => change.kind !== 'heal').at(-1);
  const shrinks = object.ref.kind === 'StatefulSet' && (last?.unreplaced.length ?? 0) > 1;
  return !last || shrinks || isComplete(pass, one, object, last) ? undefined : last;
}

/**
 * What makes all its pods at once has made them all when each is up: pods that it makes later are those of another size. A StatefulSet
 * does so when it has made two in less time than one of them takes to start; else it makes one after the other, and more may come.
 */
function isComplete(pass: DomainPass, one: Occurrence, { ref }: ObjectState, change: TrackedChange): boolean {
  if (one.at - change.last < 2 * second || !areUp(change.made)) return false;
  if (ref.kind === 'ReplicaSet' || ref.kind === 'ReplicationController') return true;
  // A surge makes the new pod before the old one goes.
  if (ref.kind === 'DaemonSet') return change.kind === 'create';
  if (ref.kind !== 'StatefulSet' || change.kind === 'rollout') return false;
  const creations = pass.index.actionsBy(keyOf(ref), change.start, one.at).filter((action) => action.id !== one.id && makesPod(action));
  return creations.some(({ at }, index) => index > 0 && at - (creations[index - 1]?.at ?? 0) < startsWithin);
}

/** It has created pods, and all of them are up. */
function areUp(made: Readonly<Record<string, ChildStatus>>): boolean {
  const pods = Object.entries(made).filter(([key]) => key.startsWith('Pod/'));
  return pods.length > 0 && pods.every(([, status]) => status === 'up');
}

/** A StatefulSet deletes one pod at a time to re-create it; several missing ones are a scale-down. */
function replaces({ unreplaced }: TrackedChange, kind: string, name: string): boolean {
  return kind === 'StatefulSet' ? unreplaced.length === 1 && unreplaced[0] === name : unreplaced.length > 0;
}

/** Deleting a pod that the change itself has made, or in the creation of the whole, is the work of another edit. */
function joinForDelete(pass: DomainPass, one: Occurrence, child: Child): TrackedChange | undefined {
  const healing = pass.openChanges(['heal']).find((change) => change.unreplaced.includes(child.name));
  if (healing) return healing;
  const current = sameEdit(pass, one, pass.openChanges(['create', 'rollout', 'scale'])).at(-1);
  if (!current) return undefined;
  const conflict = current.kind === 'create' ? 'it was creating' : hasMade(pass, one, current, child) ? 'it had made this pod itself' : '';
  if (conflict === '') return current;
  pass.reject(one, current.id, conflict);
  return undefined;
}

function hasMade(pass: DomainPass, one: Occurrence, change: TrackedChange, { namespace, name }: Child): boolean {
  const pod = { kind: 'Pod', namespace, name };
  if (pass.objectNamed('Pod', namespace, name)?.creation?.change === change.id) return true;
  const actions = pass.index.actionsOn(pod, change.start, one.at);
  return actions.some((action) => action.id !== one.id && action.at < one.at && action.routed.meaning.verb === 'create');
}

/** Where versions are known the controller's generation tells the edit. */
function sameEdit(pass: DomainPass, one: Occurrence, open: TrackedChange[]): TrackedChange[] {
  const generation = pass.generationOf(one);
  if (generation === 0) return open;
  const key = keyOf(involvedOf(one));
  return open.filter(({ generations }) => (generations[key] ?? generation) === generation);
}

function begin(pass: DomainPass, one: Occurrence, { ref, firstSeen }: ObjectState): TrackedChange {
  const { verb, heals } = one.routed.meaning;
  if (verb === 'delete') return pass.begin(one, heals ? 'heal' : 'rollout');
  const created = pass.objects.latest(ref.uid)?.createdAt ?? null;
  const recent = created === null ? firstSeen >= one.at - minute : one.at - created < minute;
  const settled = Object.values(pass.context.settled).some((change) => one.at - change.end < rememberFor);
  const first = pass.openChanges(['create', 'rollout', 'scale']).length === 0 && !settled;
  return pass.begin(one, recent && first ? 'create' : 'scale');
}

function makesPod({ routed: { meaning } }: Occurrence): boolean {
  return meaning.verb === 'create' && meaning.subject?.kind === 'Pod';
}
