/**
 * Claims: what happens to a pod for the sake of another object belongs to that object's change. A drain claims the pods that it evicts
 * and what replaces them, a preemption its victims, a node outage the pods that are driven off. Answers depend on event times alone.
 */
import type { Micros, ObjectRef, Observation } from '../cloudevent/observation.ts';
import { causeMayTrail, longestChange, minute, second } from './figures.ts';
import { keyOf, nameKeyOf } from './occurrence.ts';
import type { Meaning } from './rule.ts';

/** A kubelet may record the cordon this much after the evictions that it explains. */
const cordonMayTrail = 5 * second;
const replacedWithin = 2 * minute;
const deletionShows = minute;

interface Switch {
  readonly at: Micros;
  readonly on: boolean;
}

interface Scaled extends Switch {
  readonly slots: number;
}

interface Made {
  readonly name: string;
  readonly at: Micros;
}

interface Stop {
  readonly pod: ObjectRef;
  readonly at: Micros;
  readonly node: string;
  readonly evicted: boolean;
}

export class Claims {
  #cordons = new Map<string, Switch[]>();
  #outages = new Map<string, Switch[]>();
  #preempted = new Map<string, { readonly by: ObjectRef; readonly at: Micros }[]>();
  #stops = new Map<string, Stop[]>();
  #stopsIn = new Map<string, Stop[]>();
  #deleted = new Map<string, { readonly at: Micros }[]>();
  #scaled = new Map<string, Scaled[]>();
  #made = new Map<string, Map<string, Made>>();
  #makers = new Map<string, { readonly maker: ObjectRef; readonly at: Micros }[]>();

  learn(observation: Observation, meaning: Meaning): void {
    const { involved, first, last, related } = observation;
    const { subject, verb } = meaning;
    const at = last.at;
    if (meaning.rule === 'node.cordon' || meaning.rule === 'node.uncordon')
      add(this.#cordons, involved.name, { at, on: meaning.rule === 'node.cordon' });
    if (meaning.rule === 'node.not-ready' || meaning.rule === 'node.ready')
      add(this.#outages, involved.name, { at, on: meaning.rule === 'node.not-ready' });
    if (meaning.home === 'related' && related) add(this.#preempted, nameOf(involved), { by: related, at: first.at });
    if (meaning.rule === 'kubelet.killing' || meaning.rule === 'taint.evict') this.#stopped(observation, meaning);
    if (!subject) return;
    const name = nameKeyOf(subject.kind, subject.namespace, subject.name);
    if (verb === 'delete') add(this.#deleted, name, { at });
    if (verb === 'scale-up' || verb === 'scale-down') add(this.#scaled, name, { at, on: verb === 'scale-up', slots: slotsOf(meaning) });
    if (verb === 'create' && subject.kind === 'Pod') {
      const made = this.#made.get(keyOf(involved)) ?? new Map<string, Made>();
      this.#made.set(keyOf(involved), made.set(`${name}@${at}`, { name, at }));
      add(this.#makers, name, { maker: involved, at });
    }
  }

  /** The first stop of each pod; several containers stop once each. */
  #stopped(observation: Observation, meaning: Meaning): void {
    const { involved, first, instance } = observation;
    const evicted = meaning.rule === 'taint.evict';
    const stop = { pod: involved, at: first.at, node: evicted ? '' : instance, evicted };
    for (const [map, key] of [
      [this.#stops, nameOf(involved)],
      [this.#stopsIn, involved.namespace],
    ] as const) {
      const list = map.get(key) ?? [];
      const known = list.findIndex((other) => keyOf(other.pod) === keyOf(involved));
      if (known >= 0 && (list[known]?.at ?? 0) <= first.at) continue;
      if (known >= 0) list[known] = stop;
      else list.push(stop);
      map.set(key, list);
    }
  }

  /** Drops what happened before that time. */
  forget(before: Micros): void {
    for (const map of [this.#cordons, this.#outages]) dropBefore(map, before);
    dropBefore(this.#scaled, before);
    dropBefore(this.#stopsIn, before);
    dropBefore(this.#stops, before);
    dropBefore(this.#deleted, before);
    dropBefore(this.#preempted, before);
    dropBefore(this.#makers, before);
    for (const [maker, made] of this.#made) {
      for (const [key, { at }] of made) if (at < before) made.delete(key);
      if (made.size === 0) this.#made.delete(maker);
    }
  }

  /** Nothing in the cluster claims anything, as nearly always. */
  get none(): boolean {
    return this.#cordons.size + this.#outages.size + this.#preempted.size === 0;
  }

  /** The object for whose sake this pod was stopped or made, or null. `ownerOf` and `nodeOf` answer from the owner chain. */
  claimOfPod(pod: ObjectRef, at: Micros, known: Known): ObjectRef | null {
    const stops = (this.#stops.get(nameOf(pod)) ?? []).filter((one) => one.at <= at + causeMayTrail && at - one.at < longestChange);
    const own = stops.filter((one) => pod.uid === '' || one.pod.uid === '' || one.pod.uid === pod.uid);
    const stop = own.sort((a, b) => a.at - b.at || (keyOf(a.pod) < keyOf(b.pod) ? -1 : 1)).at(-1);
    if (stop) {
      const by = this.#claimOfStop(stop, known);
      if (by) return by;
    }
    const made = latest(this.#makers.get(nameOf(pod)), at + causeMayTrail);
    if (!made || at - made.at > longestChange) return null;
    return this.claimOfMaking(made.maker, nameOf(pod), made.at, known);
  }

  #claimOfStop(stop: Stop, known: Known): ObjectRef | null {
    const preempted = latest(this.#preempted.get(nameOf(stop.pod)), stop.at + causeMayTrail);
    if (preempted && stop.at - preempted.at < minute) return preempted.by;
    const node = stop.node || known.nodeOf(stop.pod);
    if (node === '') return null;
    if (stop.evicted) return isOn(this.#outages.get(node), stop.at, causeMayTrail) ? nodeRef(node) : null;
    if (!isOn(this.#cordons.get(node), stop.at, cordonMayTrail)) return null;
    const deleted = this.#deleted.get(nameOf(stop.pod)) ?? [];
    if (deleted.some(({ at }) => at <= stop.at + causeMayTrail && stop.at - at < deletionShows)) return null;
    const owner = known.ownerOf(stop.pod);
    const scaledDown = owner && this.#scaledNear(owner, stop.at, deletionShows, false);
    return scaledDown ? null : nodeRef(node);
  }

  /** A pod made in place of one that was claimed: the n-th making after the first stop answers the n-th stop. */
  claimOfMaking(maker: ObjectRef, pod: string, at: Micros, known: Known): ObjectRef | null {
    if (this.#answersScaling(maker, pod, at)) return null;
    const stops = (this.#stopsIn.get(maker.namespace) ?? []).filter(
      (stop) => stop.at <= at + causeMayTrail && at - stop.at < replacedWithin,
    );
    const claimed: { by: ObjectRef; at: Micros }[] = [];
    for (const stop of stops) {
      const owner = known.ownerOf(stop.pod);
      if (!owner || keyOf(owner) !== keyOf(maker)) continue;
      const by = this.#claimOfStop(stop, known);
      if (by) claimed.push({ by, at: stop.at });
    }
    claimed.sort((a, b) => a.at - b.at || (keyOf(a.by) < keyOf(b.by) ? -1 : 1));
    const since = (claimed[0]?.at ?? at) - causeMayTrail;
    const before = [...(this.#made.get(keyOf(maker))?.values() ?? [])].filter(
      (made) => made.at >= since && (made.at < at || (made.at === at && made.name < pod)),
    );
    return claimed[before.length]?.by ?? null;
  }

  /** The latest scaling up still had pods to be made. */
  #answersScaling(maker: ObjectRef, pod: string, at: Micros): boolean {
    const scaled = (this.#scaled.get(nameOf(maker)) ?? []).filter((one) => one.on && one.at <= at + causeMayTrail);
    const last = scaled.sort((a, b) => a.at - b.at || a.slots - b.slots).at(-1);
    if (!last) return false;
    const made = [...(this.#made.get(keyOf(maker))?.values() ?? [])].filter(
      (one) => one.at >= last.at - causeMayTrail && one.at <= at && one.name !== pod,
    );
    return made.length < last.slots;
  }

  #scaledNear(set: ObjectRef, at: Micros, within: Micros, up: boolean): boolean {
    return (this.#scaled.get(nameOf(set)) ?? []).some((one) => one.on === up && one.at <= at + causeMayTrail && at - one.at < within);
  }
}

export interface Known {
  ownerOf(pod: ObjectRef): ObjectRef | null;
  nodeOf(pod: ObjectRef): string;
}

/** Switched on lately (or just after) and not off again by then. */
function isOn(switches: readonly Switch[] | undefined, at: Micros, mayTrail: Micros): boolean {
  const by = (switches ?? [])
    .filter((one) => one.at <= at + mayTrail && at - one.at < longestChange)
    .sort((a, b) => a.at - b.at || Number(a.on) - Number(b.on));
  const before = by.filter((one) => one.at <= at);
  return (before.at(-1)?.on ?? false) || by.some((one) => one.on && one.at > at);
}

export function dropBefore<T extends { readonly at: Micros }>(map: Map<string, T[]>, before: Micros): void {
  for (const [key, list] of map) {
    const kept = list.filter((one) => one.at >= before);
    if (kept.length === 0) map.delete(key);
    else if (kept.length < list.length) map.set(key, kept);
  }
}

/** The last one by that time; of several at once the one whose text comes last, so that the answer does not depend on order. */
function latest<T extends { readonly at: Micros }>(list: readonly T[] | undefined, until: Micros): T | null {
  const by = (list ?? []).filter((one) => one.at <= until);
  return by.sort((a, b) => a.at - b.at || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)).at(-1) ?? null;
}

function slotsOf({ groups }: Meaning): number {
  return Math.abs(Number(groups['to'] ?? 0) - Number(groups['from'] ?? 0));
}

function nodeRef(name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'Node', namespace: '', name, uid: '' };
}

function nameOf(ref: ObjectRef): string {
  return nameKeyOf(ref.kind, ref.namespace, ref.name);
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
