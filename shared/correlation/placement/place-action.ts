/**
 * Actions: what controllers do to other objects. An action hangs on what made or drove its actor; where nothing did, the root
 * object's own sequence of actions tells which change it belongs to.
 */

import type { ChangeState, ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { second } from '../settling-times.ts';
import { rolling } from './change.ts';
import { disruptionFor, replace } from './disruption.ts';
import type { DomainPass } from './domain-pass.ts';
import { placeController } from './place-controller.ts';
import { placeJob, placeSuspension } from './place-job.ts';
import { bindBirth, forgetNamed, originOf, remember } from './place-object.ts';
import { bindScaling, placeScaling } from './scaling.ts';

const directControllers: readonly string[] = ['StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController'];

export function placeAction(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const { meaning, chain, owners } = one.routed;
  if (meaning.verb === 'create') forgetNamed(walk, object.ref.kind, object.ref.name);
  const { kind } = object.ref;
  const child = meaning.subject;
  if (kind === 'Deployment' && (meaning.verb === 'scale-up' || meaning.verb === 'scale-down')) return placeScaling(walk, one);
  if (kind === 'Job' && (meaning.verb === 'suspend' || meaning.verb === 'resume')) return placeSuspension(walk, one, object);
  if (meaning.verb === 'evict' && !child) return placeEviction(walk, one, object);
  if (child && (meaning.verb === 'create' || meaning.verb === 'delete')) {
    if (kind === 'CronJob') return placeCronJob(walk, one);
    if (kind === 'Job') return placeJob(walk, one, object);
    if (kind === 'ReplicaSet' && chain.some((ref) => ref.kind === 'Deployment')) return placeReplicaSet(walk, one, object);
    if (directControllers.includes(kind) && owners === 1) return placeController(walk, one, object);
  }
  placeOther(walk, one, object);
}

/** Any other controller: under what made its object, else in what is open, else a change of its own. */
function placeOther(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const { meaning } = one.routed;
  if (meaning.verb === 'create' && meaning.subject?.kind === 'Revision' && /-(?!0*1$)\d{5}$/.test(meaning.subject.name))
    return placeNextRevision(walk, one, object);
  const origin = meaning.begins !== '' || meaning.verb === 'rescale' ? null : originOf(walk, one, object);
  if (origin) {
    walk.assign(one, origin);
    return remember(walk, one, object, origin.change);
  }
  const drained = meaning.begins === 'drain' ? walk.openChanges(['drain']).at(-1) : undefined;
  const open = meaning.begins !== '' || meaning.verb === 'rescale' ? drained : walk.openChanges().at(-1);
  const kinds = { create: 'create', delete: 'delete', rescale: 'scale', 'scale-up': 'scale', 'scale-down': 'scale' } as const;
  const byVerb = meaning.verb in kinds ? kinds[meaning.verb as keyof typeof kinds] : 'update';
  const change = open ?? walk.begin(one, meaning.begins || byVerb);
  if (meaning.expectsEnd) change.expectsEnd = true;
  walk.assign(one, {
    change,
    rule: open ? 'domain.open-change' : 'change.own',
    evidence: change.id,
    ...(open ? { confidence: 'time' as const } : {}),
  });
  remember(walk, one, object, change);
}

/** Each Revision but the first answers an edit; what follows on its Configuration follows from it. */
function placeNextRevision(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const change = walk.begin(one, 'rollout');
  walk.assign(one, { change, rule: 'revision.next', evidence: `revision ${one.routed.meaning.subject?.name ?? ''}` });
  object.birth = walk.bond(one, change, 'name');
  object.anchor = null;
  remember(walk, one, object, change);
}

/** Somebody evicts the pod: a disruption, which belongs to the preemptor where one is named. */
function placeEviction(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const cause = one.routed.meaning.home === 'related' ? preemptionOf(walk, one) : null;
  const open =
    walk.open(object.death?.change) ??
    (one.routed.owners < one.routed.chain.length ? walk.openChanges(['drain', 'outage']).at(-1) : undefined);
  const change = cause?.change ?? open ?? walk.begin(one, 'evict');
  walk.assign(one, cause ?? { change, rule: 'object.evicted', evidence: one.id });
  if (object.death && walk.open(object.death.change)) return;
  object.death = walk.bond(one, change, 'name');
  forgetNamed(walk, object.ref.kind, object.ref.name);
  change.deletes += 1;
  if (object.owner === '') return;
  walk.context.disruptions.push({ object: object.ref.uid, name: object.ref.name, controller: object.owner, change: change.id, at: one.at });
  change.unreplaced.push(object.ref.name);
}

/** A preemption hangs on the trouble of the pod that found no room, else on what made that pod. */
function preemptionOf(walk: DomainPass, one: Occurrence) {
  const preemptor = one.routed.chain[one.routed.owners];
  if (!preemptor) return null;
  const failures = walk.failuresOf(keyOf(preemptor), one.at);
  const reason = failures.findLast((failure) => failure.at < one.at - 1_000) ?? failures[0];
  if (reason) walk.place(reason);
  const state = walk.object(preemptor, one.routed.chain[one.routed.owners + 1], one.at);
  if (!state.birth && !state.anchor) bindBirth(walk, one, state);
  const placed = reason && walk.open(walk.placed.get(reason.id)?.place.change);
  const bond = placed && reason ? walk.bond(reason, placed, 'self') : (state.anchor ?? state.birth);
  const change = walk.open(bond?.change);
  if (!bond || !change) return null;
  return { change, parent: bond.occurrence, rule: 'related', evidence: `related ${preemptor.kind}/${preemptor.name}` };
}

/** Each job of a CronJob is a change; clearing away old jobs belongs to the run that it follows. */
function placeCronJob(walk: DomainPass, one: Occurrence): void {
  const { meaning } = one.routed;
  const job = meaning.subject;
  if (!job) return;
  if (meaning.verb === 'create') {
    const change = walk.begin(one, 'run', { apiVersion: 'batch/v1', ...job }, { expectsEnd: true });
    return walk.assign(one, { change, rule: 'cronjob.run', evidence: `job ${job.name}` });
  }
  const open = walk.openChanges(['run', 'cleanup']).at(-1);
  const change = open ?? walk.begin(one, 'cleanup');
  walk.assign(one, { change, rule: 'cronjob.cleanup', evidence: change.id, confidence: 'time', counts: false });
}

/** A Deployment's ReplicaSet makes or deletes a pod: it answers a scaling, or replaces a pod that went without it. */
function placeReplicaSet(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const { meaning } = one.routed;
  const creates = meaning.verb === 'create';
  const name = meaning.subject?.name ?? '';
  const known = walk.named('Pod', object.ref.namespace, name);
  const structural = creates ? known?.birth : known?.death;
  const told = structural?.by === 'structure' ? walk.open(structural.change) : null;
  if (structural && told) {
    // A merged Event names the pod after it was accounted for.
    walk.assign(one, {
      change: told,
      parent: structural.occurrence,
      rule: creates ? 'owner.scale-up' : 'owner.scale-down',
      evidence: structural.occurrence,
    });
    return;
  }
  const disruption = creates ? disruptionFor(walk, one, object) : null;
  const scaling = bindScaling(walk, one, object.ref.name, creates);
  const newer = disruption && scaling && disruption.at > scaling.at && one.at - scaling.at > 5 * second;
  const answered = walk.open(scaling?.change);
  if (scaling && answered && !newer) {
    walk.assign(one, {
      change: answered,
      parent: scaling.occurrence,
      rule: creates ? 'owner.scale-up' : 'owner.scale-down',
      evidence: scaling.occurrence,
    });
    return made(walk, answered, creates, name);
  }
  if (disruption) return replace(walk, one, disruption);
  const last = walk.context.scalings
    .filter((other) => other.set === object.ref.name && other.up === creates && walk.open(other.change))
    .at(-1);
  const under = walk.open(last?.change);
  // A scaling that has all its pods makes no more of them: what comes beside a rollout replaces a pod that went silently.
  if (last && under && (rolling(under) || !creates)) {
    const verdict = {
      change: under,
      parent: last.occurrence,
      rule: 'owner.last-scaling',
      evidence: last.occurrence,
      confidence: 'structure' as const,
    };
    walk.assign(one, verdict);
    return made(walk, under, creates, name);
  }
  const open = walk.openChanges(creates ? ['heal'] : ['delete', 'scale']).at(-1);
  const change = open ?? walk.begin(one, creates ? 'heal' : 'delete', undefined, { continues: object.birth });
  walk.assign(one, { change, rule: 'replicaset.own', evidence: change.id, confidence: 'structure' });
  made(walk, change, creates, name);
}

function made(walk: DomainPass, change: ChangeState, creates: boolean, name: string): void {
  if (creates) change.made[`Pod/${name}`] = 'waiting';
  else forgetNamed(walk, 'Pod', name);
}
