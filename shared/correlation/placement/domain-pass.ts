/**
 * The walk through one domain's occurrences in event time: who knows what at which point. `place-*.ts` decide with its help
 * which occurrence caused which; it only looks things up and writes verdicts down.
 */
import type { Micros, ObjectRef } from '../../events/observation.ts';
import type { Objects } from '../../kubernetes/object-index.ts';
import type { CausalLink, ChangeKind, ChangeState, Context, ObjectState, Placed, Placement } from '../context.ts';
import { keyOf, nameKeyOf, type Occurrence } from '../occurrence.ts';
import type { Verb } from '../rules/rule.ts';
import { causeMayTrail, minute, rememberFor } from '../settling-times.ts';

export interface Candidate {
  readonly candidate: string;
  readonly verdict: string;
}

export interface Verdict {
  readonly change: ChangeState;
  readonly parent?: string;
  readonly on?: string;
  readonly rule: string;
  readonly evidence: string;
  readonly confidence?: Placement['confidence'];
  readonly from?: Micros;
  readonly terminating?: boolean;
  readonly named?: boolean;
  /** False for repeats of what is known, which keep no change open. Default true. */
  readonly counts?: boolean;
}

export class DomainPass {
  readonly context: Context;
  readonly objects: Objects;
  /** What is not settled yet: placed in earlier calls or in this one. */
  readonly placed: Map<string, Placed>;
  readonly queue: readonly Occurrence[];
  /** Why other parents lost, by occurrence; only kept when asked for. */
  readonly notes: Map<string, Candidate[]> | null;
  position = 0;
  /** Told by themselves, since their time was decided before they came: nothing may give them another place. */
  readonly late = new Set<string>();
  readonly #members = new Map<string, Placed[]>();
  #placing = new Set<string>();
  #onSubject = new Map<string, Occurrence[]>();
  #byActor = new Map<string, Occurrence[]>();
  #stops = new Map<string, Occurrence[]>();
  #failures = new Map<string, Occurrence[]>();
  #suspensions = new Map<string, Occurrence[]>();
  readonly #placeOne: (walk: DomainPass, occurrence: Occurrence) => void;

  constructor(input: {
    context: Context;
    objects: Objects;
    placed: readonly Placed[];
    queue: readonly Occurrence[];
    notes: Map<string, Candidate[]> | null;
    placeOne: (walk: DomainPass, occurrence: Occurrence) => void;
  }) {
    this.context = input.context;
    this.objects = input.objects;
    this.queue = input.queue;
    this.notes = input.notes;
    this.placed = new Map(input.placed.map((one) => [one.occurrence.id, one]));
    this.#placeOne = input.placeOne;
    for (const one of input.placed) {
      this.#index(one.occurrence);
      this.#join(one);
    }
    for (const one of input.queue) this.#index(one);
    for (const map of [this.#onSubject, this.#byActor, this.#stops, this.#failures, this.#suspensions])
      for (const list of map.values()) list.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  }

  #index(one: Occurrence): void {
    const { meaning, chain } = one.routed;
    const name = subjectName(one);
    if (name !== null) append(this.#onSubject, name, one);
    if (meaning.subject) append(this.#byActor, keyOf(involvedOf(one)), one);
    if (meaning.verb === 'rescale') {
      const target = meaning.subject ?? chain[1];
      if (target) append(this.#onSubject, `rescale:${nameKeyOf(target.kind, target.namespace, target.name)}`, one);
    }
    if (meaning.verb === 'suspend' || meaning.verb === 'resume') append(this.#suspensions, keyOf(involvedOf(one)), one);
    if (meaning.waitsFor === 'node') append(this.#failures, keyOf(involvedOf(one)), one);
    if (meaning.verb === 'stop' && chain[1]) append(this.#stops, keyOf(chain[1]), one);
  }

  /** Places an occurrence unless that is done or under way. */
  place(one: Occurrence): Placement | null {
    const done = this.placed.get(one.id);
    if (done) return done.place;
    if (this.late.has(one.id) || this.#placing.has(one.id) || this.#placing.size > 8) return null;
    this.#placing.add(one.id);
    this.#placeOne(this, one);
    this.#placing.delete(one.id);
    return this.placed.get(one.id)?.place ?? null;
  }

  assign(one: Occurrence, verdict: Verdict): void {
    const { change } = verdict;
    const placed: Placed = {
      occurrence: one,
      place: {
        change: change.id,
        parent: verdict.parent ?? '',
        on: verdict.on ?? '',
        rule: verdict.rule,
        evidence: verdict.evidence,
        confidence: verdict.confidence ?? '',
        from: verdict.from ?? null,
        late: false,
        terminating: verdict.terminating ?? false,
        named: verdict.named ?? false,
        unobserved: this.#unobserved(one),
      },
    };
    this.placed.set(one.id, placed);
    this.#join(placed);
    if (verdict.counts !== false && one.at > change.last) change.last = one.at;
  }

  /** What has its place in the change. */
  membersOf(change: string): readonly Placed[] {
    return this.#members.get(change) ?? [];
  }

  #join(placed: Placed): void {
    const members = this.#members.get(placed.place.change);
    if (members) members.push(placed);
    else this.#members.set(placed.place.change, [placed]);
  }

  /** The change is settled: nothing refers to its occurrences any more, whether or not they are still at hand. */
  close(change: ChangeState): void {
    delete this.context.changes[change.id];
    this.context.scalings = this.context.scalings.filter((scaling) => scaling.change !== change.id);
    this.context.disruptions = this.context.disruptions.filter((disruption) => disruption.change !== change.id);
    for (const { occurrence } of this.membersOf(change.id)) {
      const name = ends.includes(occurrence.routed.meaning.verb) ? subjectName(occurrence) : null;
      if (name !== null) this.context.ended[name] = Math.max(occurrence.at, this.context.ended[name] ?? 0);
    }
  }

  #unobserved(one: Occurrence): number {
    const uid = `event/${one.routed.observation.uid}`;
    const before = this.context.highest[uid]?.n ?? 0;
    if (one.n <= before) return 0;
    this.context.highest[uid] = { n: one.n, at: one.at };
    return one.n - before - 1;
  }

  note(one: Occurrence, candidate: string, verdict: string): void {
    if (!this.notes) return;
    const list = this.notes.get(one.id) ?? [];
    list.push({ candidate, verdict });
    this.notes.set(one.id, list);
  }

  /** The state of an object, made on first sight. */
  object(ref: ObjectRef, owner: ObjectRef | undefined, at: Micros): ObjectState {
    const key = keyOf(ref);
    const known = this.context.objects[key];
    if (known && at - known.lastSeen < rememberFor) {
      if (at > known.lastSeen) known.lastSeen = at;
      return known;
    }
    const made: ObjectState = {
      ref,
      owner: owner ? keyOf(owner) : '',
      firstSeen: at,
      lastSeen: at,
      birth: null,
      death: null,
      anchor: null,
      open: {},
      series: {},
      unhealthy: null,
      incident: '',
      incidentDay: 0,
      incidentCount: 0,
      troubled: false,
      up: false,
    };
    this.context.objects[key] = made;
    this.context.names[nameKey(ref)] = key;
    return made;
  }

  named(kind: string, namespace: string, name: string): ObjectState | null {
    return this.context.objects[this.context.names[nameKeyOf(kind, namespace, name)] ?? ''] ?? null;
  }

  /** The change, while it is not settled. */
  open(id: string | undefined): ChangeState | null {
    return (id !== undefined && this.context.changes[id]) || null;
  }

  openChanges(kinds?: readonly ChangeKind[]): ChangeState[] {
    const all = Object.values(this.context.changes).filter((one) =>
      kinds ? kinds.includes(one.kind) : one.kind !== 'incident' && one.kind !== 'digest',
    );
    return all.sort((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1));
  }

  begin(one: Occurrence, kind: ChangeKind, about?: ObjectRef, extra: Partial<ChangeState> = {}): ChangeState {
    const root = one.routed.chain.at(-1) ?? involvedOf(one);
    const change: ChangeState = {
      id: one.id,
      kind,
      about: about ?? root,
      root,
      start: one.at,
      last: one.at,
      generation: this.generation(one),
      made: {},
      unreplaced: [],
      deletes: 0,
      newSet: '',
      oldSets: {},
      resized: '',
      newReplicas: 0,
      wanted: 0,
      superseded: false,
      back: false,
      closed: false,
      failed: '',
      trouble: '',
      expectsEnd: false,
      openUntil: 0,
      continues: null,
      ...extra,
    };
    this.context.changes[change.id] = change;
    return change;
  }

  /**
   * Generation of the version that the controller had in hand, 0 when that is not known. A repeat keeps the version of the
   * first occurrence, so it tells nothing.
   */
  generation(one: Occurrence): number {
    const { observation } = one.routed;
    if (observation.involvedVersion === '' || one.n > 1 || observation.n > 1) return 0;
    return this.objects.ofVersion(observation.involved.uid, observation.involvedVersion)?.generation ?? 0;
  }

  /** Actions upon an object of that name, from `since` to `until` (plus what may trail), latest first. */
  actionsOn(name: string, since: Micros, until: Micros): Occurrence[] {
    return this.#within(this.#onSubject.get(name), since, until + causeMayTrail).reverse();
  }

  actionsBy(actor: string, since: Micros, until: Micros): Occurrence[] {
    return this.#within(this.#byActor.get(actor), since, until);
  }

  /** Stops of the pods of a controller. */
  stopsUnder(controller: string, since: Micros, until: Micros): Occurrence[] {
    return this.#within(this.#stops.get(controller), since, until);
  }

  /** Failures to find room for a pod, up to what may trail. */
  failuresOf(pod: string, until: Micros): Occurrence[] {
    return this.#within(this.#failures.get(pod), until - minute, until + causeMayTrail);
  }

  /** Suspensions and resumptions of a job, up to what may trail, latest first. */
  suspensionsOf(job: string, until: Micros): Occurrence[] {
    return this.#within(this.#suspensions.get(job), 0, until + causeMayTrail).reverse();
  }

  /**
   * Of a list in order of time the part in [since, until], without what is settled: that is gone from a domain that was decided in
   * between, and must not be seen in one that is decided at once.
   */
  #within(list: readonly Occurrence[] | undefined, since: Micros, until: Micros): Occurrence[] {
    return within(list, since, until).filter(({ id }) => {
      const placed = this.placed.get(id);
      return placed ? placed.place.change in this.context.changes : !this.late.has(id);
    });
  }

  bond(one: Occurrence, change: ChangeState, by: CausalLink['by']): CausalLink {
    return { occurrence: one.id, change: change.id, at: one.at, by };
  }
}

export function involvedOf(one: Occurrence): ObjectRef {
  return one.routed.chain[0] ?? one.routed.observation.involved;
}

/** Verbs after which nothing more of the object is expected. */
export const ends: readonly Verb[] = ['delete', 'evict', 'stop'];

/** The object that an action is about: the one that it names, or the evicted one. */
function subjectName(one: Occurrence): string | null {
  const { subject, verb } = one.routed.meaning;
  if (subject) return nameKeyOf(subject.kind, subject.namespace, subject.name);
  return verb === 'evict' ? nameKey(involvedOf(one)) : null;
}

export function nameKey(ref: ObjectRef): string {
  return nameKeyOf(ref.kind, ref.namespace, ref.name);
}

function append(map: Map<string, Occurrence[]>, key: string, one: Occurrence): void {
  const list = map.get(key);
  if (list) list.push(one);
  else map.set(key, [one]);
}

/** The part of a list in order of time that lies in [since, until], found by halving. */
function within(list: readonly Occurrence[] | undefined, since: Micros, until: Micros): Occurrence[] {
  if (!list) return [];
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.at ?? 0) < since) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < list.length && (list[end]?.at ?? 0) <= until) end += 1;
  return list.slice(low, end);
}
