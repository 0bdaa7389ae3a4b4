/**
 * Owners of objects that nobody has fed: asked of the API server by uid, remembered in the index for all correlators. Begun when an Event
 * arrives and awaited, with a deadline, when it is routed; an API server that is slow or away delays a decision by that much, never an
 * acknowledgement, and leaves the owner unknown.
 */
import type { ObjectRef } from '../../shared/cloudevent/observation.ts';
import type { Lookup } from '../../shared/objects/lookup.ts';
import type { Clock } from '../../shared/runtime/clock.ts';
import type { Store } from '../../shared/store/store.ts';
import type { Arrived } from './codec.ts';
import { versionKey } from './known.ts';
import { entriesOfObject } from './recall.ts';

export interface Owners {
  /** Begins to look up what the Events speak of, in the background. */
  prefetch(arrived: readonly Arrived[]): void;
  /** Resolves when all that can be known about the owners of these is in the index, or the deadline has passed. */
  learn(arrived: readonly Arrived[]): Promise<void>;
}

/** Where there is no API server to ask. */
export const noOwners: Owners = { prefetch: () => {}, learn: async () => {} };

export interface OwnersOptions {
  readonly store: Store;
  readonly lookup: Lookup;
  /** Only objects of this cluster are asked for: the API server knows no others. */
  readonly cluster: string;
  readonly clock: Clock;
  readonly objectsFor: number;
  readonly goneFor: number;
  readonly onError: (error: unknown) => void;
}

const chainLongest = 10;
const learnWithinMs = 5_000;
const underWayMost = 200;
const knownMost = 50_000;
const knownForMs = 10 * 60_000;
const versionsMost = 64;

const goneKey = (cluster: string, uid: string): string => `${cluster}|gone|${uid}`;

export class LookedUpOwners implements Owners {
  readonly #options: OwnersOptions;
  /** uid -> until when nobody needs to ask again. */
  readonly #known = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: OwnersOptions) {
    this.#options = options;
  }

  prefetch(arrived: readonly Arrived[]): void {
    for (const ref of this.#unknown(arrived)) if (this.#underWay.size < underWayMost) void this.#resolve(ref);
  }

  async learn(arrived: readonly Arrived[]): Promise<void> {
    const refs = this.#unknown(arrived);
    if (refs.length === 0) return;
    const { store, cluster } = this.#options;
    const keys = refs.flatMap(({ uid }) => [versionKey(cluster, uid), goneKey(cluster, uid)]);
    const entries = await store.readIndex(keys);
    const asked = refs.filter((ref, place) => {
      const told = (entries[2 * place]?.length ?? 0) + (entries[2 * place + 1]?.length ?? 0) > 0;
      if (told) this.#remember(ref.uid);
      return !told;
    });
    await Promise.all(asked.map((ref) => this.#resolve(ref)));
  }

  /** Each object of our cluster that has a uid and is not known, once. */
  #unknown(arrived: readonly Arrived[]): ObjectRef[] {
    const now = this.#options.clock.now();
    const refs = new Map<string, ObjectRef>();
    for (const { cluster, observation } of arrived) {
      const { involved } = observation;
      if (cluster !== this.#options.cluster || involved.uid === '' || involved.kind === '') continue;
      if ((this.#known.get(involved.uid) ?? 0) <= now) refs.set(involved.uid, involved);
    }
    return [...refs.values()];
  }

  /** The object and its owners, once at a time; never rejects. */
  #resolve(ref: ObjectRef): Promise<void> {
    const running = this.#underWay.get(ref.uid);
    if (running) return running;
    const flight = this.#climb(ref)
      .catch(this.#options.onError)
      .finally(() => this.#underWay.delete(ref.uid));
    this.#underWay.set(ref.uid, flight);
    return flight;
  }

  async #climb(from: ObjectRef): Promise<void> {
    const { store, lookup, cluster, clock, objectsFor, goneFor } = this.#options;
    const deadline = clock.now() + learnWithinMs;
    let ref: ObjectRef | null = from;
    for (let steps = 0; ref !== null && ref.uid !== '' && steps < chainLongest; steps += 1) {
      if ((this.#known.get(ref.uid) ?? 0) > clock.now()) return;
      const found = await lookup.find(ref, deadline);
      if (found.kind === 'away') return;
      if (found.kind === 'found') {
        const version = { object: found.object, seenAt: clock.now() * 1_000, gone: false };
        await store.putIndex(entriesOfObject(cluster, version), objectsFor, versionsMost);
      } else if (found.kind === 'gone') await store.putIndex([{ key: goneKey(cluster, ref.uid), member: 'gone', score: 0 }], goneFor, 1);
      this.#remember(ref.uid);
      ref = found.kind === 'found' ? found.object.owner : null;
    }
  }

  #remember(uid: string): void {
    this.#known.delete(uid);
    this.#known.set(uid, this.#options.clock.now() + knownForMs);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= knownMost) break;
      this.#known.delete(oldest);
    }
  }
}
