/** Pods that go without their controller's doing, and the pods that replace them: whose change that is. */
import { type ChangeState, isTracked, type TrackedChange } from '../change.ts';
import type { Disruption, ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { causeMayTrail, effectMayTrail, second } from '../settling-times.ts';
import { childKey, countDeletion, forgetMade } from './children.ts';
import type { DomainPass } from './domain-pass.ts';

/** The change that a deletion from outside begins. Several objects that go at once without replacement go in one change. */
export function disruptionOf(pass: DomainPass, one: Occurrence, object: ObjectState): TrackedChange {
  forgetMade(pass, object);
  const gone = isRootGone(pass, one);
  const replaced = !gone && isReplaced(pass, one, object.owner);
  const deleted = pass.openChanges(['delete']).filter((change) => one.at - change.start < 10 * second);
  const together = replaced ? undefined : deleted.at(-1);
  const claimed = one.routed.owners < one.routed.chain.length ? claimedChange(pass, one) : undefined;
  const change = claimed ?? together ?? pass.begin(one, replaced ? 'heal' : 'delete');
  if (object.owner !== '') expectReplacement(pass, one, object, change);
  countDeletion(change, object.owner !== '' && !gone ? object.ref.name : undefined);
  return change;
}

/** The object waits for one in its place. */
export function expectReplacement({ context }: DomainPass, one: Occurrence, { ref, owner }: ObjectState, change: ChangeState): void {
  context.disruptions.push({ object: ref.uid, name: ref.name, controller: owner, change: change.id, at: one.at });
}

function isReplaced(pass: DomainPass, one: Occurrence, controller: string): boolean {
  const actions = pass.index.actionsBy(controller, one.at - causeMayTrail, one.at + causeMayTrail);
  return actions.some((action) => action.routed.meaning.verb === 'create');
}

/** The open change of the object that claims the pod: a drain or outage of its node, what its preemptor belongs to. */
function claimedChange(pass: DomainPass, one: Occurrence): TrackedChange {
  const root = one.routed.chain.at(-1);
  if (root?.kind !== 'Node') return pass.latestChange() ?? pass.begin(one, 'evict');
  return pass.latestChange(['drain', 'outage']) ?? pass.begin(one, 'drain');
}

function isRootGone({ objects }: DomainPass, one: Occurrence): boolean {
  const root = one.routed.chain[one.routed.owners - 1];
  if (!root || root.uid === '' || one.routed.owners < 2) return false;
  const gone = objects.goneAt(root.uid);
  return gone !== null && Math.abs(gone - one.at) < effectMayTrail;
}

/** The pod that this creation replaces: gone without its controller's doing, longest ago first. */
export function disruptionFor({ context }: DomainPass, one: Occurrence, { ref }: ObjectState): Disruption | null {
  const controller = keyOf(ref);
  const open = context.disruptions.filter((disruption) => disruption.controller === controller && disruption.at <= one.at + causeMayTrail);
  if (ref.kind !== 'StatefulSet') return open[0] ?? null;
  return open.find((disruption) => disruption.name === one.routed.meaning.subject?.name) ?? null;
}

/**
 * What `disruptionFor` looks at: it needs a place first. A kubelet may record the stop of the old pod after the controller has made the
 * new one.
 */
export function disruptionsToPlace({ index }: DomainPass, one: Occurrence, { ref }: ObjectState): Occurrence[] {
  return index.stopsUnder(keyOf(ref), one.at, one.at + causeMayTrail);
}

/** The creation is in place of a pod that is gone. */
export function replace(pass: DomainPass, one: Occurrence, disruption: Disruption, change: ChangeState): void {
  const { context } = pass;
  context.disruptions = context.disruptions.filter((other) => other !== disruption);
  pass.assign(one, { change, rule: 'replacement', evidence: `in place of ${disruption.name}`, confidence: 'structure' });
  if (!isTracked(change)) return;
  change.unreplaced = change.unreplaced.filter((name) => name !== disruption.name);
  if (change.kind === 'delete') change.kind = 'heal';
  change.made[childKey({ kind: 'Pod', name: one.routed.meaning.subject?.name ?? '' })] = 'waiting';
}
