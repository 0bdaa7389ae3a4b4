/**
 * One pass through a domain's occurrences in event time: the state that placements read and write, and the changes that are open at
 * each point. The placements themselves are in `place*.ts`.
 */
import type { Micros, ObjectRef } from '../../events/observation.ts';
import type { Objects } from '../../kubernetes/object-index.ts';
import {
  type CausalLink,
  type ChangeState,
  type IncidentChange,
  isTracked,
  newChange,
  settlesAt,
  settlesAtEarliest,
  type TrackedChange,
  type TrackedKind,
} from '../change.ts';
import type { Context, ObjectState, Placed, Placement } from '../context.ts';
import { keyOf, nameKeyOf, type Occurrence, revisionOf } from '../occurrence.ts';
import { rememberFor } from '../settling-times.ts';
import { endings, involvedOf, nameKey, OccurrenceIndex, subjectName } from './occurrence-index.ts';

/** A parent that was considered and what came of it. */
export interface Candidate {
  readonly candidate: string;
  readonly verdict: string;
}

/** Where an occurrence goes and why; what is absent is empty or false. */
export interface Assignment extends Partial<Omit<Placement, 'change'>> {
  readonly change: ChangeState;
  readonly rule: string;
  readonly evidence: string;
  /** False for repeats of what is known, which keep no change open. Default true. */
  readonly counts?: boolean;
}

export interface PassInput {
  /** Written to. */
  readonly context: Context;
  readonly objects: Objects;
  /** Undecided, with the place that an earlier call has given them. */
  readonly placed: readonly Placed[];
  /** Those that have no place yet. */
  readonly queue: readonly Occurrence[];
  /** Collects, by occurrence, which other parents were considered; null: nobody wants to know. */
  readonly considered: Map<string, Candidate[]> | null;
}

export class DomainPass {
  readonly context: Context;
  readonly objects: Objects;
  readonly index: OccurrenceIndex;
  readonly #considered: Map<string, Candidate[]> | null;
  readonly #placed = new Map<string, Placed>();
  readonly #members = new Map<string, Placed[]>();
  /** Those that wait for their causes to get a place. */
  readonly placing = new Set<string>();
  /** Traces of their own, since their time was decided before they came. */
  readonly #late = new Set<string>();
  /** Nothing settles before that time. */
  #settlesFrom: Micros = 0;

  constructor({ context, objects, placed, queue, considered }: PassInput) {
    this.context = context;
    this.objects = objects;
    this.#considered = considered;
    this.index = new OccurrenceIndex((one) => this.#isAtHand(one));
    for (const one of placed) {
      this.index.add(one.occurrence);
      this.#join(one);
    }
    for (const one of queue) this.index.add(one);
  }

  // Occurrences

  get placed(): Iterable<Placed> {
    return this.#placed.values();
  }

  /** Null: it has no place yet. */
  placeOf(occurrence: string): Placement | null {
    return this.#placed.get(occurrence)?.place ?? null;
  }

  /** True for what has no place and can get one: it is neither late nor among those that are being placed. */
  isPlaceable({ id }: Occurrence): boolean {
    return !this.#placed.has(id) && !this.#late.has(id) && !this.placing.has(id);
  }

  /** The open change in which it has its place; null: it has no place yet. */
  changeOf(one: Occurrence): ChangeState | null {
    return this.change(this.placeOf(one.id)?.change);
  }

  /** The same, unless it is an incident or a digest. */
  trackedChangeOf(one: Occurrence): TrackedChange | null {
    return this.tracked(this.placeOf(one.id)?.change);
  }

  /** What has its place in the change. */
  membersOf(change: string): readonly Placed[] {
    return this.#members.get(change) ?? [];
  }

  assign(one: Occurrence, { change, counts, ...given }: Assignment): void {
    this.#join({
      occurrence: one,
      place: {
        change: change.id,
        parent: given.parent ?? '',
        on: given.on ?? '',
        rule: given.rule,
        evidence: given.evidence,
        confidence: given.confidence ?? '',
        from: given.from ?? null,
        late: false,
        terminating: given.terminating ?? false,
        named: given.named ?? false,
        unobserved: this.#unobserved(one),
      },
    });
    if (counts !== false && one.at > change.last) change.last = one.at;
    this.#assignLast(one, change, given.on || one.id);
  }

  /** One notification tells when a series began and when it was last seen: both are in one trace, however long that took. */
  #assignLast(one: Occurrence, change: ChangeState, on: string): void {
    const last = this.index.lastOfSeries(one);
    if (!last || this.#placed.has(last.id)) return;
    const place = { change: change.id, parent: '', on, rule: 'series', evidence: `repeat ${last.n} of ${one.id}` } as const;
    this.#join({
      occurrence: last,
      place: { ...place, confidence: '', from: null, late: false, terminating: false, named: false, unobserved: this.#unobserved(last) },
    });
    if (change.kind === 'incident') change.openUntil = Math.max(change.openUntil, last.at);
  }

  /** It becomes a trace of its own. */
  setLate(one: Occurrence): void {
    this.#late.add(one.id);
  }

  /** Says why another parent was not taken. */
  reject(one: Occurrence, candidate: string, verdict: string): void {
    if (!this.#considered) return;
    const list = this.#considered.get(one.id) ?? [];
    list.push({ candidate, verdict });
    this.#considered.set(one.id, list);
  }

  #isAtHand({ id }: Occurrence): boolean {
    const placed = this.#placed.get(id);
    return placed ? placed.place.change in this.context.changes : !this.#late.has(id);
  }

  #join(placed: Placed): void {
    this.#placed.set(placed.occurrence.id, placed);
    const members = this.#members.get(placed.place.change);
    if (members) members.push(placed);
    else this.#members.set(placed.place.change, [placed]);
  }

  #unobserved(one: Occurrence): number {
    const uid = `event/${one.routed.observation.uid}`;
    const before = this.context.highest[uid]?.n ?? 0;
    if (one.n <= before) return 0;
    this.context.highest[uid] = { n: one.n, at: one.at };
    return one.n - before - 1;
  }

  // Objects

  /** The state of an object, as far as it was seen before. */
  known(ref: ObjectRef, at: Micros): ObjectState | null {
    const known = this.context.objects[keyOf(ref)];
    return known && at - known.lastSeen < rememberFor ? known : null;
  }

  /** The state of an object, made at first sight. */
  object(ref: ObjectRef, owner: ObjectRef | undefined, at: Micros): ObjectState {
    const known = this.known(ref, at);
    if (known) {
      if (at > known.lastSeen) known.lastSeen = at;
      return known;
    }
    const key = keyOf(ref);
    const object: ObjectState = {
      ref,
      owner: owner ? keyOf(owner) : '',
      firstSeen: at,
      lastSeen: at,
      creation: null,
      deletion: null,
      firstSign: null,
      open: {},
      ended: null,
      series: {},
      unhealthy: null,
      incident: '',
      incidentDay: 0,
      incidentCount: 0,
      troubled: false,
    };
    this.context.objects[key] = object;
    this.context.names[nameKey(ref)] = key;
    return object;
  }

  /** The object last seen under that name. */
  objectNamed(kind: string, namespace: string, name: string): ObjectState | null {
    return this.context.objects[this.context.names[nameKeyOf(kind, namespace, name)] ?? ''] ?? null;
  }

  /** Keeps what later occurrences refer to: the pair that this one opens, the series that it begins. */
  remember(one: Occurrence, object: ObjectState, change: ChangeState): void {
    const { meaning } = one.routed;
    const pair = meaning.class === 'start' ? meaning.pairs[0] : undefined;
    if (pair !== undefined) object.open[pairKey(one, pair)] = linkTo(one, change, 'self');
    if (meaning.class === 'state' || meaning.class === 'failure') object.series[seriesKey(one)] = linkTo(one, change, 'self');
  }

  // Changes

  /** The change, while it is open. */
  change(id: string | undefined): ChangeState | null {
    return (id !== undefined && this.context.changes[id]) || null;
  }

  /** The same, unless it is an incident or a digest. */
  tracked(id: string | undefined): TrackedChange | null {
    const change = this.change(id);
    return change && isTracked(change) ? change : null;
  }

  /** Open changes of those kinds, default all that are tracked, in the order in which they began. */
  openChanges(kinds?: readonly TrackedKind[]): TrackedChange[] {
    const found: TrackedChange[] = [];
    for (const change of Object.values(this.context.changes))
      if (isTracked(change) && (!kinds || kinds.includes(change.kind))) found.push(change);
    return found.length < 2 ? found : found.sort(byStart);
  }

  latestChange(kinds?: readonly TrackedKind[]): TrackedChange | undefined {
    return this.openChanges(kinds).at(-1);
  }

  begin(
    one: Occurrence,
    kind: TrackedKind,
    given: Partial<Pick<TrackedChange, 'about' | 'end' | 'continues' | 'rollouts'>> = {},
  ): TrackedChange {
    const generation = this.generationOf(one);
    const generations = generation > 0 ? { [keyOf(involvedOf(one))]: generation } : {};
    return this.#open(newChange({ id: one.id, kind, root: rootOf(one), start: one.at, generations, revision: revisionOf(one), ...given }));
  }

  beginIncident(
    one: Occurrence,
    { about, openUntil, continues }: Pick<IncidentChange, 'about' | 'openUntil' | 'continues'>,
  ): IncidentChange {
    const { id, at } = one;
    const root = rootOf(one);
    return this.#open({ id, kind: 'incident', about, root, start: at, last: at, failed: '', continues, openUntil });
  }

  beginDigest(one: Occurrence, id: string, about: ObjectRef): ChangeState {
    return this.#open({ id, kind: 'digest', about, root: rootOf(one), start: one.at, last: one.at });
  }

  #open<Change extends ChangeState>(change: Change): Change {
    this.context.changes[change.id] = change;
    this.#settlesFrom = Math.min(this.#settlesFrom, settlesAtEarliest(change));
    return change;
  }

  /**
   * Generation of the version that the controller had in hand, 0 when that is not known. A repeat keeps the version of the first
   * occurrence, so it says nothing.
   */
  generationOf(one: Occurrence): number {
    const { observation } = one.routed;
    if (observation.involvedVersion === '' || one.n > 1 || observation.n > 1) return 0;
    return this.objects.ofVersion(observation.involved.uid, observation.involvedVersion)?.generation ?? 0;
  }

  /** Takes out the changes that are settled at that time: nothing refers to their occurrences any more. */
  settle(at: Micros): { readonly change: ChangeState; readonly settledAt: Micros }[] {
    if (at < this.#settlesFrom) return [];
    const settled: { change: ChangeState; settledAt: Micros }[] = [];
    let from = Number.POSITIVE_INFINITY;
    for (const change of Object.values(this.context.changes)) {
      // Most changes are too young; only the others are worth the closer look.
      const earliest = settlesAtEarliest(change);
      const settledAt = at < earliest ? earliest : settlesAt(change);
      if (settledAt <= at) settled.push({ change, settledAt });
      else from = Math.min(from, earliest);
    }
    this.#settlesFrom = from;
    for (const { change } of settled) this.#close(change);
    return settled;
  }

  #close(change: ChangeState): void {
    const { context } = this;
    delete context.changes[change.id];
    context.scalings = context.scalings.filter((scaling) => scaling.change !== change.id);
    context.disruptions = context.disruptions.filter((disruption) => disruption.change !== change.id);
    for (const { occurrence } of this.membersOf(change.id)) {
      const name = endings.includes(occurrence.routed.meaning.verb) ? subjectName(occurrence) : null;
      if (name !== null) context.ended[name] = Math.max(occurrence.at, context.ended[name] ?? 0);
    }
  }
}

/** How occurrences of one sort get their place. */
export interface Placer {
  /**
   * What the placement depends on: those of them that have no place yet get one first. Controllers record after their call returns, so
   * a cause may come up to a second after its effect.
   */
  readonly causes?: (pass: DomainPass, one: Occurrence, object: ObjectState) => readonly Occurrence[];
  /** Assigns a place, always. */
  readonly place: (pass: DomainPass, one: Occurrence, object: ObjectState) => void;
}

export function linkTo(one: Occurrence, change: ChangeState, by: CausalLink['by']): CausalLink {
  return { occurrence: one.id, change: change.id, at: one.at, by };
}

/** By which a state or failure is found again when its Event repeats. */
export function seriesKey(one: Occurrence): string {
  return `event/${one.routed.observation.uid}`;
}

/** By which a start is found again: its pair, on its object and container. */
export function pairKey(one: Occurrence, pair: string): string {
  return `${pair}|${one.routed.observation.container}`;
}

/** The object at the top of the domain. */
function rootOf(one: Occurrence): ObjectRef {
  return one.routed.chain.at(-1) ?? involvedOf(one);
}

function byStart(a: ChangeState, b: ChangeState): number {
  return a.start - b.start || (a.id < b.id ? -1 : 1);
}
