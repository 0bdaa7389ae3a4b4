/**
 * Owners of objects that nobody has fed: asked of the API server by uid, remembered in the index for all correlators. Begun when an Event
 * arrives and awaited, with a deadline, when it is routed; an API server that is slow or away delays a decision by that much, never an
 * acknowledgement, and leaves the owner unknown.
 */
import type { ObjectRef } from '../../../shared/events/observation.ts';
import type { Lookup } from '../../../shared/kubernetes/lookup.ts';
import type { Clock } from '../../../shared/process/clock.ts';
import { TtlCache } from '../../../shared/process/ttl-cache.ts';
import type { Store } from '../../../shared/store/store.ts';
import { readVersion } from '../codec.ts';
import { entriesOfObject } from '../receive/fact-filter.ts';
import { versionKey } from './index-view.ts';

/** Whose owner is wanted. */
export interface Owned {
  readonly cluster: string;
  readonly involved: ObjectRef;
}

export interface Owners {
  /** Begins to look up what the Events speak of, in the background. */
  prefetch(arrived: readonly Owned[]): void;
  /** Resolves when all that can be known about the owners of these is in the index, or the deadline has passed. */
  learn(arrived: readonly Owned[]): Promise<void>;
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
const knownMax = 50_000;
const knownTtlMs = 10 * 60_000;
/** Versions of one object that are remembered. */
export const versionsMost = 64;

const goneKey = (cluster: string, uid: string): string => `${cluster}|gone|${uid}`;

export class LookedUpOwners implements Owners {
  readonly #options: OwnersOptions;
  /** uids whose owners are in the index. */
  readonly #known: TtlCache<true>;
  readonly #underWay = new Map<string, Promise<void>>();
  /** Those that the background has not got to yet. */
  readonly #wanted = new Map<string, ObjectRef>();
  #prefetching = false;

  constructor(options: OwnersOptions) {
    this.#options = options;
    this.#known = new TtlCache({ now: () => options.clock.now(), max: knownMax, ttlMs: knownTtlMs });
  }

  /** What finds no room here is learnt when it is routed. */
  prefetch(arrived: readonly Owned[]): void {
    for (const ref of this.#unknown(arrived)) if (this.#wanted.size < underWayMost) this.#wanted.set(ref.uid, ref);
    if (this.#wanted.size > 0 && !this.#prefetching) void this.#prefetch();
  }

  async learn(arrived: readonly Owned[]): Promise<void> {
    await this.#learn(this.#unknown(arrived));
  }

  async #prefetch(): Promise<void> {
    this.#prefetching = true;
    while (this.#wanted.size > 0) {
      const refs = [...this.#wanted.values()];
      this.#wanted.clear();
      await this.#learn(refs).catch(this.#options.onError);
    }
    this.#prefetching = false;
  }

  /** First what the index tells of a chain, level by level; then the API server, from where the index ends. */
  async #learn(from: readonly ObjectRef[]): Promise<void> {
    const above = new Map<string, ObjectRef | null>();
    const asked: ObjectRef[] = [];
    let refs = from;
    for (let steps = 0; refs.length > 0 && steps < chainLongest; steps += 1) {
      const owners = await this.#ownersInIndex(refs);
      const next = new Map<string, ObjectRef>();
      for (const [place, ref] of refs.entries()) {
        const owner = owners[place];
        if (owner === undefined) asked.push(ref);
        else above.set(ref.uid, owner);
        if (owner && owner.uid !== '' && !above.has(owner.uid) && !this.#isKnown(owner.uid)) next.set(owner.uid, owner);
      }
      refs = [...next.values()];
    }
    await Promise.all(asked.map((ref) => this.#resolve(ref)));
    for (const uid of above.keys()) if (this.#isComplete(uid, above)) this.#remember(uid);
  }

  /** Undefined: the index does not know the object; null: it has no owner, or is gone. */
  async #ownersInIndex(refs: readonly ObjectRef[]): Promise<(ObjectRef | null | undefined)[]> {
    const { store, cluster } = this.#options;
    const entries = await store.readIndex(refs.flatMap(({ uid }) => [versionKey(cluster, uid), goneKey(cluster, uid)]));
    return refs.map((_, place) => {
      const last = entries[2 * place]?.at(-1);
      if (last) return readVersion(last.score, last.member).object.owner;
      return (entries[2 * place + 1]?.length ?? 0) > 0 ? null : undefined;
    });
  }

  /** Whether all above it is known: an object whose owner's owner did not answer is asked about again. */
  #isComplete(from: string, above: ReadonlyMap<string, ObjectRef | null>): boolean {
    let uid = from;
    for (let steps = 0; steps <= chainLongest; steps += 1) {
      const owner = above.get(uid);
      if (owner === undefined) return this.#isKnown(uid);
      if (owner === null || owner.uid === '') return true;
      uid = owner.uid;
    }
    return true;
  }

  #isKnown(uid: string): boolean {
    return this.#known.get(uid) === true;
  }

  /** Each object of our cluster that has a uid and is not known, once. */
  #unknown(arrived: readonly Owned[]): ObjectRef[] {
    const refs = new Map<string, ObjectRef>();
    for (const { cluster, involved } of arrived) {
      if (cluster !== this.#options.cluster || involved.uid === '' || involved.kind === '') continue;
      if (!this.#isKnown(involved.uid)) refs.set(involved.uid, involved);
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
    const climbed: string[] = [];
    let ref: ObjectRef | null = from;
    for (let steps = 0; ref !== null && ref.uid !== '' && !this.#isKnown(ref.uid) && steps < chainLongest; steps += 1) {
      const found = await lookup.find(ref, deadline);
      if (found.kind === 'away') return;
      if (found.kind === 'found') {
        const version = { object: found.object, seenAt: clock.now() * 1_000, gone: false };
        await store.putIndex(entriesOfObject(cluster, version), objectsFor, versionsMost);
      } else if (found.kind === 'gone') await store.putIndex([{ key: goneKey(cluster, ref.uid), member: 'gone', score: 0 }], goneFor, 1);
      climbed.push(ref.uid);
      ref = found.kind === 'found' ? found.object.owner : null;
    }
    for (const uid of climbed) this.#remember(uid);
  }

  #remember(uid: string): void {
    this.#known.set(uid, true);
  }
}
