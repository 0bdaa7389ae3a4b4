/** Scalings of ReplicaSets: which change one belongs to, and which pods it accounts for. */

import type { Micros } from '../../events/observation.ts';
import { type ChangeKind, type ChangeState, dropOldest, type KnownSize, type Scaling } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { causeMayTrail, effectMayTrail, minute, second } from '../settling-times.ts';
import { rolling } from './change.ts';
import { type DomainPass, involvedOf, nameKey } from './domain-pass.ts';

const rescaleWindow = 30 * second;
const scalingsRemembered = 1_000;
/** A Deployment keeps 10 ReplicaSets without replicas (revisionHistoryLimit); what a rollback may go back to is among these. */
const emptySetsRemembered = 50;
const sizesRemembered = 1_000;

/** Places `Scaled up|down replica set X` of a Deployment. */
export function placeScaling(walk: DomainPass, one: Occurrence): void {
  const named = one.messageKnown ? (one.routed.meaning.subject?.name ?? '') : '';
  const set = named === '__proto__' ? '' : named;
  const up = one.routed.meaning.verb === 'scale-up';
  const to = toNumber(one.routed.meaning.groups['to']) ?? 0;
  const from = toNumber(one.routed.meaning.groups['from']) ?? walk.context.setSizes[set]?.replicas ?? (up ? 0 : to + 1);
  const generation = walk.generation(one);
  const rescale = rescaleOf(walk, one, to);
  const joined = generation > 0 ? byGeneration(walk, generation, { set, up }) : bySequence(walk, one, { set, up, from, to });
  const order = orderOf(walk, one);
  const ordered = order && !joined && order.change.newSet === '' && Object.keys(order.change.oldSets).length === 0;
  const change = rescale?.change ?? (ordered ? order.change : null) ?? joined ?? begin(walk, one, { set, up, from, to });
  if (order?.change === change && change.kind === 'update') change.kind = 'rollout';
  if (order?.change === change)
    walk.assign(one, { change, parent: order.occurrence, rule: 'deployment.ordered', evidence: order.occurrence });
  else if (rescale) walk.assign(one, { change, parent: rescale.occurrence, rule: 'hpa.rescale', evidence: rescale.occurrence });
  else
    walk.assign(one, {
      change,
      rule: joined ? 'deployment.same-edit' : 'deployment.edit',
      evidence: generation > 0 ? `generation ${generation}` : change.id,
    });
  note(walk, one, change, { set, up, from, to });
  if (set !== '') rememberSet(walk, set, { replicas: to, at: one.at });
  const slots = set === '' ? Number.MAX_SAFE_INTEGER : Math.abs(to - from);
  walk.context.scalings.push({ occurrence: one.id, change: change.id, at: one.at, set, up, slots });
  if (walk.context.scalings.length > scalingsRemembered) walk.context.scalings.shift();
}

function rememberSet({ context: { setSizes } }: DomainPass, set: string, size: KnownSize): void {
  setSizes[set] = size;
  if (size.replicas > 0) return dropOldest(setSizes, ({ at }) => at, 0, sizesRemembered);
  const empty = Object.entries(setSizes).filter(([, { replicas }]) => replicas === 0);
  if (empty.length <= emptySetsRemembered) return;
  empty.sort(([, a], [, b]) => a.at - b.at);
  for (const [name] of empty.slice(0, empty.length - emptySetsRemembered)) delete setSizes[name];
}

function rememberSize({ context: { deploymentSizes } }: DomainPass, deployment: string, size: KnownSize): void {
  deploymentSizes[deployment] = size;
  dropOldest(deploymentSizes, ({ at }) => at, 0, sizesRemembered);
}

interface Step {
  readonly set: string;
  readonly up: boolean;
  readonly from: number;
  readonly to: number;
}

function note(walk: DomainPass, one: Occurrence, change: ChangeState, { set, up, from, to }: Step): void {
  if (set === '') return;
  const deployment = involvedOf(one).name;
  const was = change.kind;
  // What comes in place of an unfinished rollout goes back only when it is a ReplicaSet that was there before.
  if (up && change.newSet === '' && change.back) change.back = set in walk.context.setSizes;
  if (up) {
    if (change.newSet === '' || change.newSet === set || from === 0) {
      change.newSet = set;
      change.newReplicas = to;
      delete change.oldSets[set];
    } else change.oldSets[set] = to;
  } else if (set !== change.newSet) {
    change.oldSets[set] = to;
    if (change.kind === 'create' && change.newSet !== '') change.kind = 'rollout';
  }
  if (!up) change.deletes += from - to;
  if (change.kind === 'scale' && change.newSet !== '' && Object.keys(change.oldSets).length > 0) change.kind = 'rollout';
  if (change.kind === 'create' || change.kind === 'scale') rememberSize(walk, deployment, { replicas: to, at: one.at });
  else if (change.kind === 'rollout' && was === 'scale') rememberSize(walk, deployment, { replicas: change.wanted, at: one.at });
}

/** The version that the controller had in hand tells which edit it answered. */
function byGeneration(walk: DomainPass, generation: number, scaling: { set: string; up: boolean }): ChangeState | null {
  const open = walk.openChanges(['create', 'rollout', 'scale']);
  const same = open.find((change) => change.generation === generation);
  if (same) return same;
  // An edit that leaves the ReplicaSets as they are (a label, a pause) raises the generation in the middle of a rollout.
  const current = open.at(-1);
  const goesOn =
    current &&
    rolling(current) &&
    current.generation < generation &&
    (scaling.up ? scaling.set === current.newSet : scaling.set in current.oldSets);
  return goesOn ? current : null;
}

/** Without versions the sequence tells: a rollout builds up one ReplicaSet and takes the others down, nothing else. */
function bySequence(walk: DomainPass, one: Occurrence, scaling: Step): ChangeState | null {
  const current = walk.openChanges(['create', 'rollout', 'scale']).at(-1);
  if (!current) return null;
  const { set, up, from, to } = scaling;
  const reject = (why: string): null => {
    walk.note(one, current.id, why);
    return null;
  };
  if (set === '') return rolling(current) ? current : reject('its rollout was complete');
  // Its first messages were lost to merging: what it scales is not known, so this may be part of it.
  if (current.newSet === '' && Object.keys(current.oldSets).length === 0) return current;
  if (current.resized !== '' && current.resized !== set && set === current.newSet) {
    // Scaled up in the middle of a rollout: a new size when its new ReplicaSet goes on, a rollback when that goes down.
    if (!up) goBack(current, set);
    current.resized = '';
    return current;
  }
  if (!up) {
    if (set === current.newSet) return reject('it was scaling that ReplicaSet up');
    if (current.newSet === '') return reject('it was scaling down only');
    return current;
  }
  if (set === current.newSet) {
    if (!rolling(current) && !(current.kind === 'rollout' && current.wanted === 0)) return reject('its ReplicaSet had all its pods');
    return grows(walk, one, current, to) ? reject('it goes beyond its size') : current;
  }
  if (current.newSet === '') {
    const emptied = Object.values(current.oldSets).every((replicas) => replicas === 0);
    const recreates = !(set in current.oldSets) && (emptied || one.at - current.start < 2 * second);
    return recreates ? current : reject('it was scaling down only');
  }
  // A new size in the middle of a rollout is shared out among all ReplicaSets at once.
  if (current.resized === current.newSet && one.at - current.start < 2 * second) return current;
  if (set in current.oldSets) return reject('it was scaling that ReplicaSet down');
  return from > 0 && rolling(current) ? current : reject('another ReplicaSet was its new one');
}

/** A rollout takes its ReplicaSet up to the size that the Deployment had: beyond that it is another size. */
function grows(walk: DomainPass, one: Occurrence, change: ChangeState, to: number): boolean {
  const size = walk.context.deploymentSizes[involvedOf(one).name]?.replicas ?? 0;
  return change.kind === 'rollout' && size > 0 && change.wanted === size && to > size;
}

function begin(walk: DomainPass, one: Occurrence, { set, up, from, to }: Step): ChangeState {
  const { setSizes, deploymentSizes } = walk.context;
  const deployment = involvedOf(one).name;
  const fresh = Object.keys(setSizes).length === 0;
  const created = walk.objects.latest(involvedOf(one).uid)?.createdAt ?? null;
  const isNew = fresh && up && from === 0 && (created === null || one.at - created < minute);
  const others = Object.entries(setSizes).flatMap(([name, { replicas }]): [string, number][] =>
    name !== set && replicas > 0 ? [[name, replicas]] : [],
  );
  const rolls = set === '' || (up && from === 0 && !isNew && (others.length > 0 || !(set in setSizes)));
  const before = walk.openChanges(['create', 'rollout', 'scale']);
  const back = up ? rolls && set in setSizes : before.some((change) => change.newSet === set && rolling(change));
  for (const change of before) if (rolling(change)) change.superseded = true;
  const kind: ChangeKind = isNew ? 'create' : rolls ? 'rollout' : 'scale';
  const oldSets = rolls && up ? Object.fromEntries(others) : {};
  const total = others.reduce((sum, [, count]) => sum + count, set === '' ? 0 : from);
  const running = before.findLast((change) => change.newSet !== '' && change.superseded);
  const generation = walk.generation(one);
  if (running && up && (set in running.oldSets || set === running.newSet)) {
    const newReplicas = set === running.newSet ? to : running.newReplicas;
    const { newSet } = running;
    delete deploymentSizes[deployment];
    return walk.begin(one, 'rollout', undefined, {
      generation,
      newSet,
      newReplicas,
      wanted: 0,
      oldSets: { ...running.oldSets },
      resized: set,
    });
  }
  // What an unfinished rollout has made beside the old pods is no part of the size.
  const unfinished = running !== undefined || others.length + (from > 0 ? 1 : 0) > 1;
  if (!unfinished) rememberSize(walk, deployment, { replicas: total, at: one.at });
  const wanted = deploymentSizes[deployment]?.replicas ?? 0;
  return walk.begin(one, kind, undefined, { generation, back, oldSets, wanted });
}

function goBack(change: ChangeState, set: string): void {
  change.back = true;
  change.newSet = change.resized;
  delete change.oldSets[change.resized];
  change.oldSets[set] = change.newReplicas;
}

/** The rescale that this scaling answers: same new size, shortly before. */
function rescaleOf(walk: DomainPass, one: Occurrence, to: number): { change: ChangeState; occurrence: string } | null {
  const target = involvedOf(one);
  for (const action of walk.actionsOn(`rescale:${target.kind}/${target.namespace}/${target.name}`, one.at - rescaleWindow, one.at)) {
    if (toNumber(action.routed.meaning.groups['size'] ?? action.routed.meaning.groups['to']) !== to) continue;
    const change = walk.open(walk.place(action)?.change);
    if (change) return { change, occurrence: action.id };
  }
  return null;
}

/** What has made or changed the Deployment, or what owns it (a tool's apply, a Revision), shortly before. */
function orderOf(walk: DomainPass, one: Occurrence): { change: ChangeState; occurrence: string } | null {
  for (const ref of one.routed.chain.slice(0, one.routed.owners)) {
    for (const action of walk.actionsOn(nameKey(ref), one.at - effectMayTrail, one.at)) {
      if (!['create', 'update'].includes(action.routed.meaning.verb)) continue;
      const change = walk.open(walk.place(action)?.change);
      if (change) return { change, occurrence: action.id };
    }
  }
  return null;
}

/**
 * The scaling that a pod's coming or going answers: the latest one of its ReplicaSet that still has pods to account for, else
 * one recorded up to a second later, else the latest one.
 */
export function bindScaling(walk: DomainPass, one: Occurrence, set: string, up: boolean): Scaling | null {
  if (set === '') return null;
  const usable = (scaling: Scaling) =>
    (scaling.set === '' || (scaling.set === set && scaling.up === up)) && walk.open(scaling.change) !== null;
  // The pod's own first event may lie before the scaling that the naming of the pod comes after: the walk has yet to pass it.
  placeScalings(walk, one, one.at);
  // The latest first; of several whose times are the same, since they are cut to the second, the one that came first.
  const past = walk.context.scalings.filter((scaling) => usable(scaling) && scaling.at <= one.at).sort((a, b) => b.at - a.at);
  const free = past.find((scaling) => scaling.slots > 0 && (up || one.at - scaling.at < effectMayTrail));
  if (free) return take(free);
  for (const action of walk.actionsOn(`ReplicaSet/${involvedOf(one).namespace}/${set}`, one.at, one.at).reverse()) {
    if (action.at > one.at + causeMayTrail || action.routed.meaning.verb !== (up ? 'scale-up' : 'scale-down')) continue;
    if (one.routed.meaning.verb === 'stop' && replacedBefore(walk, one, set, action.at)) continue;
    placeScalings(walk, one, action.at);
    const found = walk.context.scalings.find((scaling) => scaling.occurrence === action.id);
    if (found && usable(found)) return take(found);
  }
  return null;
}

/** A ReplicaSet that makes a pod which no scaling asked for replaces one: what stopped went before it was scaled down. */
function replacedBefore(walk: DomainPass, one: Occurrence, set: string, until: Micros): boolean {
  const owner = one.routed.chain[1];
  if (!owner) return false;
  const asked = walk.context.scalings.filter((scaling) => scaling.up && (scaling.set === set || scaling.set === ''));
  const slots = asked.reduce((sum, scaling) => sum + Math.max(0, scaling.slots), 0);
  const creates = walk
    .actionsBy(keyOf(owner), one.at - causeMayTrail, until)
    .filter((action) => action.routed.meaning.verb === 'create' && !walk.placed.has(action.id));
  return creates.length > slots;
}

/** Scalings build upon one another: all of the Deployment up to that time are placed, in their order. */
function placeScalings(walk: DomainPass, one: Occurrence, until: Micros): void {
  const deployment = one.routed.chain.find((ref) => ref.kind === 'Deployment');
  if (!deployment) return;
  for (const action of walk.actionsBy(keyOf(deployment), one.at - causeMayTrail, until))
    if (action.routed.meaning.verb === 'scale-up' || action.routed.meaning.verb === 'scale-down') walk.place(action);
}

function take(scaling: Scaling): Scaling {
  scaling.slots -= 1;
  return scaling;
}

export function toNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
