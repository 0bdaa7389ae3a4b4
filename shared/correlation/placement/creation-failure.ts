/** Trouble that is the first thing known of an object: it belongs to the object's creation. */
import type { ChangeState, ObjectState } from '../context.ts';
import type { Occurrence } from '../occurrence.ts';
import { minute } from '../settling-times.ts';
import { madeKey } from './child-status.ts';
import type { DomainPass } from './domain-pass.ts';

export interface Origin {
  readonly change: ChangeState;
  readonly parent: string;
  readonly rule: string;
  readonly evidence: string;
  readonly confidence?: 'structure' | 'time';
}

/** Controllers that make pods of their own accord. */
const controllers: readonly string[] = ['StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController'];

/** A controller whose very first event is that it can't make what it should: it is being created. */
export function firstAttempt(walk: DomainPass, one: Occurrence, object: ObjectState): Origin | null {
  const { meaning, chain } = one.routed;
  if (meaning.verb !== 'create' || !controllers.includes(object.ref.kind) || chain.length > 1) return null;
  const open = walk.openChanges(['create', 'rollout', 'scale', 'heal']).at(-1);
  const created = walk.objects.latest(object.ref.uid)?.createdAt ?? null;
  if (!open && (created === null ? object.firstSeen < one.at : one.at - created > minute)) return null;
  const change = open ?? walk.begin(one, 'create');
  return { change, parent: '', rule: open ? 'controller.sequence' : 'object.first-sign', evidence: open ? open.id : one.id };
}

/** Trouble may be the first sign of life of an object that nothing announced: a pod that finds no room. */
export function firstSign(walk: DomainPass, one: Occurrence, object: ObjectState): Origin | null {
  if (object.ref.kind === 'Node' || !one.routed.meaning.firstSign || object.birth || object.anchor || one.routed.chain.length > 1)
    return null;
  const change = walk.begin(one, 'create');
  object.birth = { occurrence: '', change: change.id, at: one.at, by: 'self' };
  change.made[madeKey(object.ref)] = 'waiting';
  return { change, parent: '', rule: 'object.first-sign', evidence: one.id };
}
