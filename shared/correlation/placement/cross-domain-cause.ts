/**
 * Claims: what happens to a pod for the sake of another object belongs to that object's change. A drain claims the pods that it evicts
 * and what replaces them, a preemption its victims, a node outage the pods that are driven off. Answers depend on event times alone.
 */
import type { Micros, ObjectRef } from '../../events/observation.ts';
import { keyOf, nameKeyOf } from '../occurrence.ts';
import { type Fact, type Facts, stopSlots } from '../routing/event-facts.ts';
import { causeMayTrail, longestChange, minute, second } from '../settling-times.ts';

/** A kubelet records the cordon with its next status update, every 10 s: this much after the evictions that it explains at most. */
const cordonMayTrail = 12 * second;
/** The same for a stop that does not say which node it is from. */
const cordonMayTrailElsewhere = 5 * second;
const replacedWithin = 2 * minute;
const deletionShows = minute;

/** When a pod must have been stopped for one made at that time to be in its place. */
export function claimWindow(at: Micros): { readonly from: Micros; readonly to: Micros } {
  return { from: at - replacedWithin, to: at + causeMayTrail };
}

interface Stop {
  readonly pod: ObjectRef;
  readonly at: Micros;
  readonly node: string;
  readonly evicted: boolean;
}

export class CrossDomainCauses {
  readonly #facts: Facts;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** Nothing in the cluster claims anything, as nearly always. */
  get none(): boolean {
    return this.#facts.get('claims', '').length === 0;
  }

  /** The object for whose sake this pod was stopped or made, or null. `ownerOf` and `nodeOf` answer from the owner chain. */
  claimOfPod(pod: ObjectRef, at: Micros, known: Known): ObjectRef | null {
    const stops = firstStops(this.#facts.get('stop', nameOf(pod))).filter(
      (one) => one.at <= at + causeMayTrail && at - one.at < longestChange,
    );
    const own = stops.filter((one) => pod.uid === '' || one.pod.uid === '' || one.pod.uid === pod.uid);
    const stop = own.sort((a, b) => a.at - b.at || (keyOf(a.pod) < keyOf(b.pod) ? -1 : 1)).at(-1);
    if (stop) {
      const by = this.#claimOfStop(stop, known);
      if (by) return by;
    }
    const made = latest(this.#facts.get('maker', nameOf(pod)), at + causeMayTrail);
    if (!made?.ref || at - made.at > longestChange) return null;
    return this.claimOfMaking(made.ref, nameOf(pod), made.at, known);
  }

  #claimOfStop(stop: Stop, known: Known): ObjectRef | null {
    const preempted = latest(this.#facts.get('preempted', nameOf(stop.pod)), stop.at + causeMayTrail);
    if (preempted?.ref && stop.at - preempted.at < minute) return preempted.ref;
    const node = stop.node || known.nodeOf(stop.pod);
    if (node === '') return null;
    if (stop.evicted) return isOn(this.#facts.get('outage', node), stop.at, causeMayTrail) ? nodeRef(node) : null;
    if (!isOn(this.#facts.get('cordon', node), stop.at, stop.node === '' ? cordonMayTrailElsewhere : cordonMayTrail)) return null;
    const deleted = this.#facts.get('deleted', nameOf(stop.pod));
    if (deleted.some(({ at }) => at <= stop.at + causeMayTrail && stop.at - at < deletionShows)) return null;
    const owner = known.ownerOf(stop.pod);
    const scaledDown = owner && this.#scaledNear(owner, stop.at, deletionShows, false);
    return scaledDown ? null : nodeRef(node);
  }

  /** A pod made in place of one that was claimed: the n-th making after the first stop answers the n-th stop. */
  claimOfMaking(maker: ObjectRef, pod: string, at: Micros, known: Known): ObjectRef | null {
    if (this.#answersScaling(maker, pod, at)) return null;
    const { from, to } = claimWindow(at);
    const slots = stopSlots(maker.namespace, from, to);
    const stops = firstStops(slots.flatMap((slot) => this.#facts.get('stops-in', slot))).filter(
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
    const before = this.#facts
      .get('made', keyOf(maker))
      .filter((made) => made.at >= since && (made.at < at || (made.at === at && made.text < pod)));
    return claimed[before.length]?.by ?? null;
  }

  /** The latest scaling up still had pods to be made. */
  #answersScaling(maker: ObjectRef, pod: string, at: Micros): boolean {
    const scaled = this.#facts.get('scaled', nameOf(maker)).filter((one) => one.on && one.at <= at + causeMayTrail);
    const last = scaled.sort((a, b) => a.at - b.at || a.count - b.count).at(-1);
    if (!last) return false;
    const made = this.#facts
      .get('made', keyOf(maker))
      .filter((one) => one.at >= last.at - causeMayTrail && one.at <= at && one.text !== pod);
    return made.length < last.count;
  }

  #scaledNear(set: ObjectRef, at: Micros, within: Micros, up: boolean): boolean {
    return this.#facts.get('scaled', nameOf(set)).some((one) => one.on === up && one.at <= at + causeMayTrail && at - one.at < within);
  }
}

export interface Known {
  ownerOf(pod: ObjectRef): ObjectRef | null;
  nodeOf(pod: ObjectRef): string;
}

/** Switched on lately (or just after) and not off again by then. */
function isOn(switches: readonly Fact[], at: Micros, mayTrail: Micros): boolean {
  const by = switches
    .filter((one) => one.at <= at + mayTrail && at - one.at < longestChange)
    .sort((a, b) => a.at - b.at || Number(a.on) - Number(b.on));
  const before = by.filter((one) => one.at <= at);
  return (before.at(-1)?.on ?? false) || by.some((one) => one.on && one.at > at);
}

/** The last one by that time; of several at once the one whose text comes last, so that the answer does not depend on order. */
function latest(list: readonly Fact[], until: Micros): Fact | null {
  const by = list.filter((one) => one.at <= until);
  return by.sort((a, b) => a.at - b.at || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)).at(-1) ?? null;
}

/** The first stop of each pod; several containers stop once each. */
function firstStops(facts: readonly Fact[]): Stop[] {
  const byPod = new Map<string, Stop>();
  for (const { ref, at, text, on } of facts) {
    if (!ref) continue;
    const known = byPod.get(keyOf(ref));
    const earlier = !known || at < known.at || (at === known.at && (text < known.node || (text === known.node && !on && known.evicted)));
    if (earlier) byPod.set(keyOf(ref), { pod: ref, at, node: text, evicted: on });
  }
  return [...byPod.values()];
}

function nodeRef(name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'Node', namespace: '', name, uid: '' };
}

function nameOf(ref: ObjectRef): string {
  return nameKeyOf(ref.kind, ref.namespace, ref.name);
}
