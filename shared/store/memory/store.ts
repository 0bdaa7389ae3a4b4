/** The in-memory store, for local runs and tests. Its content is lost on exit. */
import type { Micros } from '../../events/observation.ts';
import { TtlCache } from '../../process/ttl-cache.ts';
import { shardOf } from '../keys.ts';
import {
  type Claimed,
  type Commit,
  type CommitOutcome,
  type DeliveryQueue,
  type DomainEntry,
  type DomainRead,
  type InboxEntry,
  type InboxItem,
  type IndexEntry,
  type ParkedItem,
  type PinnedRoute,
  parkedMax,
  type QueuedDelivery,
  type RouteProposal,
  type ShardDue,
  type Store,
  type StoreBounds,
  type StoreSizes,
  shardCount,
} from '../store.ts';
import { MemoryDeliveryQueue, type SavedQueue } from './delivery-queue.ts';
import { MemoryDomains, type SavedDomains } from './domains.ts';
import { MemoryInbox, type SavedInbox } from './inbox.ts';

interface Shard {
  readonly inbox: MemoryInbox;
  readonly domains: MemoryDomains;
  readonly outbox: MemoryDeliveryQueue;
}

type Kept<V> = readonly (readonly [key: string, value: V, ttlMs: number])[];

/** All that it holds, by reference: for a store that nobody uses any more. */
export interface SavedStore {
  readonly shards: readonly { readonly inbox: SavedInbox; readonly domains: SavedDomains; readonly outbox: SavedQueue }[];
  readonly index: Kept<ReadonlyMap<string, number>>;
  readonly named: Kept<string>;
  readonly deadLetters: SavedQueue;
  readonly parked: readonly ParkedItem[];
}

export class MemoryStore implements Store {
  readonly #now: () => number;
  readonly #shards: readonly Shard[];
  /** Key -> member -> score. */
  readonly #index: TtlCache<Map<string, number>>;
  readonly #deadLetters: MemoryDeliveryQueue;
  readonly #parked: ParkedItem[] = [];
  readonly #named: TtlCache<string>;

  /** `now`: milliseconds, the store's own clock. */
  constructor(now: () => number, bounds: StoreBounds) {
    this.#now = now;
    this.#index = new TtlCache({ now });
    this.#named = new TtlCache({ now });
    this.#deadLetters = new MemoryDeliveryQueue(bounds.deadLetters);
    this.#shards = Array.from({ length: shardCount }, () => newShard(now, bounds));
  }

  #shard(number: number): Shard {
    const shard = this.#shards[number];
    if (!shard) throw new RangeError(`Cannot use shard ${number}: there are ${shardCount}`);
    return shard;
  }

  save(): SavedStore {
    return {
      shards: this.#shards.map(({ inbox, domains, outbox }) => ({ inbox: inbox.save(), domains: domains.save(), outbox: outbox.save() })),
      index: [...this.#index.entries()],
      named: [...this.#named.entries()],
      deadLetters: this.#deadLetters.save(),
      parked: this.#parked,
    };
  }

  /** Into a store that is empty. */
  load(saved: SavedStore): void {
    for (const [number, { inbox, domains, outbox }] of saved.shards.entries()) {
      const shard = this.#shard(number);
      shard.inbox.load(inbox);
      shard.domains.load(domains);
      shard.outbox.load(outbox);
    }
    for (const [key, members, ttlMs] of saved.index) this.#index.set(key, new Map(members), ttlMs);
    for (const [name, value, ttlMs] of saved.named) this.#named.set(name, value, ttlMs);
    this.#deadLetters.load(saved.deadLetters);
    this.#parked.push(...saved.parked);
  }

  async clock(): Promise<number> {
    return this.#now();
  }

  async check(): ReturnType<Store['check']> {
    return { refuse: [], warn: ['The in-memory store is volatile: pending Events and segments are lost on exit'] };
  }

  async append(entries: readonly InboxEntry[]): Promise<readonly boolean[] | null> {
    const fresh: boolean[] = entries.map(() => false);
    let isFull = false;
    for (const [number, indexes] of Map.groupBy(entries.keys(), (index) => shardOf(entries[index]?.event ?? ''))) {
      const own = indexes.flatMap((index) => entries[index] ?? []);
      const taken = this.#shard(number).inbox.append(own);
      isFull ||= taken === null;
      for (const [place, index] of indexes.entries()) fresh[index] = taken?.[place] ?? false;
    }
    return isFull ? null : fresh;
  }

  async claimInbox(
    shard: number,
    token: string,
    now: Micros,
    leaseMs: number,
    max: number,
    skip: readonly string[] = [],
  ): Promise<readonly InboxItem[] | null> {
    return this.#shard(shard).inbox.claim(token, now, leaseMs, max, beginsWith(skip));
  }

  async pinRoutes(shard: number, token: string, proposals: readonly RouteProposal[]): Promise<readonly PinnedRoute[] | null> {
    return this.#shard(shard).inbox.pinRoutes(token, proposals);
  }

  async completeRouting(shard: number, token: string, done: readonly { event: string; n: number }[], release: boolean): Promise<void> {
    this.#shard(shard).inbox.complete(token, done, release);
  }

  async unseen(ids: readonly { event: string; n: number }[]): Promise<readonly boolean[]> {
    return ids.map((id) => this.#shard(shardOf(id.event)).inbox.isUnseen(id));
  }

  async putIndex(entries: readonly IndexEntry[], ttlMs: number, max: number): Promise<void> {
    for (const { key, member, score } of entries) {
      const members = this.#index.get(key) ?? new Map<string, number>();
      members.set(member, Math.min(score, members.get(member) ?? score));
      if (members.size > max) for (const [lowest] of byScore(members).slice(0, members.size - max)) members.delete(lowest);
      this.#index.set(key, members, ttlMs);
    }
  }

  async readIndex(keys: readonly string[]): Promise<readonly (readonly { member: string; score: number }[])[]> {
    return keys.map((key) => byScore(this.#index.get(key) ?? new Map()).map(([member, score]) => ({ member, score })));
  }

  async addToDomains(shard: number, entries: readonly DomainEntry[]): Promise<boolean> {
    return this.#shard(shard).domains.add(entries);
  }

  async claimDomains(
    shard: number,
    clock: number,
    now: Micros,
    leaseMs: number,
    max: number,
    skip: readonly string[] = [],
  ): Promise<readonly Claimed[]> {
    return this.#shard(shard).domains.claim(clock, now, leaseMs, max, beginsWith(skip));
  }

  async readDomains(shard: number, domains: readonly string[]): Promise<readonly DomainRead[]> {
    return domains.map((domain) => this.#shard(shard).domains.read(domain));
  }

  async commit(shard: number, clock: number, commit: Commit, visibilityTimeoutMs: number): Promise<CommitOutcome> {
    return this.#shard(shard).domains.commit(clock, commit, visibilityTimeoutMs);
  }

  #queue(queue: DeliveryQueue): MemoryDeliveryQueue {
    return queue.kind === 'dead-letters' ? this.#deadLetters : this.#shard(queue.shard).outbox;
  }

  async enqueue(queue: DeliveryQueue, items: readonly { id: string; body: string }[], dueAt: number): Promise<boolean> {
    return this.#queue(queue).enqueue(items, dueAt, dueAt);
  }

  async claimDeliveries(queue: DeliveryQueue, clock: number, visibilityTimeoutMs: number, max: number): Promise<readonly QueuedDelivery[]> {
    return this.#queue(queue).claim(clock, visibilityTimeoutMs, max);
  }

  async removeDeliveries(queue: DeliveryQueue, ids: readonly string[]): Promise<void> {
    this.#queue(queue).remove(ids);
  }

  async postponeDelivery(queue: DeliveryQueue, id: string, until: number): Promise<void> {
    this.#queue(queue).postpone(id, until);
  }

  async park(queue: DeliveryQueue, id: string, reason: string): Promise<number> {
    for (const body of this.#queue(queue).remove([id])) this.#parked.unshift({ id, reason, body });
    return this.#parked.splice(parkedMax).length;
  }

  async listDeliveries(queue: DeliveryQueue, max: number): Promise<readonly QueuedDelivery[]> {
    return this.#queue(queue).list(max);
  }

  async listParked(max: number): Promise<readonly ParkedItem[]> {
    return this.#parked.slice(0, max);
  }

  async removeParked(id: string): Promise<boolean> {
    const place = this.#parked.findIndex((parked) => parked.id === id);
    return place >= 0 && this.#parked.splice(place, 1).length > 0;
  }

  async due(skip: readonly string[] = []): Promise<readonly ShardDue[]> {
    const isSkipped = beginsWith(skip);
    return this.#shards.map(({ inbox, domains, outbox }) => ({
      inbox: inbox.earliest(isSkipped),
      ...domains.earliest(isSkipped),
      outbox: outbox.earliest(),
    }));
  }

  async sizes(): Promise<StoreSizes> {
    const sum = (of: (shard: Shard) => number) => this.#shards.reduce((all, shard) => all + of(shard), 0);
    const since = this.#shards.map(({ outbox }) => outbox.oldest()).filter((one) => one !== null);
    return {
      inbox: sum(({ inbox }) => inbox.size),
      undecided: sum(({ domains }) => domains.undecided),
      domains: sum(({ domains }) => domains.size),
      outbox: sum(({ outbox }) => outbox.size),
      outboxSince: since.length > 0 ? Math.min(...since) : null,
      deadLetters: this.#deadLetters.size,
      parked: this.#parked.length,
    };
  }

  async acquireLease(name: string, holder: string, ms: number): Promise<boolean> {
    if ((this.#named.get(name) ?? holder) !== holder) return false;
    this.#named.set(name, holder, ms);
    return true;
  }

  async releaseLease(name: string, holder: string): Promise<void> {
    if (this.#named.get(name) === holder) this.#named.delete(name);
  }

  async setOnce(name: string, value: string, ttlMs: number | null): Promise<string> {
    const known = this.#named.get(name);
    if (known === undefined) this.#named.set(name, value, ttlMs ?? Number.POSITIVE_INFINITY);
    return known ?? value;
  }

  ready(): boolean {
    return true;
  }

  async close(): Promise<void> {}
}

function newShard(now: () => number, bounds: StoreBounds): Shard {
  const pending = Math.ceil(bounds.pending / shardCount);
  const outbox = new MemoryDeliveryQueue(Math.ceil(bounds.outbox / shardCount));
  return { inbox: new MemoryInbox(now, pending, bounds.seenTtl), domains: new MemoryDomains(now, pending, outbox), outbox };
}

/** By score, then by member, as Redis sorts. */
function byScore(members: ReadonlyMap<string, number>): [string, number][] {
  return [...members].sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1));
}

function beginsWith(prefixes: readonly string[]): (text: string) => boolean {
  return (text) => prefixes.some((prefix) => text.startsWith(prefix));
}
