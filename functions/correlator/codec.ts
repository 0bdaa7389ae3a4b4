/**
 * What the correlator keeps as text in the store, and back. Only this codec writes that text, so reading trusts its form once the
 * version at its beginning is right.
 *
 * An Event is written once, when it is received, with what the rules say of it. Routing puts the route beside that text, and deciding
 * keeps the text as it is for as long as the Event is undecided. What the rules say is worked out again only where other rules are in
 * force than those that were when it was written.
 */

import type { Context, PendingState, Placement } from '../../shared/correlation/context.ts';
import type { Routed } from '../../shared/correlation/occurrence.ts';
import { type Fact, type FactIndex, timeless } from '../../shared/correlation/routing/event-facts.ts';
import { type CompiledRules, meaningByRule, meaningOf } from '../../shared/correlation/rules/match.ts';
import type { Meaning } from '../../shared/correlation/rules/rule.ts';
import { type DomainState, emptyDomain } from '../../shared/correlation/steps.ts';
import type { ObjectRef, Observation } from '../../shared/events/observation.ts';
import {
  type ObservationFields,
  observationFields,
  observationOf,
  type RefFields,
  refFields,
  refOf,
} from '../../shared/events/observation-text.ts';
import type { KubeObject, ObjectVersion } from '../../shared/kubernetes/object.ts';
import type { Origin } from '../../shared/process/tracing.ts';

const version = 2;

export interface EventEntry {
  readonly observation: Observation;
  readonly meaning: Meaning;
  /** The request that has brought it, where that is traced. */
  readonly origin: Origin | null;
}

type EventFields = readonly [
  version: number,
  observation: ObservationFields,
  rules: string,
  rule: string,
  groups: 0 | Meaning['groups'],
  origin: 0 | Origin,
];

export interface Route {
  readonly chain: readonly ObjectRef[];
  readonly owners: number;
}

/** The object that the Event is about mostly is the one that it names: 0. */
type ChainFields = readonly (0 | RefFields)[];

export interface RoutedEntry {
  readonly routed: Routed;
  readonly origin: Origin | null;
}

/** `routed`: number of the line that has it. */
interface PlacedFields {
  readonly id: string;
  readonly n: number;
  readonly at: number;
  readonly uncertainty: number;
  readonly messageKnown: boolean;
  readonly routed: number;
  readonly place: Placement;
}

type StateFields = readonly [version: number, context: Context, placed: readonly PlacedFields[], waiting: readonly number[]];

/** `Fields` is what this codec wrote under that beginning: the one place where text of the store gets a type. */
function read<Fields>(text: string, beginning: string): Fields {
  if (!text.startsWith(beginning))
    throw new Error(
      `Cannot read the store: its text begins with '${text.slice(0, 4)}', wanted '${beginning}' (written by another release)`,
    );
  const fields: Fields = JSON.parse(text);
  return fields;
}

export function eventText({ observation, meaning, origin }: EventEntry, rules: CompiledRules): string {
  const groups = Object.keys(meaning.groups).length === 0 ? 0 : meaning.groups;
  const fields: EventFields = [version, observationFields(observation), rules.version, meaning.rule, groups, origin ?? 0];
  return JSON.stringify(fields);
}

export function readEvent(text: string, rules: CompiledRules): EventEntry {
  return eventOf(read<EventFields>(text, `[${version},`), rules);
}

const noGroups: Meaning['groups'] = {};

function eventOf([, fields, written, rule, groups, origin]: EventFields, rules: CompiledRules): EventEntry {
  const observation = observationOf(fields);
  const known = written === rules.version ? meaningByRule(rules, rule, groups === 0 ? noGroups : groups, observation) : null;
  return { observation, meaning: known ?? meaningOf(rules, observation), origin: origin === 0 ? null : origin };
}

export function routeText({ chain, owners }: Route, involved: ObjectRef): string {
  const fields: ChainFields = chain.map((ref) => (isSame(ref, involved) ? 0 : refFields(ref)));
  return `${JSON.stringify(fields)},${owners}`;
}

export function readRoute(text: string, involved: ObjectRef): Route {
  const [chain, owners]: [ChainFields, number] = JSON.parse(`[${text}]`);
  return routeOf(chain, owners, involved);
}

function routeOf(fields: ChainFields, owners: number, involved: ObjectRef): Route {
  return { chain: fields.map((ref) => (ref === 0 ? involved : refOf(ref))), owners };
}

function isSame(a: ObjectRef, b: ObjectRef): boolean {
  const sameName = a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
  return a === b || (sameName && a.uid === b.uid && a.apiVersion === b.apiVersion);
}

/** The text of an Event with that of its route. */
export function routedText(event: string, route: string, tellsFirst: boolean): string {
  return `[${event},${route},${tellsFirst ? 1 : 0}]`;
}

export function readRouted(text: string, rules: CompiledRules): RoutedEntry {
  const [event, chain, owners, tellsFirst] = read<[EventFields, ChainFields, number, 0 | 1]>(text, `[[${version},`);
  const { observation, meaning, origin } = eventOf(event, rules);
  return { routed: { observation, meaning, ...routeOf(chain, owners, observation.involved), tellsFirst: tellsFirst === 1 }, origin };
}

/** A line with what was decided so far, then one for each undecided Event, by `textOf`: as it was read. */
export function stateText({ context, keep }: DomainState, textOf: (routed: Routed) => string): string {
  const lines = new Map<string, number>();
  const lineOf = (routed: Routed): number => {
    const text = textOf(routed);
    const known = lines.get(text);
    if (known !== undefined) return known;
    lines.set(text, lines.size);
    return lines.size - 1;
  };
  const placed = keep.placed.map(({ occurrence: { routed, ...occurrence }, place }) => ({ ...occurrence, routed: lineOf(routed), place }));
  const fields: StateFields = [version, context, placed, keep.waiting.map(lineOf)];
  return [JSON.stringify(fields), ...lines.keys()].join('\n');
}

/** Gives each undecided Event with its text to `onEntry`. */
export function readState(text: string, rules: CompiledRules, onEntry: (entry: RoutedEntry, text: string) => void): DomainState {
  if (text === '') return emptyDomain;
  const [first = '', ...lines] = text.split('\n');
  const [, context, placed, waiting] = read<StateFields>(first, `[${version},`);
  const routed = lines.map((line) => {
    const entry = readRouted(line, rules);
    onEntry(entry, line);
    return entry.routed;
  });
  const at = (line: number): Routed => {
    const one = routed[line];
    if (!one) throw new Error(`Cannot read the store: wanted an Event in line ${line}, found ${routed.length} lines`);
    return one;
  };
  return {
    context,
    keep: {
      placed: placed.map(({ routed: line, place, ...occurrence }) => ({ occurrence: { ...occurrence, routed: at(line) }, place })),
      waiting: waiting.map(at),
    },
  };
}

/** How many occurrences are undecided. */
export function undecidedIn({ placed, waiting }: PendingState): number {
  const ids = new Set(waiting.map(idOf));
  for (const { occurrence } of placed) ids.add(idOf(occurrence.routed));
  return ids.size;
}

export function idOf({ observation: { uid, n } }: Routed): string {
  return `${uid}#${n}`;
}

/** A fact without its index, key and, where only its earliest time counts, time: those are the key and the score. */
export function factText({ index, at, ref, text, on, count }: Fact): string {
  return JSON.stringify([ref && refFields(ref), text, on, count, timeless.has(index) ? 0 : at]);
}

export function readFact(index: FactIndex, key: string, at: number, member: string): Fact {
  const [ref, text, on, count]: [RefFields | null, string, boolean, number] = JSON.parse(member);
  return { index, key, at, ref: ref && refOf(ref), text, on, count };
}

export function versionText({ object, gone }: ObjectVersion): string {
  return JSON.stringify([version, object, gone]);
}

export function readVersion(seenAt: number, member: string): ObjectVersion {
  const [, object, gone] = read<[number, KubeObject, boolean]>(member, `[${version},`);
  return { object, gone, seenAt };
}
