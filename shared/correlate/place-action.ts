/**
 * Actions: what controllers do to other objects. An action hangs on what made or drove its actor; where nothing did, the root
 * object's own sequence of actions tells which change it belongs to.
 */
import { rolling } from './change.ts';
import type { ChangeState, Disruption, ObjectState } from './context.ts';
import { causeMayTrail, minute, second } from './figures.ts';
import { madeKey } from './made.ts';
import { keyOf, nameKeyOf, type Occurrence } from './occurrence.ts';
import { closing } from './pairs.ts';
import { placeJob, placeTurn } from './place-job.ts';
import { bindBirth, forgetNamed, originOf, remember } from './place-object.ts';
import { bindScaling, placeScaling } from './scaling.ts';
import { nameKey, type Walk } from './walk.ts';

/** Deletions of pods that have failed, to make them anew. */
const healers: readonly string[] = ['statefulset.recreate', 'daemonset.replace'];
/** No pod is scheduled, started and found ready in less time. */
const startsWithin = 100_000;
const directControllers: readonly string[] = ['StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController'];

export function placeAction(walk: Walk, one: Occurrence, object: ObjectState): void {
  const { meaning, chain, owners } = one.routed;
  if (meaning.verb === 'create') forgetNamed(walk, object.ref.kind, object.ref.name);
  const { kind } = object.ref;
  const child = meaning.subject;
  if (kind === 'Deployment' && (meaning.verb === 'scale-up' || meaning.verb === 'scale-down')) return placeScaling(walk, one);
  if (kind === 'Job' && meaning.verb === 'update' && !child) return placeTurn(walk, one, object);
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
function placeOther(walk: Walk, one: Occurrence, object: ObjectState): void {
  const { meaning } = one.routed;
  const origin = meaning.always || meaning.verb === 'rescale' ? null : originOf(walk, one, object);
  if (origin) {
    walk.give(one, origin);
    return remember(walk, one, object, origin.change);
  }
  const drained = meaning.rule === 'node.cordon' ? walk.openChanges(['drain']).at(-1) : undefined;
  const open = meaning.always || meaning.verb === 'rescale' ? drained : walk.openChanges().at(-1);
  const kinds = { create: 'create', delete: 'delete', rescale: 'scale', 'scale-up': 'scale', 'scale-down': 'scale' } as const;
  const paired = meaning.pair === 'rollout' || meaning.pair === 'outage' ? meaning.pair : null;
  const byVerb = meaning.verb in kinds ? kinds[meaning.verb as keyof typeof kinds] : 'update';
  const kind = meaning.rule === 'node.cordon' ? 'drain' : (paired ?? byVerb);
  const change = open ?? walk.begin(one, kind);
  if (meaning.always && closing.includes(meaning.pair)) change.expectsEnd = true;
  walk.give(one, {
    change,
    rule: open ? 'domain.open-change' : 'change.own',
    evidence: change.id,
    ...(open ? { confidence: 'time' as const } : {}),
  });
  remember(walk, one, object, change);
}

/** Somebody evicts the pod: a disruption, which belongs to the preemptor where one is named. */
function placeEviction(walk: Walk, one: Occurrence, object: ObjectState): void {
  const cause = one.routed.meaning.home === 'related' ? preemptionOf(walk, one) : null;
  const open =
    walk.open(object.death?.change) ??
    (one.routed.owners < one.routed.chain.length ? walk.openChanges(['drain', 'outage']).at(-1) : undefined);
  const change = cause?.change ?? open ?? walk.begin(one, 'evict');
  walk.give(one, cause ?? { change, rule: 'object.evicted', evidence: one.id });
  if (object.death && walk.open(object.death.change)) return;
  object.death = walk.bond(one, change, 'name');
  forgetNamed(walk, object.ref.kind, object.ref.name);
  change.deletes += 1;
  if (object.owner === '') return;
  walk.context.disruptions.push({ object: object.ref.uid, name: object.ref.name, controller: object.owner, change: change.id, at: one.at });
  change.unreplaced.push(object.ref.name);
}

/** A preemption hangs on the trouble of the pod that found no room, else on what made that pod. */
function preemptionOf(walk: Walk, one: Occurrence) {
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
function placeCronJob(walk: Walk, one: Occurrence): void {
  const { meaning } = one.routed;
  const job = meaning.subject;
  if (!job) return;
  if (meaning.verb === 'create') {
    const change = walk.begin(one, 'run', { apiVersion: 'batch/v1', ...job }, { expectsEnd: true });
    return walk.give(one, { change, rule: 'cronjob.run', evidence: `job ${job.name}` });
  }
  const open = walk.openChanges(['run', 'cleanup']).at(-1);
  const change = open ?? walk.begin(one, 'cleanup');
  walk.give(one, { change, rule: 'cronjob.cleanup', evidence: change.id, confidence: 'time', counts: false });
}

/** A Deployment's ReplicaSet makes or deletes a pod: it answers a scaling, or replaces a pod that went without it. */
function placeReplicaSet(walk: Walk, one: Occurrence, object: ObjectState): void {
  const { meaning } = one.routed;
  const creates = meaning.verb === 'create';
  const name = meaning.subject?.name ?? '';
  const known = walk.named('Pod', object.ref.namespace, name);
  const structural = creates ? known?.birth : known?.death;
  const told = structural?.by === 'structure' ? walk.open(structural.change) : null;
  if (structural && told) {
    // A merged Event names the pod after it was accounted for.
    walk.give(one, {
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
    walk.give(one, {
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
    walk.give(one, verdict);
    return made(walk, under, creates, name);
  }
  const open = walk.openChanges(creates ? ['heal'] : ['delete', 'scale']).at(-1);
  const change = open ?? walk.begin(one, creates ? 'heal' : 'delete', undefined, { continues: object.birth });
  walk.give(one, { change, rule: 'replicaset.own', evidence: change.id, confidence: 'structure' });
  made(walk, change, creates, name);
}

function made(walk: Walk, change: ChangeState, creates: boolean, name: string): void {
  if (creates) change.made[`Pod/${name}`] = 'waiting';
  else forgetNamed(walk, 'Pod', name);
}

function replace(walk: Walk, one: Occurrence, disruption: Disruption): void {
  const change = walk.open(disruption.change);
  if (!change) return;
  walk.context.disruptions = walk.context.disruptions.filter((other) => other !== disruption);
  change.unreplaced = change.unreplaced.filter((name) => name !== disruption.name);
  if (change.kind === 'delete') change.kind = 'heal';
  walk.give(one, { change, rule: 'replacement', evidence: `in place of ${disruption.name}`, confidence: 'structure' });
  change.made[`Pod/${one.routed.meaning.subject?.name ?? ''}`] = 'waiting';
}

/** The pod that this creation replaces: gone without its controller's doing, longest ago first. */
function disruptionFor(walk: Walk, one: Occurrence, object: ObjectState): Disruption | null {
  const controller = keyOf(object.ref);
  // A kubelet may record the stop of the old pod after the controller has made the new one.
  for (const stop of walk.stopsUnder(controller, one.at, one.at + causeMayTrail))
    if (stop.routed.meaning.rule === 'kubelet.killing') walk.place(stop);
  const open = walk.context.disruptions.filter(
    (disruption) => disruption.controller === controller && walk.open(disruption.change) && disruption.at <= one.at + causeMayTrail,
  );
  if (object.ref.kind !== 'StatefulSet') return open[0] ?? null;
  return open.find((disruption) => disruption.name === one.routed.meaning.subject?.name) ?? null;
}

/** StatefulSets, DaemonSets and ReplicaSets of their own: creations and deletions of pods, told apart by their sequence. */
function placeController(walk: Walk, one: Occurrence, object: ObjectState): void {
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
    return walk.give(one, { change: clearing, rule: 'controller.clear', evidence: ended?.occurrence || clearing.id });
  }
  const open = meaning.verb === 'create' ? joinForCreate(walk, one, object) : joinForDelete(walk, one);
  const change = driven ?? open ?? begin(walk, one, object);
  if (driven && rescale) walk.give(one, { change, parent: rescale.id, rule: 'hpa.rescale', evidence: rescale.id });
  else walk.give(one, { change, rule: open ? 'controller.sequence' : 'controller.edit', evidence: change.id });
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

function joinForCreate(walk: Walk, one: Occurrence, object: ObjectState): ChangeState | undefined {
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
function complete(walk: Walk, one: Occurrence, object: ObjectState, change: ChangeState): boolean {
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
function joinForDelete(walk: Walk, one: Occurrence): ChangeState | undefined {
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
function sameEdit(walk: Walk, one: Occurrence, open: ChangeState[]): ChangeState[] {
  const generation = walk.generation(one);
  if (generation === 0) return open;
  const same = open.filter((change) => change.generation === 0 || change.generation === generation);
  return same;
}

function begin(walk: Walk, one: Occurrence, object: ObjectState): ChangeState {
  const { rule, verb } = one.routed.meaning;
  if (verb === 'delete') return walk.begin(one, healers.includes(rule) ? 'heal' : 'rollout');
  const created = walk.objects.latest(object.ref.uid)?.createdAt ?? null;
  const recent = created === null ? object.firstSeen >= one.at - minute : one.at - created < minute;
  const first = walk.openChanges(['create', 'rollout', 'scale']).length === 0 && Object.keys(walk.context.settled).length === 0;
  return walk.begin(one, recent && first ? 'create' : 'scale');
}
