/** The store in the memory of one process: for the laptop and for tests. What it holds is gone when the process ends. */
import type { Micros } from '../../events/observation.ts';
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
import { MemoryDeliveryQueue, type ParkedItem } from './delivery-queue.ts';
import { MemoryDomains } from './domains.ts';
import { Expiring } from './expiring.ts';
import { MemoryInbox } from './inbox.ts';
import { MemoryIndex } from './index-entries.ts';

interface Shard {
  readonly inbox: MemoryInbox;
  readonly domains: MemoryDomains;
  readonly outbox: MemoryDeliveryQueue;
}

export class MemoryStore implements Store {
  readonly #now: () => number;
  readonly #shards: readonly Shard[];
  readonly #index: MemoryIndex;
  readonly #letters: MemoryDeliveryQueue;
  readonly #parked: ParkedItem[] = [];
  readonly #named: Expiring<string>;

  /** `now`: milliseconds, the store's own clock. */
  constructor(now: () => number, bounds: StoreBounds) {
    this.#now = now;
    this.#index = new MemoryIndex(now);
    this.#named = new Expiring(now);
    this.#letters = new MemoryDeliveryQueue(bounds.deadLetters);
    this.#shards = Array.from({ length: shardCount }, () => newShard(now, bounds));
  }

  #shard(number: number): Shard {
    const shard = this.#shards[number];
    if (!shard) throw new RangeError(`Cannot use shard ${number}: there are ${shardCount}`);
    return shard;
  }

  async clock(): Promise<number> {
    return this.#now();
  }

  async check(): ReturnType<Store['check']> {
    return { refuse: [], warn: ['The embedded store is volatile: what is not yet sent is lost when the process ends'] };
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

  async claimInbox(shard: number, token: string, now: Micros, leaseMs: number, most: number): Promise<readonly InboxItem[] | null> {
    return this.#shard(shard).inbox.claim(token, now, leaseMs, most);
  }

  async pinRoutes(shard: number, token: string, proposals: readonly RouteProposal[]): Promise<readonly PinnedRoute[] | null> {
    return this.#shard(shard).inbox.pinRoutes(token, proposals);
  }

  async completeRouting(shard: number, token: string, done: readonly { event: string; n: number }[], release: boolean): Promise<void> {
    this.#shard(shard).inbox.routed(token, done, release);
  }

  async unseen(ids: readonly { event: string; n: number }[]): Promise<readonly boolean[]> {
    return ids.map((id) => this.#shard(shardOf(id.event)).inbox.isUnseen(id));
  }

  async putIndex(entries: readonly IndexEntry[], keepFor: number, most: number): Promise<void> {
    for (const entry of entries) this.#index.put(entry, keepFor, most);
  }

  async readIndex(keys: readonly string[]): Promise<readonly (readonly { member: string; score: number }[])[]> {
    return keys.map((key) => this.#index.read(key));
  }

  async addToDomains(shard: number, entries: readonly DomainEntry[]): Promise<boolean> {
    return this.#shard(shard).domains.add(entries);
  }

  async claimDomains(shard: number, clock: number, now: Micros, leaseMs: number, most: number): Promise<readonly Claimed[]> {
    return this.#shard(shard).domains.claim(clock, now, leaseMs, most);
  }

  async readDomains(shard: number, domains: readonly string[]): Promise<readonly DomainRead[]> {
    return domains.map((domain) => this.#shard(shard).domains.read(domain));
  }

  async commit(shard: number, clock: number, commit: Commit, holdMs: number): Promise<CommitOutcome> {
    return this.#shard(shard).domains.commit(clock, commit, holdMs);
  }

  #box(box: DeliveryQueue): MemoryDeliveryQueue {
    return box.kind === 'dead-letters' ? this.#letters : this.#shard(box.shard).outbox;
  }

  async enqueue(box: DeliveryQueue, items: readonly { id: string; body: string }[], dueAt: number): Promise<boolean> {
    return this.#box(box).put(items, dueAt, dueAt);
  }

  async claimDeliveries(box: DeliveryQueue, clock: number, holdMs: number, most: number): Promise<readonly QueuedDelivery[]> {
    return this.#box(box).claim(clock, holdMs, most);
  }

  async removeDeliveries(box: DeliveryQueue, ids: readonly string[]): Promise<void> {
    this.#box(box).remove(ids);
  }

  async postponeDelivery(box: DeliveryQueue, id: string, until: number): Promise<void> {
    this.#box(box).postpone(id, until);
  }

  async park(box: DeliveryQueue, id: string, reason: string): Promise<number> {
    for (const body of this.#box(box).remove([id])) this.#parked.unshift({ id, reason, body });
    return this.#parked.splice(parkedMax).length;
  }

  async listDeliveries(box: DeliveryQueue, most: number): Promise<readonly QueuedDelivery[]> {
    return this.#box(box).list(most);
  }

  async listParked(most: number): Promise<readonly ParkedItem[]> {
    return this.#parked.slice(0, most);
  }

  async removeParked(id: string): Promise<boolean> {
    const place = this.#parked.findIndex((parked) => parked.id === id);
    return place >= 0 && this.#parked.splice(place, 1).length > 0;
  }

  async due(): Promise<readonly ShardDue[]> {
    return this.#shards.map(({ inbox, domains, outbox }) => ({
      inbox: inbox.earliest(),
      ...domains.earliest(),
      outbox: outbox.earliest(),
    }));
  }

  async sizes(): Promise<StoreSizes> {
    const sum = (of: (shard: Shard) => number) => this.#shards.reduce((all, shard) => all + of(shard), 0);
    const since = this.#shards.map(({ outbox }) => outbox.oldest()).filter((one) => one !== null);
    return {
      inbox: sum(({ inbox }) => inbox.size),
      undecided: sum(({ domains }) => domains.held),
      domains: sum(({ domains }) => domains.size),
      outbox: sum(({ outbox }) => outbox.size),
      outboxSince: since.length > 0 ? Math.min(...since) : null,
      deadLetters: this.#letters.size,
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

  async setOnce(name: string, value: string, keepFor: number | null): Promise<string> {
    const known = this.#named.get(name);
    if (known === undefined) this.#named.set(name, value, keepFor);
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
