/**
 * Routing: which domain an observation belongs to. The owner chain comes from objects (owner references, scaleTargetRef), else from
 * events that name an object, else from names of objects that are known to exist. Facts are valid from their event time on, so that
 * routing gives the same answer at any time.
 */
import type { Micros, ObjectRef, Observation } from '../../events/observation.ts';
import type { Objects } from '../../kubernetes/object-index.ts';
import { keyOf, nameKeyOf, type Routed } from '../occurrence.ts';
import { CrossDomainCauses, type Known } from '../placement/cross-domain-cause.ts';
import type { Meaning } from '../rules/rule.ts';
import { causeMayTrail } from '../settling-times.ts';
import type { Facts } from './event-facts.ts';
import { Names } from './name-resolution.ts';
import { ownersByName, volumeClaimOwners } from './owner-names.ts';

const chainLongest = 10;
export function route(observation: Observation, meaning: Meaning, facts: Facts, objects: Objects): Routed {
  const at = observation.last.at;
  const names = new Names(facts);
  const involved = names.resolve(observation.involved, at);
  const owners = chainOf(involved, at, names, objects);
  // A rescale that names its target belongs to it, as an autoscaler does whose target is known.
  const target = owners.length === 1 && meaning.verb === 'rescale' ? rescaled(involved, meaning, names, at) : null;
  const own = target ? [involved, ...chainOf(target, at, names, objects)] : owners;
  const by = claimantOf(observation, meaning, involved, names, objects, new CrossDomainCauses(facts));
  if (!by || own.some((ref) => keyOf(ref) === keyOf(by))) return { observation, meaning, chain: own, owners: own.length, tellsFirst: true };
  const chain = [...own, ...chainOf(by, at, names, objects)].slice(0, 2 * chainLongest);
  return { observation, meaning, chain, owners: own.length, tellsFirst: true };
}

/** What was rescaled: what the message names, else the one workload that was scaled to that size just then. */
function rescaled({ namespace }: ObjectRef, { subject, groups }: Meaning, names: Names, at: Micros): ObjectRef | null {
  if (subject) return names.resolve({ apiVersion: '', ...subject }, at);
  const size = groups['size'] ?? groups['to'];
  return size === undefined ? null : names.scaledTo(namespace, size, at);
}

/** The object whose change the event belongs to, when that is not what owns the involved object. */
function claimantOf(
  observation: Observation,
  meaning: Meaning,
  involved: ObjectRef,
  names: Names,
  objects: Objects,
  claims: CrossDomainCauses,
): ObjectRef | null {
  const at = observation.last.at;
  // A taint eviction names its pod without a uid.
  const nodeOf = (named: ObjectRef) => {
    const pod = names.resolve(named, at);
    return objects.latest(pod.uid)?.nodeName || names.nodeOf(pod, at);
  };
  if (meaning.home === 'node') {
    const node = meaning.groups['node'] || nodeOf(involved);
    return node ? nodeRef(node, names, at) : null;
  }
  if (meaning.home === 'related' && observation.related) return names.resolve(observation.related, at);
  if (claims.none) return null;
  const known: Known = { nodeOf, ownerOf: (pod) => chainOf(names.resolve(pod, at), at, names, objects)[1] ?? null };
  const made = meaning.verb === 'create' && meaning.subject?.kind === 'Pod' ? meaning.subject : null;
  const claim = made
    ? claims.claimOfMaking(involved, nameKeyOf('Pod', made.namespace, made.name), at, known)
    : involved.kind === 'Pod'
      ? claims.claimOfPod(involved, at, known)
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
  return withoutIdleOwners(chain, at, names);
}

/** Controllers of Kubernetes itself, which may be the root even if no Event tells of them. */
const workloadKinds: readonly string[] = [
  ...['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController', 'Job', 'CronJob'],
];

/** A custom owner is the root only where it acts itself; one without a namespace, where it says that it made what has one. */
function withoutIdleOwners(chain: ObjectRef[], at: Micros, names: Names): ObjectRef[] {
  let length = chain.length;
  for (; length > 1; length -= 1) {
    const [child, owner] = [chain[length - 2], chain[length - 1]];
    if (!child || !owner || workloadKinds.includes(owner.kind)) break;
    const maker = names.ownerOf(child, at);
    if (maker && keyOf(names.resolve(maker, at)) === keyOf(owner)) break;
    const isApart = owner.namespace === '' && child.namespace !== '';
    if (!isApart && names.exists(owner.kind, owner.namespace, owner.name, at)) break;
  }
  return chain.slice(0, length);
}

function ownerOf(ref: ObjectRef, at: Micros, names: Names, objects: Objects): ObjectRef | null {
  const known = objects.latest(ref.uid);
  const owner = ownerAt(ref, at, objects);
  // What an Event names as the maker is nearer than a plain reference to something that only is to vanish together with the object.
  if (owner) return workloadKinds.includes(owner.kind) ? owner : (names.ownerOf(ref, at) ?? owner);
  if (known?.target) return targetOf(known.target, at, names, objects);
  const named = names.ownerOf(ref, at);
  if (named) return named;
  if (known && ref.kind === 'Pod') return null;
  if (ref.kind === 'HorizontalPodAutoscaler')
    return names.exists('Deployment', ref.namespace, ref.name, at) ?? names.exists('StatefulSet', ref.namespace, ref.name, at);
  return byName(ref, at, names);
}

/** By its owner references at that time; what is younger than the Event was not its owner then. */
function ownerAt({ uid }: ObjectRef, at: Micros, objects: Objects): ObjectRef | null {
  const owner = objects.at(uid, at)?.owner;
  if (!owner || staticPod(owner)) return null;
  const object = objects.latest(owner.uid);
  if ((object?.createdAt ?? 0) > at + causeMayTrail) return null;
  return object ? { ...owner, namespace: object.namespace } : owner;
}

/** A static pod's owner is its node: it is no domain. */
function staticPod(owner: ObjectRef): boolean {
  return owner.kind === 'Node';
}

function targetOf(target: ObjectRef, at: Micros, names: Names, objects: Objects): ObjectRef {
  const object = objects.byName(target.kind, target.namespace, target.name).at(-1);
  return object ?? names.resolve(target, at);
}

/** A generated name counts when an object of the owner's name and kind is known. */
function byName(ref: ObjectRef, at: Micros, names: Names): ObjectRef | null {
  for (const { kind, name } of [...ownersByName(ref.kind, ref.name), ...volumeClaimOwners(ref.kind, ref.name)]) {
    const owner = names.exists(kind, ref.namespace, name, at);
    if (owner) return owner;
  }
  return null;
}
