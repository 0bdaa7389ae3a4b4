/**
 * Waiting for a stream that is behind. When Events of a cluster arrive later than the lateness allowed (a backlog after an outage, Events
 * that the reconciler repairs, a replayed dump), more of them are about to arrive: deciding at once would make a trace of each. So nothing
 * of that cluster is routed or decided until none has arrived for a while; never longer than a bound, since a node whose clock is behind
 * sends such Events for ever. A later decision changes no trace; it only knows more.
 */
import { lateness, minute, second } from '../../../shared/correlation/settling-times.ts';
import type { Micros, Observation } from '../../../shared/events/observation.ts';
import type { IndexEntry, Store } from '../../../shared/store/store.ts';

/** In the index, so that all correlators wait: cluster -> until when. The index keeps the lowest score, so the time is negative. */
const key = 'late-arrivals';
const lull = lateness;
const holdMax = 2 * minute;
/** An announcement is good for this long: not every late Event has to repeat it. */
const announcedFor = 1 * second;
const announcedMax = 10_000;

export class LateArrivalGate {
  readonly #store: Store;
  readonly #announced = new Map<string, Micros>();
  /** Cluster -> since when it is held. */
  #since: ReadonlyMap<string, Micros> = new Map();

  constructor(store: Store) {
    this.#store = store;
  }

  /** For the index. */
  entriesFor(arrived: readonly { readonly cluster: string; readonly observation: Observation }[], now: Micros): IndexEntry[] {
    const entries: IndexEntry[] = [];
    for (const { cluster, observation } of arrived) {
      const isLate = observation.last.at > 0 && now - observation.last.at > lateness;
      if (!isLate || now < (this.#announced.get(cluster) ?? 0) + announcedFor) continue;
      if (this.#announced.size >= announcedMax) this.#announced.clear();
      this.#announced.set(cluster, now);
      entries.push({ key, member: cluster, score: -(now + lull) });
    }
    return entries;
  }

  /** The clusters that wait now. */
  async held(now: Micros): Promise<string[]> {
    const [entries = []] = await this.#store.readIndex([key]);
    const since = new Map<string, Micros>();
    for (const { member: cluster, score } of entries) {
      const until = -score;
      // A time far ahead was written under another clock.
      if (now >= until || until - now > lull + lateness) continue;
      const began = this.#since.get(cluster) ?? now;
      if (now - began < holdMax) since.set(cluster, began);
    }
    this.#since = since;
    return [...since.keys()];
  }
}
