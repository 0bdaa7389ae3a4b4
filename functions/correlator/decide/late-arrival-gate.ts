/**
 * Waiting for a stream that is behind. When Events of a namespace arrive later than the lateness allowed (a backlog after an outage, Events
 * that the reconciler repairs, a replayed dump), more of them are about to arrive: deciding at once would make a trace of each. So nothing
 * of that namespace is routed or decided until none has arrived for a while; never longer than a bound, since a node whose clock is behind
 * sends such Events for ever. A later decision changes no trace; it only knows more.
 */
import { lateness, minute, second } from '../../../shared/correlation/settling-times.ts';
import type { Micros, Observation } from '../../../shared/events/observation.ts';
import type { IndexEntry, Store } from '../../../shared/store/store.ts';

/** In the index, so that all correlators wait: scope -> until when. The index keeps the lowest score, so the time is negative. */
const key = 'late-arrivals';
const lull = lateness;
const holdMax = 2 * minute;
/** An announcement is good for this long: not every late Event has to repeat it. */
const announcedFor = 1 * second;
const announcedMax = 10_000;

/** A namespace of a cluster; with a bar behind it, the beginning of the keys of its Events. */
export function scopeOf(cluster: string, { namespace }: Pick<Observation, 'namespace'>): string {
  return `${cluster}|${namespace}`;
}

export class LateArrivalGate {
  readonly #store: Store;
  readonly #announced = new Map<string, Micros>();
  /** Scope -> since when it is held. */
  #since: ReadonlyMap<string, Micros> = new Map();

  constructor(store: Store) {
    this.#store = store;
  }

  /** For the index. */
  entriesFor(arrived: readonly { readonly cluster: string; readonly observation: Observation }[], now: Micros): IndexEntry[] {
    const entries: IndexEntry[] = [];
    for (const { cluster, observation } of arrived) {
      const isLate = observation.last.at > 0 && now - observation.last.at > lateness;
      const scope = scopeOf(cluster, observation);
      if (!isLate || now < (this.#announced.get(scope) ?? 0) + announcedFor) continue;
      if (this.#announced.size >= announcedMax) this.#announced.clear();
      this.#announced.set(scope, now);
      entries.push({ key, member: scope, score: -(now + lull) });
    }
    return entries;
  }

  /** The scopes that wait now. */
  async held(now: Micros): Promise<ReadonlySet<string>> {
    const [entries = []] = await this.#store.readIndex([key]);
    const since = new Map<string, Micros>();
    for (const { member: scope, score } of entries) {
      const until = -score;
      // A time far ahead was written under another clock.
      if (now >= until || until - now > lull + lateness) continue;
      const began = this.#since.get(scope) ?? now;
      if (now - began < holdMax) since.set(scope, began);
    }
    this.#since = since;
    return new Set(since.keys());
  }
}
