/**
 * Facts from Events about objects beyond their own domain (creators, uids of names, cordoned nodes), each valid from a time on. Routing reads
 * them by index and key. Adding is idempotent and order-independent, so that several correlators can share them through a store.
 */
import type { Micros, ObjectRef, Observation } from '../../events/observation.ts';
import { keyOf, nameKeyOf } from '../occurrence.ts';
import type { Act, Meaning } from '../rules/rule.ts';
import { minute } from '../settling-times.ts';

export const factIndexes = [
  /** By name: a uid that bears it, from when on. */
  'life',
  /** By name: who is said to have made the object. */
  'owner',
  /** By pod key: the node it was bound to. */
  'node',
  /** By namespace and size: which workload was scaled to it. */
  'rescaled',
  /** By node: cordoned or not, ready or not. */
  'cordon',
  'outage',
  /** By pod name: for whose sake it was preempted. */
  'preempted',
  /** By pod name, and by namespace and time slot: containers told to stop, on which node. */
  'stop',
  'stops-in',
  /** By name: deleted by its controller. */
  'deleted',
  /** By name of the ReplicaSet: scaled, by how many. */
  'scaled',
  /** By key of the maker: a pod that it made; by name of the pod: its maker. */
  'made',
  'maker',
  /** Whether anything in the cluster claims anything. */
  'claims',
  /** By name: an object that was fed or looked up; by name of the target: an object that refers to it. */
  'object',
  'target',
] as const;
export type FactIndex = (typeof factIndexes)[number];

export interface Fact {
  readonly index: FactIndex;
  readonly key: string;
  readonly at: Micros;
  readonly ref: ObjectRef | null;
  readonly text: string;
  readonly on: boolean;
  readonly count: number;
}

export interface Facts {
  get(index: FactIndex, key: string): readonly Fact[];
}

/** Of these only the earliest time counts: saying them again later adds nothing. */
export const timeless: ReadonlySet<FactIndex> = new Set<FactIndex>(['life', 'claims', 'object', 'target']);

/** Max facts per key; the oldest are dropped. */
export const factsMost = 10_000;

const slot = 4 * minute;

/** Stops are asked for by a window shorter than a slot: it touches at most two. */
export function stopSlots(namespace: string, from: Micros, to: Micros): string[] {
  const [first, last] = [Math.floor(from / slot), Math.floor(to / slot)];
  return first === last ? [`${namespace}@${first}`] : [`${namespace}@${first}`, `${namespace}@${last}`];
}

/** The facts of one observation. */
export function factsOf(observation: Observation, meaning: Meaning): Fact[] {
  const facts: Fact[] = [];
  const { involved, related, first, last } = observation;
  tellLife(facts, involved, first.at);
  if (related) tellLife(facts, related, first.at);
  if (meaning.groups['node'] && involved.kind === 'Pod')
    facts.push(fact('node', keyOf(involved), first.at, { text: meaning.groups['node'] }));
  tellClaims(facts, observation, meaning);
  const { subject, verb } = meaning;
  if (!subject) return facts;
  const at = observation.merged ? last.at : first.at;
  for (const act of [{ verb, subject }, ...meaning.others]) tellOwner(facts, involved, act, at);
  if ((verb === 'scale-up' || verb === 'scale-down') && meaning.groups['to'])
    facts.push(fact('rescaled', `${involved.namespace}/${meaning.groups['to']}`, at, { ref: involved }));
  tellDoings(facts, observation, meaning);
  return facts;
}

function tellOwner(facts: Fact[], involved: ObjectRef, { verb, subject }: Act, at: Micros): void {
  const owns = verb === 'create' || verb === 'scale-up' || verb === 'scale-down' || verb === 'delete';
  if (!owns || (subject.name === involved.name && subject.kind === involved.kind)) return;
  facts.push(fact('owner', nameKeyOf(subject.kind, subject.namespace, subject.name), at, { ref: involved }));
  tellLife(facts, { apiVersion: '', ...subject }, at);
}

function tellLife(facts: Fact[], ref: ObjectRef, at: Micros): void {
  if (ref.kind !== '' && ref.name !== '') facts.push(fact('life', nameKeyOf(ref.kind, ref.namespace, ref.name), at, { ref }));
}

/** What may claim pods, and the stops that may be claimed. */
function tellClaims(facts: Fact[], observation: Observation, { verb, phase, home, class: role }: Meaning): void {
  const { involved, first, last, related, instance } = observation;
  const before = facts.length;
  if (verb === 'cordon' || verb === 'uncordon') facts.push(fact('cordon', involved.name, last.at, { on: verb === 'cordon' }));
  if (phase === 'outage' && (role === 'start' || role === 'end'))
    facts.push(fact('outage', involved.name, last.at, { on: role === 'start' }));
  if (home === 'related' && related)
    facts.push(fact('preempted', nameKeyOf(involved.kind, involved.namespace, involved.name), first.at, { ref: related }));
  if (facts.length > before) facts.push(fact('claims', '', last.at));
  if (verb !== 'stop' && home !== 'outage') return;
  const on = home === 'outage';
  const stop = { ref: involved, text: on ? '' : instance, on };
  facts.push(fact('stop', nameKeyOf(involved.kind, involved.namespace, involved.name), first.at, stop));
  for (const key of stopSlots(involved.namespace, first.at, first.at)) facts.push(fact('stops-in', key, first.at, stop));
}

/** What controllers did to their objects, as claims need it. */
function tellDoings(facts: Fact[], { involved, last }: Observation, { subject, verb, groups }: Meaning): void {
  if (!subject) return;
  const name = nameKeyOf(subject.kind, subject.namespace, subject.name);
  if (verb === 'delete') facts.push(fact('deleted', name, last.at));
  if (verb === 'scale-up' || verb === 'scale-down') {
    const count = Math.abs(Number(groups['to'] ?? 0) - Number(groups['from'] ?? 0));
    facts.push(fact('scaled', name, last.at, { on: verb === 'scale-up', count }));
  }
  if (verb === 'create' && subject.kind === 'Pod') {
    facts.push(fact('made', keyOf(involved), last.at, { text: name }));
    facts.push(fact('maker', name, last.at, { ref: involved }));
  }
}

export function fact(index: FactIndex, key: string, at: Micros, more: Partial<Pick<Fact, 'ref' | 'text' | 'on' | 'count'>> = {}): Fact {
  const { ref = null, text = '', on = false, count = 0 } = more;
  return { index, key, at, ref, text, on, count };
}
