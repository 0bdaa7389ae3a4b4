/**
 * Facts: what Events say about objects beyond the domain that they belong to (who made whom, which uid bears a name, which node was
 * cordoned), each with the time from which it counts. Routing asks them by index and key. Adding is idempotent and the answers do not
 * depend on the order of adding, so that several correlators can share them through a store.
 */
import type { Micros, ObjectRef, Observation } from '../../events/observation.ts';
import { keyOf, nameKeyOf } from '../occurrence.ts';
import type { Meaning } from '../rules/rule.ts';
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

/** At most this many facts under one key; the oldest go first. */
export const factsMost = 10_000;

const slot = 4 * minute;

/** Stops are asked for by a window shorter than a slot: it touches at most two. */
export function stopSlots(namespace: string, from: Micros, to: Micros): string[] {
  const [first, last] = [Math.floor(from / slot), Math.floor(to / slot)];
  return first === last ? [`${namespace}@${first}`] : [`${namespace}@${first}`, `${namespace}@${last}`];
}

/** All that one observation says for the index. */
export function factsOf(observation: Observation, meaning: Meaning): Fact[] {
  const facts: Fact[] = [];
  const { involved, related, first, last } = observation;
  tellLife(facts, involved, first.at);
  if (related) tellLife(facts, related, first.at);
  if (meaning.groups['node'] && involved.kind === 'Pod')
    facts.push({ ...bare('node', keyOf(involved), first.at), text: meaning.groups['node'] });
  tellClaims(facts, observation, meaning);
  const { subject, verb } = meaning;
  if (!subject) return facts;
  const at = observation.merged ? last.at : first.at;
  const owns = verb === 'create' || verb === 'scale-up' || verb === 'scale-down' || verb === 'delete';
  if (owns && (subject.name !== involved.name || subject.kind !== involved.kind)) {
    facts.push({ ...bare('owner', nameKeyOf(subject.kind, subject.namespace, subject.name), at), ref: involved });
    tellLife(facts, { apiVersion: '', ...subject }, at);
  }
  if ((verb === 'scale-up' || verb === 'scale-down') && meaning.groups['to'])
    facts.push({ ...bare('rescaled', `${involved.namespace}/${meaning.groups['to']}`, at), ref: involved });
  tellDoings(facts, observation, meaning);
  return facts;
}

function tellLife(facts: Fact[], ref: ObjectRef, at: Micros): void {
  if (ref.kind !== '' && ref.name !== '') facts.push({ ...bare('life', nameKeyOf(ref.kind, ref.namespace, ref.name), at), ref });
}

/** What may claim pods, and the stops that may be claimed. */
function tellClaims(facts: Fact[], observation: Observation, { verb, phase, home, class: role }: Meaning): void {
  const { involved, first, last, related, instance } = observation;
  const before = facts.length;
  if (verb === 'cordon' || verb === 'uncordon') facts.push({ ...bare('cordon', involved.name, last.at), on: verb === 'cordon' });
  if (phase === 'outage' && (role === 'start' || role === 'end'))
    facts.push({ ...bare('outage', involved.name, last.at), on: role === 'start' });
  if (home === 'related' && related)
    facts.push({ ...bare('preempted', nameKeyOf(involved.kind, involved.namespace, involved.name), first.at), ref: related });
  if (facts.length > before) facts.push(bare('claims', '', last.at));
  if (verb !== 'stop' && home !== 'outage') return;
  const on = home === 'outage';
  const stop = { ref: involved, text: on ? '' : instance, on };
  facts.push({ ...bare('stop', nameKeyOf(involved.kind, involved.namespace, involved.name), first.at), ...stop });
  for (const key of stopSlots(involved.namespace, first.at, first.at)) facts.push({ ...bare('stops-in', key, first.at), ...stop });
}

/** What controllers did to their objects, as claims need it. */
function tellDoings(facts: Fact[], { involved, last }: Observation, { subject, verb, groups }: Meaning): void {
  if (!subject) return;
  const name = nameKeyOf(subject.kind, subject.namespace, subject.name);
  if (verb === 'delete') facts.push(bare('deleted', name, last.at));
  if (verb === 'scale-up' || verb === 'scale-down') {
    const count = Math.abs(Number(groups['to'] ?? 0) - Number(groups['from'] ?? 0));
    facts.push({ ...bare('scaled', name, last.at), on: verb === 'scale-up', count });
  }
  if (verb === 'create' && subject.kind === 'Pod') {
    facts.push({ ...bare('made', keyOf(involved), last.at), text: name });
    facts.push({ ...bare('maker', name, last.at), ref: involved });
  }
}

export function bare(index: FactIndex, key: string, at: Micros): Fact {
  return { index, key, at, ref: null, text: '', on: false, count: 0 };
}

/** What tells two facts under one key apart. */
function identityOf({ index, at, ref, text, on, count }: Fact): string {
  const about = ref ? `${ref.apiVersion}|${keyOf(ref)}` : '';
  return timeless.has(index) ? about : `${at}|${about}|${text}|${on}|${count}`;
}

interface Bucket {
  /** Identity -> place in the list. */
  readonly places: Map<string, number>;
  list: Fact[];
  /** When it was last spoken of. */
  last: Micros;
}

/** Facts in the memory of one process. */
export class MemoryFacts implements Facts {
  readonly #buckets = new Map<string, Bucket>();

  add(fact: Fact): void {
    const key = `${fact.index}|${fact.key}`;
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      bucket = { places: new Map(), list: [], last: fact.at };
      this.#buckets.set(key, bucket);
    }
    bucket.last = Math.max(bucket.last, fact.at);
    const identity = identityOf(fact);
    const place = bucket.places.get(identity);
    if (place === undefined) {
      bucket.places.set(identity, bucket.list.length);
      bucket.list.push(fact);
    } else if (fact.at < (bucket.list[place]?.at ?? 0)) bucket.list[place] = fact;
  }

  get(index: FactIndex, key: string): readonly Fact[] {
    return this.#buckets.get(`${index}|${key}`)?.list ?? [];
  }

  /** Drops what was last spoken of before that time. */
  forget(before: Micros): void {
    for (const [key, bucket] of this.#buckets) {
      if (bucket.last < before) this.#buckets.delete(key);
      else if (bucket.list.length > 1 && !isTimeless(key)) dropBefore(bucket, before);
    }
  }
}

function isTimeless(key: string): boolean {
  const index = key.slice(0, key.indexOf('|'));
  return [...timeless].some((one) => one === index);
}

function dropBefore(bucket: Bucket, before: Micros): void {
  const kept = bucket.list.filter((fact) => fact.at >= before).slice(-factsMost);
  if (kept.length === bucket.list.length) return;
  bucket.list = kept;
  bucket.places.clear();
  for (const [place, fact] of kept.entries()) bucket.places.set(identityOf(fact), place);
}
