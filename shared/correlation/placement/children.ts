/** Objects created by a change and their state: up, unready, failing, or gone before they were up. */
import type { ObjectRef } from '../../events/observation.ts';
import { type ChangeState, isTracked, type TrackedChange } from '../change.ts';
import type { ObjectState } from '../context.ts';
import type { Occurrence } from '../occurrence.ts';
import type { Meaning } from '../rules/rule.ts';
import type { DomainPass } from './domain-pass.ts';

/** Controllers that create pods on their own. */
export const podControllers: readonly string[] = ['StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController'];

export function childKey({ kind, name }: Pick<ObjectRef, 'kind' | 'name'>): string {
  return `${kind}/${name}`;
}

/** A container of the object has started. */
export function setStarted(pass: DomainPass, one: Occurrence, object: ObjectState, change: ChangeState): void {
  object.troubled = false;
  if (one.routed.observation.fieldPath.startsWith('spec.initContainers')) return;
  const maker = makerOf(pass, object, change);
  if (!maker) return;
  const key = childKey(object.ref);
  const crashed = maker.made[key] === 'failing' || maker.made[key] === 'restarted';
  maker.made[key] = crashed && one.n > 1 ? 'restarted' : 'up';
}

/** A created object is up only when it reports so, by an end of the phase `ready`. */
export function awaitReady(one: Occurrence, change: TrackedChange): void {
  const { phase, subject, class: role } = one.routed.meaning;
  if (phase !== 'ready' || role !== 'action' || !subject) return;
  const key = childKey(subject);
  if (!(key in change.made)) change.made[key] = 'waiting';
}

/** The object reports that it is up. */
export function setReady(pass: DomainPass, object: ObjectState, change: ChangeState): void {
  object.troubled = false;
  const maker = makerOf(pass, object, change);
  if (maker) maker.made[childKey(object.ref)] = 'up';
}

/** The object is in trouble: only a probe says so, or it waits for something, or it fails. */
export function setFailing(pass: DomainPass, object: ObjectState, change: ChangeState, { probe, waitsFor }: Meaning): void {
  if (!probe) object.troubled = true;
  if (change.kind === 'digest') return;
  const status = probe ? 'unready' : waitsFor === '' ? 'failing' : 'waiting';
  const key = childKey(object.ref);
  // A controller that can't make what it should: nothing goes on until it makes something.
  if (isTracked(change) && podControllers.includes(object.ref.kind)) change.made[key] = status;
  const maker = makerOf(pass, object, change);
  if (maker && !(maker.made[key] === 'failing' && probe)) maker.made[key] = status;
}

/** The open change that waits for the object. */
function makerOf(pass: DomainPass, object: ObjectState, change: ChangeState): TrackedChange | null {
  const key = childKey(object.ref);
  if (isTracked(change) && key in change.made) return change;
  const maker = pass.tracked(object.creation?.change);
  return maker && key in maker.made ? maker : null;
}

/** A pod is gone; `missing` is its name if a replacement is expected. */
export function countDeletion(change: ChangeState, missing?: string): void {
  if (!isTracked(change)) return;
  change.deletes += 1;
  if (missing !== undefined) change.unreplaced.push(missing);
}

/** The object of that name is gone or working: no change waits for it. */
export function forgetChild(pass: DomainPass, child: Pick<ObjectRef, 'kind' | 'name'>): void {
  const key = childKey(child);
  for (const change of pass.openChanges()) {
    if (child.kind === 'Pod' && change.made[key] === 'failing') change.lost = true;
    delete change.made[key];
  }
}

/** The object was deleted: the change that created it stops waiting for it. */
export function forgetMade(pass: DomainPass, object: ObjectState): void {
  const maker = pass.tracked(object.creation?.change ?? object.firstSign?.change);
  if (maker) delete maker.made[childKey(object.ref)];
}
