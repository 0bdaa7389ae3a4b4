/**
 * `Scaled up|down replica set X` of a Deployment, or of anything else that scales ReplicaSets: which change it belongs to. Where versions
 * are known, the generation that the controller had in hand tells the edits apart; else the sequence does: a rollout builds up one
 * ReplicaSet and takes the others down. A workload that reports when a rollout begins and ends (`end`) needs neither.
 */
import { isRolling, namesNoSet, noRollout, type RolloutState, type TrackedChange, type TrackedKind } from '../change.ts';
import { dropOldest, type KnownSet } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { minute, second } from '../settling-times.ts';
import type { DomainPass, Placer } from './domain-pass.ts';
import { involvedOf, nameKey } from './occurrence-index.ts';
import { orderOf, ordersToPlace, rescaleOf, rescalesToPlace, toNumber } from './orders.ts';

const scalingsRemembered = 1_000;
/** A Deployment keeps 10 ReplicaSets without replicas (revisionHistoryLimit); what a rollback may go back to is among these. */
const emptySetsRemembered = 50;
const sizesRemembered = 1_000;

interface Step {
  /** Key of what scales. */
  readonly workload: string;
  /** Empty when the message was lost to merging. */
  readonly set: string;
  readonly up: boolean;
  readonly from: number;
  readonly to: number;
}

export const scalingPlacer: Placer = {
  causes: (pass, one) => {
    const { up, to } = stepOf(pass, one);
    return [...rescalesToPlace(pass, one, involvedOf(one), to), ...(up ? ordersToPlace(pass, one) : [])];
  },
  place: placeScaling,
};

/** The open changes that scalings may belong to. */
function workChanges(pass: DomainPass): TrackedChange[] {
  return pass.openChanges(['create', 'rollout', 'scale']);
}

function placeScaling(pass: DomainPass, one: Occurrence): void {
  const step = stepOf(pass, one);
  const generation = pass.generationOf(one);
  const rescale = rescaleOf(pass, one, involvedOf(one), step.to);
  const isVersioned = generation > 0 && workChanges(pass).some(({ generations }) => step.workload in generations);
  const joined = isVersioned ? byGeneration(pass, generation, step) : bySequence(pass, one, step);
  const order = step.up ? orderOf(pass, one) : null;
  const ordered = order && !joined && namesNoSet(order.change, step.workload);
  const change = rescale?.change ?? (ordered ? order.change : null) ?? joined ?? begin(pass, one, step);
  if (order?.change === change && change.kind === 'update') change.kind = 'rollout';
  if (generation > 0) change.generations[step.workload] ??= generation;
  if (order?.change === change)
    pass.assign(one, { change, parent: order.occurrence, rule: 'deployment.ordered', evidence: order.occurrence });
  else if (rescale) pass.assign(one, { change, parent: rescale.occurrence, rule: 'hpa.rescale', evidence: rescale.occurrence });
  else {
    const evidence = generation > 0 ? `generation ${generation}` : change.id;
    pass.assign(one, { change, rule: joined ? 'deployment.same-edit' : 'deployment.edit', evidence });
  }
  const { set, up, from, to } = step;
  if (set !== '') {
    advance(pass, one, change, step);
    rememberSet(pass, set, { workload: step.workload, replicas: to, at: one.at });
  }
  const slots = set === '' ? Number.MAX_SAFE_INTEGER : Math.abs(to - from);
  const { scalings } = pass.context;
  scalings.push({ occurrence: one.id, change: change.id, at: one.at, set, up, slots });
  if (scalings.length > scalingsRemembered) scalings.shift();
}

function stepOf(pass: DomainPass, one: Occurrence): Step {
  const { subject, verb, groups } = one.routed.meaning;
  const named = one.messageKnown ? (subject?.name ?? '') : '';
  const set = named === '__proto__' ? '' : named;
  const up = verb === 'scale-up';
  const to = toNumber(groups['to']) ?? 0;
  const from = toNumber(groups['from']) ?? pass.context.setSizes[set]?.replicas ?? (up ? 0 : to + 1);
  return { workload: keyOf(involvedOf(one)), set, up, from, to };
}

/** Writes down how far the rollout has come. */
function advance(pass: DomainPass, one: Occurrence, change: TrackedChange, step: Step): void {
  const { workload, set, up, from, to } = step;
  const was = change.kind;
  change.rollouts[workload] ??= firstStep(pass, one, change, step);
  const rollout = change.rollouts[workload];
  // What comes in place of an unfinished rollout goes back only when it is a ReplicaSet that was there before.
  if (up && rollout.newSet === '' && rollout.back) rollout.back = set in pass.context.setSizes;
  if (up) {
    if (rollout.newSet === '' || rollout.newSet === set || from === 0) {
      rollout.newSet = set;
      rollout.newReplicas = to;
      delete rollout.oldSets[set];
    } else rollout.oldSets[set] = to;
  } else if (set !== rollout.newSet) {
    rollout.oldSets[set] = to;
    if (change.kind === 'create' && rollout.newSet !== '') change.kind = 'rollout';
  } else if (change.end !== 'none') turnBack(rollout, set, to);
  if (!up) change.deletes += from - to;
  if (change.kind === 'scale' && rollout.newSet !== '' && Object.keys(rollout.oldSets).length > 0) change.kind = 'rollout';
  if (change.kind === 'create' || change.kind === 'scale') rememberSize(pass, one, to);
  else if (change.kind === 'rollout' && was === 'scale') rememberSize(pass, one, rollout.wanted);
}

/** A rollout that something else began: what is there beside its new ReplicaSet is to be taken down. */
function firstStep(pass: DomainPass, one: Occurrence, { kind, end }: TrackedChange, step: Step): RolloutState {
  const olds = kind === 'rollout' && end !== 'none' ? othersOf(pass, step) : [];
  const oldSets = Object.fromEntries(olds.map(([name, { replicas }]) => [name, replicas]));
  const total = olds.reduce((sum, [, { replicas }]) => sum + replicas, 0);
  return { ...noRollout, oldSets, wanted: olds.length === 1 ? total : sizeOf(pass, one) };
}

/** The other ReplicaSets of the workload that have replicas. */
function othersOf(pass: DomainPass, { workload, set }: Step): [string, KnownSet][] {
  return setsOf(pass, workload).filter(([name, { replicas }]) => name !== set && replicas > 0);
}

function setsOf({ context: { setSizes } }: DomainPass, workload: string): [string, KnownSet][] {
  return Object.entries(setSizes).filter(([, one]) => one.workload === workload);
}

/** An aborted rollout takes its new ReplicaSet down, and what is left is the old one. */
function turnBack(rollout: RolloutState, set: string, replicas: number): void {
  const olds = Object.entries(rollout.oldSets).sort(([, a], [, b]) => b - a);
  const [name, size] = olds[0] ?? ['', 0];
  rollout.newSet = name;
  rollout.newReplicas = size;
  delete rollout.oldSets[name];
  rollout.oldSets[set] = replicas;
}

/** The version that the controller had in hand tells which edit it answered. */
function byGeneration(pass: DomainPass, generation: number, { workload, set, up }: Step): TrackedChange | null {
  const open = workChanges(pass).filter(({ generations }) => workload in generations);
  const same = open.find(({ generations }) => generations[workload] === generation);
  if (same) return same;
  // An edit that leaves the ReplicaSets as they are (a label, a pause) raises the generation in the middle of a rollout.
  const current = open.at(-1);
  const rollout = current?.rollouts[workload];
  if (!current || !rollout || !isRolling(current) || (current.generations[workload] ?? 0) >= generation) return null;
  return (up ? set === rollout.newSet : set in rollout.oldSets) ? current : null;
}

/** Without versions: the latest change, unless the step is no part of it. */
function bySequence(pass: DomainPass, one: Occurrence, step: Step): TrackedChange | null {
  // What was recorded after it and has no scaling yet is no change that it goes on with.
  const current = workChanges(pass).findLast(
    (change) => isOf(change, step) && (change.start <= one.at || !namesNoSet(change, step.workload)),
  );
  if (!current) return null;
  const misfit = misfitOf(pass, one, current, step);
  if (misfit === '') return current;
  pass.reject(one, current.id, misfit);
  return null;
}

/** Where a domain has several workloads, what one of them does is no part of what another does. */
function isOf({ rollouts, root }: TrackedChange, { workload }: Step): boolean {
  return workload in rollouts || (Object.keys(rollouts).length === 0 && keyOf(root) === workload);
}

/** Why the step is no part of the change; empty: it may be. */
function misfitOf(pass: DomainPass, one: Occurrence, current: TrackedChange, { workload, set, up, from, to }: Step): string {
  const rollout = current.rollouts[workload];
  if (set === '') return isRolling(current) ? '' : 'its rollout was complete';
  if (current.end === 'expected' || (current.end === 'reached' && current.failed !== '')) return '';
  // Its first messages were lost to merging: what it scales is not known, so this may be part of it.
  if (rollout === undefined || namesNoSet(current, workload)) return '';
  if (rollout.resized !== '' && rollout.resized !== set && set === rollout.newSet) {
    // Scaled up in the middle of a rollout: a new size when its new ReplicaSet goes on, a rollback when that goes down.
    if (!up) goBack(rollout, set);
    rollout.resized = '';
    return '';
  }
  if (!up) {
    if (set === rollout.newSet) return 'it was scaling that ReplicaSet up';
    return rollout.newSet === '' ? 'it was scaling down only' : '';
  }
  if (set === rollout.newSet) {
    const sizeIsOpen = current.kind === 'rollout' && rollout.wanted === 0 && current.end === 'none';
    if (!isRolling(current) && !sizeIsOpen) return 'its ReplicaSet had all its pods';
    return isLarger(pass, one, current.kind, rollout, to) ? 'it goes beyond its size' : '';
  }
  if (rollout.newSet === '') {
    const emptied = Object.values(rollout.oldSets).every((replicas) => replicas === 0);
    const recreates = !(set in rollout.oldSets) && (emptied || one.at - current.start < 2 * second);
    return recreates ? '' : 'it was scaling down only';
  }
  // A new size in the middle of a rollout is shared out among all ReplicaSets at once.
  if (rollout.resized === rollout.newSet && one.at - current.start < 2 * second) return '';
  if (set in rollout.oldSets) return 'it was scaling that ReplicaSet down';
  return from > 0 && isRolling(current) ? '' : 'another ReplicaSet was its new one';
}

/** A rollout takes its ReplicaSet up to the size that the Deployment had: beyond that it is another size. */
function isLarger(pass: DomainPass, one: Occurrence, kind: TrackedKind, { wanted }: RolloutState, to: number): boolean {
  const size = sizeOf(pass, one);
  return kind === 'rollout' && size > 0 && wanted === size && to > size;
}

function goBack(rollout: RolloutState, set: string): void {
  rollout.back = true;
  rollout.newSet = rollout.resized;
  delete rollout.oldSets[rollout.resized];
  rollout.oldSets[set] = rollout.newReplicas;
}

function begin(pass: DomainPass, one: Occurrence, step: Step): TrackedChange {
  const { workload, set, up, from, to } = step;
  const { setSizes } = pass.context;
  const known = setsOf(pass, workload);
  const created = pass.objects.latest(involvedOf(one).uid)?.createdAt ?? null;
  const isNew = known.length === 0 && up && from === 0 && (created === null || one.at - created < minute);
  const others = othersOf(pass, step);
  const rolls = set === '' || (up && from === 0 && !isNew && (others.length > 0 || !(set in setSizes)));
  const before = workChanges(pass).filter((change) => isOf(change, step));
  const back = up ? rolls && set in setSizes : before.some((change) => change.rollouts[workload]?.newSet === set && isRolling(change));
  for (const change of before) if (isRolling(change)) change.superseded = true;
  const replaced = before.findLast(({ rollouts, superseded }) => superseded && (rollouts[workload]?.newSet ?? '') !== '');
  const running = replaced?.rollouts[workload];
  if (running && up && (set in running.oldSets || set === running.newSet)) {
    delete pass.context.deploymentSizes[nameKey(involvedOf(one))];
    const newReplicas = set === running.newSet ? to : running.newReplicas;
    const { newSet } = running;
    const rollout = { ...noRollout, newSet, newReplicas, oldSets: { ...running.oldSets }, resized: set };
    return pass.begin(one, 'rollout', { rollouts: { [workload]: rollout } });
  }
  // What an unfinished rollout has made beside the old pods is no part of the size.
  const unfinished = running !== undefined || others.length + (from > 0 ? 1 : 0) > 1;
  const total = others.reduce((sum, [, { replicas }]) => sum + replicas, set === '' ? 0 : from);
  if (!unfinished) rememberSize(pass, one, total);
  const oldSets = rolls && up ? Object.fromEntries(others.map(([name, { replicas }]) => [name, replicas])) : {};
  const rollout = { ...noRollout, back, oldSets, wanted: sizeOf(pass, one) };
  return pass.begin(one, isNew ? 'create' : rolls ? 'rollout' : 'scale', { rollouts: { [workload]: rollout } });
}

function rememberSet({ context: { setSizes } }: DomainPass, set: string, size: KnownSet): void {
  setSizes[set] = size;
  if (size.replicas > 0) return dropOldest(setSizes, ({ at }) => at, 0, sizesRemembered);
  const empty = Object.entries(setSizes).filter(([, { replicas }]) => replicas === 0);
  if (empty.length <= emptySetsRemembered) return;
  empty.sort(([, a], [, b]) => a.at - b.at);
  for (const [name] of empty.slice(0, empty.length - emptySetsRemembered)) delete setSizes[name];
}

function rememberSize({ context: { deploymentSizes } }: DomainPass, one: Occurrence, replicas: number): void {
  deploymentSizes[nameKey(involvedOf(one))] = { replicas, at: one.at };
  dropOldest(deploymentSizes, ({ at }) => at, 0, sizesRemembered);
}

/** How many replicas the Deployment wanted; 0: not known. */
function sizeOf({ context: { deploymentSizes } }: DomainPass, one: Occurrence): number {
  return deploymentSizes[nameKey(involvedOf(one))]?.replicas ?? 0;
}
