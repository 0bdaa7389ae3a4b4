/**
 * Occurrences: the n-th time that one Event object happened. Turns observations into the set of their occurrences, in the order of the
 * correlator's pass, whatever the order of arrival.
 */
import type { Instant, Micros, ObjectRef, Observation } from '../events/observation.ts';
import type { Meaning } from './rules/rule.ts';
import { second } from './settling-times.ts';

/** A routed observation: its owner chain is known as far as possible. */
export interface Routed {
  readonly observation: Observation;
  readonly meaning: Meaning;
  /** The object that the event is about, its owner, the owner's owner, ... up to the root of the domain. Never empty. */
  readonly chain: readonly ObjectRef[];
  /** Number of owners in the chain; the rest belongs to the object that causes the event (a drained node, a preemptor). */
  readonly owners: number;
  /** Also stands for the Event's first occurrence, if that has no notification of its own. */
  readonly tellsFirst: boolean;
}

export interface Occurrence {
  /** `<event uid>#<n>` */
  readonly id: string;
  readonly n: number;
  readonly at: Micros;
  readonly uncertainty: Micros;
  /** False if known only from a later notification, so that its own message is unknown. */
  readonly messageKnown: boolean;
  readonly routed: Routed;
}

/** The key of an object: its uid, else its kind, namespace and name. */
export function keyOf(ref: ObjectRef): string {
  // Keys are used as property names: avoid those that are special in JavaScript.
  if (ref.uid === '__proto__') return `uid/${ref.uid}`;
  // Static pods of several nodes may have the same hash for a uid.
  if (ref.uid.length === 32 && ref.kind === 'Pod' && !ref.uid.includes('-')) return `${ref.uid}/${ref.name}`;
  return ref.uid !== '' ? ref.uid : nameKeyOf(ref.kind, ref.namespace, ref.name);
}

export function nameKeyOf(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/**
 * All occurrences of the observations except those in `known`, in the order of the pass. `placed` are known ones whose times help to refine
 * those of others.
 */
export function occurrencesOf(routed: readonly Routed[], known: (id: string) => boolean, placed: readonly Occurrence[] = []): Occurrence[] {
  const byEvent = new Map<string, Map<number, Routed>>();
  for (const one of routed) {
    const { uid, n } = one.observation;
    const seen = byEvent.get(uid) ?? new Map<number, Routed>();
    byEvent.set(uid, seen);
    const earlier = seen.get(n);
    if (!earlier || comesFirst(one.observation, earlier.observation)) seen.set(n, one);
  }
  const found: Occurrence[] = [];
  for (const seen of byEvent.values()) occurrencesOfEvent(seen, known, found);
  return refineTimes(found, placed).sort(inWalkOrder);
}

function occurrencesOfEvent(seen: Map<number, Routed>, known: (id: string) => boolean, found: Occurrence[]): void {
  const counts = [...seen.keys()].sort((a, b) => a - b);
  const lowest = counts[0] ?? 1;
  const first = seen.get(lowest);
  if (!first) return;
  const { uid } = first.observation;
  const tellsFirst = [...seen.values()].some((one) => one.tellsFirst);
  if (lowest > 1 && tellsFirst && !known(`${uid}#1`))
    found.push(toOccurrence(first, 1, first.observation.first, !first.observation.merged));
  for (const n of counts) {
    const one = seen.get(n);
    if (one && !known(`${uid}#${n}`)) found.push(toOccurrence(one, n, one.observation.last, true));
  }
}

function toOccurrence(routed: Routed, n: number, time: Instant, messageKnown: boolean): Occurrence {
  return { id: `${routed.observation.uid}#${n}`, n, at: time.at, uncertainty: time.uncertainty, messageKnown, routed };
}

/** Of two notifications about the same occurrence (an edited annotation) the first written one is used. */
export function comesFirst(a: Observation, b: Observation): boolean {
  const order = compareVersions(a.resourceVersion, b.resourceVersion);
  return order !== 0 ? order < 0 : JSON.stringify(a) < JSON.stringify(b);
}

/** Resource versions are decimal integers of any length; others compare as text. */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length && /^\d+$/.test(a) && /^\d+$/.test(b)) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Times truncated to seconds are refined by the order in which the same reporter wrote its Events: after the latest precise one written
 * before, within the same second.
 */
function refineTimes(occurrences: Occurrence[], placed: readonly Occurrence[]): Occurrence[] {
  const precise = new Map<string, Occurrence[]>();
  const slot = (one: Occurrence, at: Micros) =>
    `${one.routed.observation.reporter}|${one.routed.observation.instance}|${Math.floor(at / second)}`;
  for (const one of [...occurrences, ...placed]) {
    if (one.uncertainty > 0 || one.routed.observation.n !== one.n) continue;
    const key = slot(one, one.at);
    const list = precise.get(key);
    if (list) list.push(one);
    else precise.set(key, [one]);
  }
  return occurrences.map((one) => {
    if (one.uncertainty === 0 || one.routed.observation.n !== one.n) return one;
    const version = one.routed.observation.resourceVersion;
    let at = one.at;
    for (const other of precise.get(slot(one, one.at)) ?? []) {
      if (compareVersions(other.routed.observation.resourceVersion, version) < 0 && other.at > at) at = other.at;
    }
    return at === one.at ? one : { ...one, at, uncertainty: Math.max(0, one.at + one.uncertainty - at) };
  });
}

const ranks: Readonly<Record<string, number>> = { action: 0, start: 2, end: 3, state: 4, failure: 5, noise: 6 };

/** By time; then what comes first in the life of a container; then by id, so that the order is total. */
export function inWalkOrder(a: Occurrence, b: Occurrence): number {
  return a.at - b.at || rankOf(a) - rankOf(b) || inSeries(a, b);
}

/** Occurrences of one Event in order. */
function inSeries(a: Occurrence, b: Occurrence): number {
  const [one, other] = [a.routed.observation.uid, b.routed.observation.uid];
  return one === other ? a.n - b.n : one < other ? -1 : 1;
}

function rankOf({ routed: { meaning } }: Occurrence): number {
  if (meaning.verb === 'stop' || meaning.verb === 'restart') return 3.5;
  if (meaning.phase === 'pull') return meaning.class === 'start' ? 1 : 1.5;
  if (meaning.remark) return 1.7;
  return ranks[meaning.class] ?? 9;
}

/** The revision that the Event speaks for: by an annotation, or by its message where that begins or ends something; empty: none. */
export function revisionOf({ routed: { observation, meaning } }: Occurrence): string {
  const annotation = Object.keys(observation.annotations).find((name) => name.endsWith('/revision'));
  if (annotation !== undefined) return observation.annotations[annotation] ?? '';
  const bounds = meaning.begins !== '' || meaning.class === 'start' || meaning.class === 'end';
  return bounds ? (meaning.groups['revision'] ?? '') : '';
}
