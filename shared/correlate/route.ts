/**
 * Routing: which domain an observation belongs to. The owner chain comes from objects (owner references, scaleTargetRef), else from
 * events that name an object, else from names of objects that are known to exist. Knowledge counts from its event time on, so that
 * routing gives the same answer whenever it is asked.
 */
import type { Micros, ObjectRef, Observation } from '../cloudevent/observation.ts';
import type { Objects } from '../objects/index.ts';
import { Claims, dropBefore, type Known } from './claims.ts';
import { causeMayTrail, ownerMayTrail, second } from './figures.ts';
import { keyOf, nameKeyOf, type Routed } from './occurrence.ts';
import type { Meaning } from './rule.ts';

const chainLongest = 10;
const rescaleAnswered = 15 * second;

interface Named {
  readonly owner: ObjectRef;
  readonly at: Micros;
}

interface Life {
  readonly uid: string;
  seen: Micros;
  last: Micros;
}

/** What the events so far say about objects: who names whom, which uids bear a name. */
export class Names {
  #owners = new Map<string, Named[]>();
  #lives = new Map<string, Life[]>();
  #refs = new Map<string, ObjectRef>();
  #nodes = new Map<string, { readonly node: string; readonly at: Micros }[]>();
  #rescaled = new Map<string, { target: ObjectRef; to: string; at: Micros }[]>();
  readonly claims = new Claims();

  learn(observation: Observation, meaning: Meaning): void {
    this.claims.learn(observation, meaning);
    const { involved, first, last } = observation;
    this.#see(involved, first.at);
    if (observation.related) this.#see(observation.related, first.at);
    if (meaning.groups['node'] && involved.kind === 'Pod')
      push(this.#nodes, keyOf(involved), { node: meaning.groups['node'], at: first.at });
    const { subject, verb } = meaning;
    if (!subject) return;
    const at = observation.merged ? last.at : first.at;
    const owns = verb === 'create' || verb === 'scale-up' || verb === 'scale-down' || verb === 'delete';
    if (owns && subject.name !== involved.name) {
      push(this.#owners, nameKeyOf(subject.kind, subject.namespace, subject.name), { owner: involved, at });
      this.#see({ apiVersion: '', ...subject }, at);
    }
    if ((verb === 'scale-up' || verb === 'scale-down') && meaning.groups['to']) {
      push(this.#rescaled, involved.namespace, { target: involved, to: meaning.groups['to'], at });
    }
  }

  /** Drops what was last spoken of before that time. */
  forget(before: Micros): void {
    this.claims.forget(before);
    dropBefore(this.#owners, before);
    dropBefore(this.#rescaled, before);
    for (const [name, lives] of this.#lives) {
      for (const life of lives) if (life.last < before) this.#refs.delete(life.uid);
      const kept = lives.filter((life) => life.last >= before);
      if (kept.length === 0) this.#lives.delete(name);
      else this.#lives.set(name, kept);
    }
    dropBefore(this.#nodes, before);
  }

  #see(ref: ObjectRef, at: Micros): void {
    if (ref.kind === '' || ref.name === '') return;
    const lives = this.#lives.get(nameOf(ref)) ?? [];
    this.#lives.set(nameOf(ref), lives);
    const known = lives.find((life) => life.uid === ref.uid);
    if (known) {
      known.seen = Math.min(known.seen, at);
      known.last = Math.max(known.last, at);
    } else lives.push({ uid: ref.uid, seen: at, last: at });
    if (ref.uid !== '') this.#refs.set(ref.uid, ref);
  }

  /** The object with its uid, where it bears its name alone or was the last to bear it at that time. */
  resolve(ref: ObjectRef, at: Micros): ObjectRef {
    if (ref.uid !== '') return ref;
    const lives = (this.#lives.get(nameOf(ref)) ?? []).filter((life) => life.uid !== '' && life.seen <= at + ownerMayTrail);
    const latest = lives.sort((a, b) => b.seen - a.seen || (a.uid < b.uid ? -1 : 1)).at(0);
    const found = latest ? this.#refs.get(latest.uid) : undefined;
    return found ?? ref;
  }

  exists(kind: string, namespace: string, name: string, at: Micros): ObjectRef | null {
    const lives = this.#lives.get(nameKeyOf(kind, namespace, name));
    if (!lives?.some((life) => life.seen <= at + ownerMayTrail)) return null;
    return this.resolve({ apiVersion: '', kind, namespace, name, uid: '' }, at);
  }

  /** Who the events name as the maker of the object that bore the name at that time. */
  ownerOf(ref: ObjectRef, at: Micros): ObjectRef | null {
    const known = (this.#owners.get(nameOf(ref)) ?? []).filter((named) => named.at <= at + ownerMayTrail);
    known.sort((a, b) => a.at - b.at || (keyOf(a.owner) < keyOf(b.owner) ? -1 : 1));
    return (known.findLast((named) => named.at <= at + causeMayTrail) ?? known[0])?.owner ?? null;
  }

  /** The node that events had named for the pod by that time. */
  nodeOf(pod: ObjectRef, at: Micros): string {
    const known = (this.#nodes.get(keyOf(pod)) ?? []).filter((one) => one.at <= at + ownerMayTrail);
    return known.sort((a, b) => a.at - b.at || (a.node < b.node ? -1 : 1))[0]?.node ?? '';
  }

  /** The workload that was scaled to that size shortly after. */
  scaledTo(namespace: string, size: string, at: Micros): ObjectRef | null {
    const answers = (this.#rescaled.get(namespace) ?? []).filter(
      (one) => one.to === size && one.at >= at - causeMayTrail && one.at <= at + rescaleAnswered,
    );
    const targets = new Set(answers.map((one) => keyOf(one.target)));
    return targets.size === 1 ? (answers[0]?.target ?? null) : null;
  }
}

export function route(observation: Observation, meaning: Meaning, names: Names, objects: Objects): Routed {
  const at = observation.last.at;
  const involved = names.resolve(observation.involved, at);
  const own = chainOf(involved, at, names, objects);
  const by = claimantOf(observation, meaning, involved, names, objects);
  if (!by || own.some((ref) => keyOf(ref) === keyOf(by))) return { observation, meaning, chain: own, owners: own.length, tellsFirst: true };
  const chain = [...own, ...chainOf(by, at, names, objects)].slice(0, 2 * chainLongest);
  return { observation, meaning, chain, owners: own.length, tellsFirst: true };
}

/** The object whose change the event belongs to, when that is not what owns the involved object. */
function claimantOf(observation: Observation, meaning: Meaning, involved: ObjectRef, names: Names, objects: Objects): ObjectRef | null {
  const at = observation.last.at;
  const nodeOf = (pod: ObjectRef) => objects.latest(pod.uid)?.nodeName || names.nodeOf(pod, at);
  if (meaning.home === 'node') {
    const node = meaning.groups['node'] || nodeOf(involved);
    return node ? nodeRef(node, names, at) : null;
  }
  if (meaning.home === 'related' && observation.related) return names.resolve(observation.related, at);
  if (names.claims.none) return null;
  const known: Known = { nodeOf, ownerOf: (pod) => chainOf(names.resolve(pod, at), at, names, objects)[1] ?? null };
  const made = meaning.verb === 'create' && meaning.subject?.kind === 'Pod' ? meaning.subject : null;
  const claim = made
    ? names.claims.claimOfMaking(involved, nameKeyOf('Pod', made.namespace, made.name), at, known)
    : involved.kind === 'Pod'
      ? names.claims.claimOfPod(involved, at, known)
      : null;
  return claim ? names.resolve(claim, at) : null;
}

function nodeRef(name: string, names: Names, at: Micros): ObjectRef {
  return names.resolve({ apiVersion: 'v1', kind: 'Node', namespace: '', name, uid: '' }, at);
}

function chainOf(involved: ObjectRef, at: Micros, names: Names, objects: Objects): ObjectRef[] {
  const chain: ObjectRef[] = [involved];
  const seen = new Set([keyOf(involved)]);
  for (let ref: ObjectRef | null = involved; ref && chain.length < chainLongest; ) {
    const owner = ownerOf(ref, at, names, objects);
    const next = owner ? names.resolve(owner, at) : null;
    if (!next || seen.has(keyOf(next))) break;
    seen.add(keyOf(next));
    chain.push(next);
    ref = next;
  }
  return chain;
}

function ownerOf(ref: ObjectRef, at: Micros, names: Names, objects: Objects): ObjectRef | null {
  const known = objects.latest(ref.uid);
  if (known?.owner && !staticPod(known.owner)) return known.owner;
  if (known?.target) return targetOf(known.target, at, names, objects);
  const named = names.ownerOf(ref, at);
  if (named) return named;
  if (known && ref.kind === 'Pod') return null;
  if (ref.kind === 'HorizontalPodAutoscaler')
    return names.exists('Deployment', ref.namespace, ref.name, at) ?? names.exists('StatefulSet', ref.namespace, ref.name, at);
  return byName(ref, at, names);
}

/** A static pod's owner is its node: it is no domain. */
function staticPod(owner: ObjectRef): boolean {
  return owner.kind === 'Node';
}

function targetOf(target: ObjectRef, at: Micros, names: Names, objects: Objects): ObjectRef {
  const object = objects.byName(target.kind, target.namespace, target.name).at(-1);
  return object ?? names.resolve(target, at);
}

/** Generated names: `<owner>-<suffix>` counts when an object of the owner's name and kind is known. */
function byName(ref: ObjectRef, at: Micros, names: Names): ObjectRef | null {
  const cut = ref.name.lastIndexOf('-');
  if (cut <= 0) return null;
  const base = ref.name.slice(0, cut);
  const suffix = ref.name.slice(cut + 1);
  const kinds = ownersByName(ref.kind, suffix);
  for (const kind of kinds) {
    const owner = names.exists(kind, ref.namespace, base, at);
    if (owner) return owner;
  }
  if (ref.kind === 'PersistentVolumeClaim') return claimOwner(ref, at, names);
  return null;
}

function ownersByName(kind: string, suffix: string): readonly string[] {
  if (kind === 'Pod' && /^\d+$/.test(suffix)) return ['StatefulSet'];
  if (kind === 'Pod' && /^[a-z0-9]{5}$/.test(suffix)) return ['ReplicaSet', 'Job', 'DaemonSet', 'ReplicationController'];
  if (kind === 'ReplicaSet' && /^[a-z0-9]{4,10}$/.test(suffix)) return ['Deployment'];
  if (kind === 'Job' && /^\d{7,}$/.test(suffix)) return ['CronJob'];
  return [];
}

/** `<template>-<statefulset>-<ordinal>` */
function claimOwner(ref: ObjectRef, at: Micros, names: Names): ObjectRef | null {
  const parts = ref.name.split('-');
  if (!/^\d+$/.test(parts.at(-1) ?? '')) return null;
  for (let from = 1; from < parts.length - 1 && from < chainLongest; from += 1) {
    const owner = names.exists('StatefulSet', ref.namespace, parts.slice(from, -1).join('-'), at);
    if (owner) return owner;
  }
  return null;
}

function nameOf(ref: ObjectRef): string {
  return nameKeyOf(ref.kind, ref.namespace, ref.name);
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
