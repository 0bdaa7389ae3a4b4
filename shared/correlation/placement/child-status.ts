/** What a change has made, and how that fares: up, unready, failing. */
import type { ObjectRef } from '../../events/observation.ts';
import type { ChangeState, ObjectState } from '../context.ts';
import type { Occurrence } from '../occurrence.ts';
import type { DomainPass } from './domain-pass.ts';

/** Kinds that make pods. */
const makers: readonly string[] = ['ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController'];

export function madeKey(ref: ObjectRef): string {
  return `${ref.kind}/${ref.name}`;
}

export function started(walk: DomainPass, one: Occurrence, object: ObjectState, change: ChangeState): void {
  object.troubled = false;
  if (one.routed.observation.fieldPath.startsWith('spec.initContainers')) return;
  object.up = true;
  const key = madeKey(object.ref);
  const of = key in change.made ? change : walk.open(object.birth?.change);
  if (!of || !(key in of.made)) return;
  const crashed = of.made[key] === 'failing' || of.made[key] === 'restarted';
  of.made[key] = crashed && one.n > 1 ? 'restarted' : 'up';
}

export function failing(walk: DomainPass, object: ObjectState, change: ChangeState, message: string, unready = false): void {
  if (!unready) object.troubled = true;
  if (change.trouble === '') change.trouble = message;
  const key = madeKey(object.ref);
  // A controller that can't make what it should: nothing goes on until it makes something.
  if (makers.includes(object.ref.kind)) change.made[key] = 'failing';
  const birth = key in change.made ? change : walk.open(object.birth?.change);
  if (birth && key in birth.made) birth.made[key] = unready && birth.made[key] !== 'failing' ? 'unready' : 'failing';
}
