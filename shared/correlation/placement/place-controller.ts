/** What StatefulSets, DaemonSets and ReplicaSets without a Deployment do: which change it belongs to follows from its sequence. */
import type { ChangeState, ObjectState } from '../context.ts';
import { keyOf, nameKeyOf, type Occurrence } from '../occurrence.ts';
import { minute, rememberFor, second } from '../settling-times.ts';
import { madeKey } from './child-status.ts';
import { disruptionFor, replace } from './disruption.ts';
import { type DomainPass, nameKey } from './domain-pass.ts';
import { forgetNamed } from './place-object.ts';

/** No pod is scheduled, started and found ready in less time. */
const startsWithin = 100_000;

/** StatefulSets, DaemonSets and ReplicaSets of their own: creations and deletions of pods, told apart by their sequence. */
export function placeController(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const { meaning } = one.routed;
  const child = meaning.subject;
  if (!child) return;
  const rescale = walk
    .actionsOn(`rescale:${nameKey(object.ref)}`, one.at - 30 * second, one.at)
    .find((action) => walk.open(walk.place(action)?.change));
  const driven = rescale ? walk.open(walk.place(rescale)?.change) : null;
  const pod = child.kind === 'Pod';
  const disruption = pod && meaning.verb === 'create' ? disruptionFor(walk, one, object) : null;
  if (disruption) return replace(walk, one, disruption);
  const ended = pod && meaning.verb === 'delete' ? walk.named('Pod', child.namespace, child.name)?.death : null;
  const clearing = walk.open(ended?.change);
  if (clearing) {
    // What is left of a pod that was evicted or has failed is cleared away before it is made anew.
    return walk.assign(one, { change: clearing, rule: 'controller.clear', evidence: ended?.occurrence || clearing.id });
  }
  const open = meaning.verb === 'create' ? joinForCreate(walk, one, object) : joinForDelete(walk, one);
  const change = driven ?? open ?? begin(walk, one, object);
  if (driven && rescale) walk.assign(one, { change, parent: rescale.id, rule: 'hpa.rescale', evidence: rescale.id });
  else walk.assign(one, { change, rule: open ? 'controller.sequence' : 'controller.edit', evidence: change.id });
  if (!pod) return;
  if (meaning.verb === 'delete') {
    forgetNamed(walk, 'Pod', child.name);
    // What is said to be replaced may be said to be deleted as well.
    if (change.unreplaced.includes(child.name)) return;
    change.unreplaced.push(child.name);
    change.deletes += 1;
    return;
  }
  const replaced = object.ref.kind === 'StatefulSet' ? child.name : (change.unreplaced[0] ?? '');
  change.unreplaced = change.unreplaced.filter((name) => name !== replaced);
  change.made[madeKey({ ...child, apiVersion: 'v1' })] = 'waiting';
}

function joinForCreate(walk: DomainPass, one: Occurrence, object: ObjectState): ChangeState | undefined {
  const open = sameEdit(walk, one, walk.openChanges(['create', 'rollout', 'scale', 'heal']));
  const name = one.routed.meaning.subject?.name ?? '';
  const replacing = open.find((change) => replaces(change, object.ref.kind, name));
  if (replacing) return replacing;
  const last = open.filter((change) => change.kind !== 'heal').at(-1);
  const shrinks = object.ref.kind === 'StatefulSet' && (last?.unreplaced.length ?? 0) > 1;
  return !last || shrinks || complete(walk, one, object, last) ? undefined : last;
}

/**
 * What makes all its pods at once has made them all when each is up: pods that it makes later are those of another size. A StatefulSet
 * does so when it has made two in less time than one of them takes to start; else it makes one after the other, and more may come.
 */
function complete(walk: DomainPass, one: Occurrence, object: ObjectState, change: ChangeState): boolean {
  const made = Object.entries(change.made).filter(([key]) => key.startsWith('Pod/'));
  if (made.length === 0 || made.some(([, state]) => state !== 'up') || one.at - change.last < 2 * second) return false;
  if (object.ref.kind === 'ReplicaSet' || object.ref.kind === 'ReplicationController') return true;
  if (object.ref.kind !== 'StatefulSet' || change.kind === 'rollout') return false;
  const times = walk
    .actionsBy(keyOf(object.ref), change.start, one.at)
    .filter((action) => action.id !== one.id && action.routed.meaning.verb === 'create' && action.routed.meaning.subject?.kind === 'Pod')
    .map((action) => action.at);
  return times.some((at, index) => index > 0 && at - (times[index - 1] ?? 0) < startsWithin);
}

/** A StatefulSet takes down one pod at a time to make it anew; several that are gone are a scaling down. */
function replaces(change: ChangeState, kind: string, name: string): boolean {
  if (kind !== 'StatefulSet') return change.unreplaced.length > 0;
  return change.unreplaced.length === 1 && change.unreplaced[0] === name;
}

/** Deleting a pod that the change itself has made, or in the creation of the whole, is the work of another edit. */
function joinForDelete(walk: DomainPass, one: Occurrence): ChangeState | undefined {
  const child = one.routed.meaning.subject;
  const healing = child && walk.openChanges(['heal']).find((change) => change.unreplaced.includes(child.name));
  if (healing) return healing;
  const current = sameEdit(walk, one, walk.openChanges(['create', 'rollout', 'scale'])).at(-1);
  if (!child || !current) return undefined;
  if (current.kind === 'create') {
    walk.note(one, current.id, 'it was creating');
    return undefined;
  }
  const born = walk.named('Pod', child.namespace, child.name)?.birth;
  const action = walk
    .actionsOn(nameKeyOf('Pod', child.namespace, child.name), current.start, one.at)
    .some((other) => other.id !== one.id && other.at < one.at && other.routed.meaning.verb === 'create');
  if (born?.change === current.id || action) {
    walk.note(one, current.id, 'it had made this pod itself');
    return undefined;
  }
  return current;
}

/** Where versions are known the controller's generation tells the edit. */
function sameEdit(walk: DomainPass, one: Occurrence, open: ChangeState[]): ChangeState[] {
  const generation = walk.generation(one);
  if (generation === 0) return open;
  return open.filter((change) => change.generation === 0 || change.generation === generation);
}

function begin(walk: DomainPass, one: Occurrence, object: ObjectState): ChangeState {
  const { verb, heals } = one.routed.meaning;
  if (verb === 'delete') return walk.begin(one, heals ? 'heal' : 'rollout');
  const created = walk.objects.latest(object.ref.uid)?.createdAt ?? null;
  const recent = created === null ? object.firstSeen >= one.at - minute : one.at - created < minute;
  const settled = Object.values(walk.context.settled).some((change) => one.at - change.end < rememberFor);
  const first = walk.openChanges(['create', 'rollout', 'scale']).length === 0 && !settled;
  return walk.begin(one, recent && first ? 'create' : 'scale');
}
