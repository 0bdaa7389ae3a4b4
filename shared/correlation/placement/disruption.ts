/** Pods that go without their controller's doing: whose change that is. */
import type { ChangeState, Disruption, ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { causeMayTrail, effectMayTrail, second } from '../settling-times.ts';
import { madeKey } from './child-status.ts';
import type { DomainPass } from './domain-pass.ts';

/** The change that a deletion from outside begins. Several objects that go at once without replacement go in one change. */
export function disruptionOf(walk: DomainPass, one: Occurrence, object: ObjectState): ChangeState {
  forgetMade(walk, object);
  const controller = object.owner;
  const replaced =
    walk.actionsBy(controller, one.at - causeMayTrail, one.at + causeMayTrail).some((action) => action.routed.meaning.verb === 'create') &&
    !rootGone(walk, one);
  const deleted = walk.openChanges(['delete']).filter((change) => one.at - change.start < 10 * second);
  const together = replaced ? undefined : deleted.at(-1);
  const claimed = one.routed.owners < one.routed.chain.length ? claimedChange(walk, one) : undefined;
  const change = claimed ?? together ?? walk.begin(one, replaced ? 'heal' : 'delete', one.routed.chain.at(-1), { continues: null });
  if (controller !== '') {
    walk.context.disruptions.push({ object: object.ref.uid, name: object.ref.name, controller, change: change.id, at: one.at });
    if (!rootGone(walk, one)) change.unreplaced.push(object.ref.name);
  }
  change.deletes += 1;
  return change;
}

/** The open change of the object that claims the pod: a drain or outage of its node, what its preemptor belongs to. */
function claimedChange(walk: DomainPass, one: Occurrence): ChangeState {
  const root = one.routed.chain.at(-1);
  if (root?.kind !== 'Node') return walk.openChanges().at(-1) ?? walk.begin(one, 'evict');
  return walk.openChanges(['drain', 'outage']).at(-1) ?? walk.begin(one, 'drain');
}

function rootGone(walk: DomainPass, one: Occurrence): boolean {
  const root = one.routed.chain[one.routed.owners - 1];
  if (!root || root.uid === '' || one.routed.owners < 2) return false;
  const gone = walk.objects.goneAt(root.uid);
  return gone !== null && Math.abs(gone - one.at) < effectMayTrail;
}

export function forgetMade(walk: DomainPass, object: ObjectState): void {
  const birth = walk.open(object.birth?.change ?? object.anchor?.change);
  if (birth) delete birth.made[madeKey(object.ref)];
}

export function replace(walk: DomainPass, one: Occurrence, disruption: Disruption): void {
  const change = walk.open(disruption.change);
  if (!change) return;
  walk.context.disruptions = walk.context.disruptions.filter((other) => other !== disruption);
  change.unreplaced = change.unreplaced.filter((name) => name !== disruption.name);
  if (change.kind === 'delete') change.kind = 'heal';
  walk.assign(one, { change, rule: 'replacement', evidence: `in place of ${disruption.name}`, confidence: 'structure' });
  change.made[`Pod/${one.routed.meaning.subject?.name ?? ''}`] = 'waiting';
}

/** The pod that this creation replaces: gone without its controller's doing, longest ago first. */
export function disruptionFor(walk: DomainPass, one: Occurrence, object: ObjectState): Disruption | null {
  const controller = keyOf(object.ref);
  // A kubelet may record the stop of the old pod after the controller has made the new one.
  for (const stop of walk.stopsUnder(controller, one.at, one.at + causeMayTrail)) walk.place(stop);
  const open = walk.context.disruptions.filter(
    (disruption) => disruption.controller === controller && walk.open(disruption.change) && disruption.at <= one.at + causeMayTrail,
  );
  if (object.ref.kind !== 'StatefulSet') return open[0] ?? null;
  return open.find((disruption) => disruption.name === one.routed.meaning.subject?.name) ?? null;
}
