/**
 * Waiting for a stream that is behind. When Events come later than the lateness allowed (a backlog after an outage, what the reconciler
 * repairs, a dump that somebody sends), more of their kind are about to come: deciding at once would tell each by itself. So nothing is
 * routed or decided until none has come for a while; never longer than a bound, since a node whose clock is behind sends such
 * Events for ever. Later decisions change no trace; they only know more.
 */

import { lateness, minute, second } from '../../../shared/correlation/settling-times.ts';
import type { Micros, Observation } from '../../../shared/events/observation.ts';
import type { IndexEntry, Store } from '../../../shared/store/store.ts';

const key = 'hold';
const lull = lateness;
const longest = 2 * minute;
/** What is written is good for so long: not each late Event needs to say it. */
const step = 1 * second;

export class LateArrivalGate {
  readonly #store: Store;
  #told: Micros = 0;
  #since: Micros | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  /** For the index, so that all correlators wait. The index keeps the lowest score, so the time is written as a negative. */
  entriesFor(arrived: readonly Observation[], now: Micros): IndexEntry[] {
    const isLate = arrived.some(({ last }) => last.at > 0 && now - last.at > lateness);
    if (!isLate || now < this.#told + step) return [];
    this.#told = now;
    return [{ key, member: 'until', score: -(now + lull) }];
  }

  async isOn(now: Micros): Promise<boolean> {
    const [entries] = await this.#store.readIndex([key]);
    const until = -(entries?.[0]?.score ?? 0);
    // A time far ahead was written under another clock.
    if (now >= until || until - now > lull + lateness) {
      this.#since = null;
      return false;
    }
    this.#since ??= now;
    if (now - this.#since < longest) return true;
    this.#since = null;
    return false;
  }
}
