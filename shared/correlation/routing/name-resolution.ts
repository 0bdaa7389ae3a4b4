/** Answers from the facts, as of a time: creators, uids of names, nodes of pods. */
import type { Micros, ObjectRef } from '../../events/observation.ts';
import { keyOf, nameKeyOf } from '../occurrence.ts';
import { causeMayTrail, ownerMayTrail } from '../settling-times.ts';
import type { Fact, Facts } from './event-facts.ts';

export class Names {
  readonly #facts: Facts;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** The object with its uid, where it bears its name alone or was the last to bear it at that time. */
  resolve(ref: ObjectRef, at: Micros): ObjectRef {
    if (ref.uid !== '') return ref;
    let best: Fact | null = null;
    for (const life of this.#facts.get('life', nameOf(ref)))
      if (life.ref && life.ref.uid !== '' && life.at <= at + ownerMayTrail && (!best || isLater(life, best))) best = life;
    return best?.ref ?? ref;
  }

  exists(kind: string, namespace: string, name: string, at: Micros): ObjectRef | null {
    const lives = this.#facts.get('life', nameKeyOf(kind, namespace, name));
    if (!lives.some((life) => life.at <= at + ownerMayTrail)) return null;
    return this.resolve({ apiVersion: '', kind, namespace, name, uid: '' }, at);
  }

  /** Who the events name as the maker of the object that bore the name at that time. */
  ownerOf(ref: ObjectRef, at: Micros): ObjectRef | null {
    const known = this.#facts.get('owner', nameOf(ref)).filter((named) => named.at <= at + ownerMayTrail);
    known.sort((a, b) => a.at - b.at || (keyOfRef(a) < keyOfRef(b) ? -1 : 1));
    return (known.findLast((named) => named.at <= at + causeMayTrail) ?? known[0])?.ref ?? null;
  }

  /** The node that events had named for the pod by that time. */
  nodeOf(pod: ObjectRef, at: Micros): string {
    const known = this.#facts.get('node', keyOf(pod)).filter((one) => one.at <= at + ownerMayTrail);
    return known.sort((a, b) => a.at - b.at || (a.text < b.text ? -1 : 1))[0]?.text ?? '';
  }

  /** The workload that was scaled to that size shortly after. */
  scaledTo(namespace: string, size: string, at: Micros): ObjectRef | null {
    const answers = this.#facts
      .get('rescaled', `${namespace}/${size}`)
      .filter((one) => one.at >= at - causeMayTrail && one.at <= at + ownerMayTrail);
    const targets = new Set(answers.map(keyOfRef));
    return targets.size === 1 ? (answers[0]?.ref ?? null) : null;
  }
}

/** The later life; of several at once by uid, the fuller reference first. */
function isLater(a: Fact, b: Fact): boolean {
  if (a.at !== b.at) return a.at > b.at;
  const [one, other] = [keyOfRef(a), keyOfRef(b)];
  return one < other || (one === other && (a.ref?.apiVersion ?? '') > (b.ref?.apiVersion ?? ''));
}

function keyOfRef({ ref }: Fact): string {
  return ref ? keyOf(ref) : '';
}

function nameOf(ref: ObjectRef): string {
  return nameKeyOf(ref.kind, ref.namespace, ref.name);
}
