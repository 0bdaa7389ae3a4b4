/**
 * The undecided occurrences of a domain, by verb and object, in order of time: where placements look for causes. Results exclude occurrences
 * of settled changes, which may or may not still be loaded.
 */
import type { Micros, ObjectRef } from '../../events/observation.ts';
import { keyOf, nameKeyOf, type Occurrence } from '../occurrence.ts';
import type { Verb } from '../rules/rule.ts';
import { causeMayTrail, minute } from '../settling-times.ts';

/** Verbs that end an object. */
export const endings: readonly Verb[] = ['delete', 'evict', 'stop'];

export class OccurrenceIndex {
  readonly #isOpen: (one: Occurrence) => boolean;
  /** By the id of the first occurrence. */
  readonly #lastOfSeries = new Map<string, Occurrence>();
  readonly #bySubject = new Timelines();
  readonly #byActor = new Timelines();
  readonly #rescales = new Timelines();
  readonly #stopsByController = new Timelines();
  readonly #waitsForNode = new Timelines();
  readonly #suspensions = new Timelines();

  /** `isOpen` is false for occurrences of a settled change. */
  constructor(isOpen: (one: Occurrence) => boolean) {
    this.#isOpen = isOpen;
  }

  add(one: Occurrence): void {
    const { meaning, chain } = one.routed;
    const { subject, verb } = meaning;
    const involved = involvedOf(one);
    if (isLastOfSeries(one)) this.#lastOfSeries.set(`${one.routed.observation.uid}#1`, one);
    const about = subjectName(one);
    if (about !== null) this.#bySubject.add(about, one);
    for (const other of meaning.others) this.#bySubject.add(nameKey(other.subject), one);
    if (subject || verb === 'create') this.#byActor.add(keyOf(involved), one);
    if (verb === 'rescale') {
      const target = subject ?? chain[1];
      if (target) this.#rescales.add(nameKey(target), one);
    }
    if (verb === 'suspend' || verb === 'resume') this.#suspensions.add(keyOf(involved), one);
    if (verb === 'stop' && chain[1]) this.#stopsByController.add(keyOf(chain[1]), one);
    if (meaning.waitsFor === 'node') this.#waitsForNode.add(keyOf(involved), one);
  }

  /** The last occurrence of the Event that began with this one, where one notification tells of both and nothing between was observed. */
  lastOfSeries(one: Occurrence): Occurrence | null {
    const last = this.#lastOfSeries.get(one.id);
    return last?.routed.observation === one.routed.observation ? last : null;
  }

  /** Actions upon the object of that name, from `since` to `until` and what may trail, latest first. */
  actionsOn(ref: Named, since: Micros, until: Micros): Occurrence[] {
    return this.#within(this.#bySubject.get(nameKey(ref)), since, until + causeMayTrail).reverse();
  }

  /** Creations and updates among them. */
  ordersOf(ref: Named, since: Micros, until: Micros): Occurrence[] {
    return this.actionsOn(ref, since, until).filter((action) => {
      const verb = verbOn(action, ref);
      return verb === 'create' || verb === 'update';
    });
  }

  /** Actions of the controller upon its objects, in their order. */
  actionsBy(actor: string, since: Micros, until: Micros): Occurrence[] {
    return this.#within(this.#byActor.get(actor), since, until);
  }

  /** Sizes set for the workload of that name, up to what may trail, latest first. */
  rescalesOf(target: Named, since: Micros, until: Micros): Occurrence[] {
    return this.#within(this.#rescales.get(nameKey(target)), since, until + causeMayTrail).reverse();
  }

  /** Stops of the pods of a controller. */
  stopsUnder(controller: string, since: Micros, until: Micros): Occurrence[] {
    return this.#within(this.#stopsByController.get(controller), since, until);
  }

  /** Failures to find a node for the pod in the minute before, up to what may trail. */
  failuresOf(pod: string, until: Micros): Occurrence[] {
    return this.#within(this.#waitsForNode.get(pod), until - minute, until + causeMayTrail);
  }

  /** Suspensions and resumptions of a job, up to what may trail, latest first. */
  suspensionsOf(job: string, until: Micros): Occurrence[] {
    return this.#within(this.#suspensions.get(job), 0, until + causeMayTrail).reverse();
  }

  #within(list: readonly Occurrence[], since: Micros, until: Micros): Occurrence[] {
    const found: Occurrence[] = [];
    for (let index = firstFrom(list, since); index < list.length; index += 1) {
      const one = list[index];
      if (!one || one.at > until) break;
      if (this.#isOpen(one)) found.push(one);
    }
    return found;
  }
}

/** A state or failure, or an attempt, that has gone on: no action, each of which has a change of its own. */
function isLastOfSeries({ n, routed: { observation, meaning, tellsFirst } }: Occurrence): boolean {
  if (n === 1 || !tellsFirst || n !== observation.n || meaning.remark) return false;
  return (
    meaning.class === 'state' || meaning.class === 'failure' || meaning.fails || (meaning.phase === 'pull' && meaning.class === 'start')
  );
}

type Named = Pick<ObjectRef, 'kind' | 'namespace' | 'name'>;

export function nameKey({ kind, namespace, name }: Named): string {
  return nameKeyOf(kind, namespace, name);
}

export function involvedOf(one: Occurrence): ObjectRef {
  return one.routed.chain[0] ?? one.routed.observation.involved;
}

/** The name of an action's object: the named one, or the evicted one. */
export function subjectName(one: Occurrence): string | null {
  const { subject, verb } = one.routed.meaning;
  if (subject) return nameKey(subject);
  return verb === 'evict' ? nameKey(involvedOf(one)) : null;
}

/** What the action does to the object of that name. */
export function verbOn({ routed: { meaning } }: Occurrence, ref: Named): Verb {
  if (meaning.others.length === 0) return meaning.verb;
  const key = nameKey(ref);
  return meaning.others.find(({ subject }) => nameKey(subject) === key)?.verb ?? meaning.verb;
}

const nothing: readonly Occurrence[] = [];

/** Lists sorted by time on first use. */
class Timelines {
  readonly #lists = new Map<string, { readonly list: Occurrence[]; inOrder: boolean }>();

  add(key: string, one: Occurrence): void {
    const known = this.#lists.get(key);
    if (!known) this.#lists.set(key, { list: [one], inOrder: true });
    else {
      known.list.push(one);
      known.inOrder = false;
    }
  }

  get(key: string): readonly Occurrence[] {
    const known = this.#lists.get(key);
    if (!known) return nothing;
    if (!known.inOrder) {
      known.list.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
      known.inOrder = true;
    }
    return known.list;
  }
}

/** Index of the first that is not before that time. */
function firstFrom(list: readonly Occurrence[], since: Micros): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.at ?? 0) < since) low = middle + 1;
    else high = middle;
  }
  return low;
}
