/**
 * What the correlator keeps as text in the store, and back. Only this codec writes that text, so reading trusts its form once the
 * version in front of it is right. What a rule says of an Event is not kept: it is worked out again from the rules in force.
 */

import { type Context, emptyContext, emptyKeep, type PendingState, type Placement } from '../../shared/correlation/context.ts';
import type { Routed } from '../../shared/correlation/occurrence.ts';
import { type Fact, type FactIndex, timeless } from '../../shared/correlation/routing/event-facts.ts';
import { type CompiledRules, meaningOf } from '../../shared/correlation/rules/match.ts';
import type { ObjectRef, Observation } from '../../shared/events/observation.ts';
import type { KubeObject, ObjectVersion } from '../../shared/kubernetes/object.ts';

const version = 1;

export interface Arrived {
  readonly cluster: string;
  readonly observation: Observation;
}

export interface Route {
  readonly chain: readonly ObjectRef[];
  readonly owners: number;
}

export interface DomainState {
  readonly context: Context;
  readonly keep: PendingState;
}

export const emptyState: DomainState = { context: emptyContext(), keep: emptyKeep };

interface RoutedText extends Route {
  readonly observation: Observation;
  readonly tellsFirst: boolean;
}

interface StateText {
  readonly context: Context;
  /** Each once, however many occurrences refer to it. */
  readonly routed: readonly RoutedText[];
  readonly placed: readonly {
    readonly id: string;
    readonly n: number;
    readonly at: number;
    readonly uncertainty: number;
    readonly messageKnown: boolean;
    readonly of: number;
    readonly place: Placement;
  }[];
  readonly waiting: readonly number[];
}

function write(value: unknown): string {
  return `${version}${JSON.stringify(value)}`;
}

/** `Written` is what this codec wrote under that version: the one place where text of the store gets a type. */
function read<Written>(text: string): Written {
  if (text[0] !== String(version))
    throw new Error(`Cannot read the store: wanted state of version ${version}, found '${text.slice(0, 1)}' (written by another release)`);
  const value: Written = JSON.parse(text.slice(1));
  return value;
}

export const arrivedText = (arrived: Arrived): string => write(arrived);
export const readArrived = (text: string): Arrived => read<Arrived>(text);
export const routeText = ({ chain, owners }: Route): string => write({ chain, owners });
export const readRoute = (text: string): Route => read<Route>(text);

export function routedText(routed: Routed): string {
  return write(bareRouted(routed));
}

export function readRouted(text: string, rules: CompiledRules): Routed {
  return withMeaning(read<RoutedText>(text), rules);
}

function bareRouted({ observation, chain, owners, tellsFirst }: Routed): RoutedText {
  return { observation, chain, owners, tellsFirst };
}

function withMeaning(text: RoutedText, rules: CompiledRules): Routed {
  return { ...text, meaning: meaningOf(rules, text.observation) };
}

/** Empty when there is nothing to remember. */
export function stateText({ context, keep }: DomainState): string {
  const places = new Map<string, number>();
  const routed: RoutedText[] = [];
  const placeOf = (one: Routed): number => {
    const id = heldId(one);
    const known = places.get(id);
    if (known !== undefined) return known;
    places.set(id, routed.length);
    routed.push(bareRouted(one));
    return routed.length - 1;
  };
  const placed = keep.placed.map(({ occurrence: { routed: of, ...occurrence }, place }) => ({ ...occurrence, of: placeOf(of), place }));
  const waiting = keep.waiting.map(placeOf);
  const text: StateText = { context, routed, placed, waiting };
  return write(text);
}

export function readState(text: string, rules: CompiledRules): DomainState {
  if (text === '') return emptyState;
  const { context, routed, placed, waiting } = read<StateText>(text);
  const whole = routed.map((one) => withMeaning(one, rules));
  const at = (index: number): Routed => {
    const one = whole[index];
    if (!one) throw new Error(`Cannot read the store: wanted an observation at ${index}, found ${whole.length} of them`);
    return one;
  };
  return {
    context,
    keep: {
      placed: placed.map(({ of, place, ...occurrence }) => ({ occurrence: { ...occurrence, routed: at(of) }, place })),
      waiting: waiting.map(at),
    },
  };
}

/** Two notifications of one occurrence that differ are two things to hold. */
function heldId({ observation: { uid, n, resourceVersion }, tellsFirst, chain, owners }: Routed): string {
  return `${uid}#${n}@${resourceVersion}${tellsFirst ? '+' : '-'}${owners}/${chain.length}`;
}

/** How many observations are undecided. */
export function heldBy(keep: PendingState): number {
  return idsIn(keep).size;
}

/** The occurrences that are undecided. */
export function idsIn({ placed, waiting }: PendingState): ReadonlySet<string> {
  const ids = new Set(waiting.map(idOf));
  for (const { occurrence } of placed) ids.add(idOf(occurrence.routed));
  return ids;
}

export function idOf({ observation: { uid, n } }: Routed): string {
  return `${uid}#${n}`;
}

/** A fact without its index, key and, where only its earliest time counts, time: those are the key and the score. */
export function factText({ index, at, ref, text, on, count }: Fact): string {
  return JSON.stringify([
    ref && [ref.apiVersion, ref.kind, ref.namespace, ref.name, ref.uid],
    text,
    on,
    count,
    timeless.has(index) ? 0 : at,
  ]);
}

export function readFact(index: FactIndex, key: string, at: number, member: string): Fact {
  const [ref, text, on, count]: [[string, string, string, string, string] | null, string, boolean, number] = JSON.parse(member);
  const whole = ref && { apiVersion: ref[0], kind: ref[1], namespace: ref[2], name: ref[3], uid: ref[4] };
  return { index, key, at, ref: whole, text, on, count };
}

export function versionText({ object, gone }: ObjectVersion): string {
  return write({ object, gone });
}

export function readVersion(seenAt: number, member: string): ObjectVersion {
  const { object, gone } = read<{ object: KubeObject; gone: boolean }>(member);
  return { object, gone, seenAt };
}
