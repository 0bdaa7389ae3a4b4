/**
 * What the functions keep between requests: the role. `memory.ts` (embedded, volatile) and `redis.ts` play it; one contract suite runs
 * over both. All state is text to the store; who stores it gives it meaning. Every method rejects with a `StoreError` when the store is
 * away: nothing is acknowledged then. A call that rejected may have been done all the same; each may safely be made again.
 *
 * Two clocks: *event time* (microseconds, from the correlator's clock) says what is due; the *store's own clock* (milliseconds) times
 * leases and the outbox, never a replica's.
 */
import type { Micros } from '../events/observation.ts';

/** State is spread over so many shards; all keys of one shard lie in one slot of a Redis Cluster. */
export const shardCount = 16;

/** One notification about one Event: `id` is uid#n within its cluster. */
export interface InboxEntry {
  /** The Event within its cluster. */
  readonly event: string;
  readonly n: number;
  /** resourceVersion: of two notifications about the same occurrence the one written first counts. */
  readonly version: string;
  /** Event time from which it may be routed. */
  readonly due: Micros;
  readonly body: string;
}

export interface InboxItem {
  readonly event: string;
  readonly n: number;
  readonly body: string;
}

export interface RouteProposal {
  readonly event: string;
  readonly n: number;
  readonly route: string;
}

/** Set once: the route of the occurrence, and which occurrence of the Event was routed first (its route is '' where it was number 1). */
export interface PinnedRoute {
  readonly route: string;
  readonly firstN: number;
  readonly firstRoute: string;
}

export interface DomainEntry {
  readonly domain: string;
  /** uid#n within its cluster. */
  readonly id: string;
  readonly due: Micros;
  readonly body: string;
}

export interface Claimed {
  readonly domain: string;
  /** Fencing number: a commit with an older one changes nothing. */
  readonly fence: number;
}

export interface DomainRead {
  /** Empty when the domain is new. */
  readonly state: string;
  readonly incoming: readonly { readonly id: string; readonly body: string }[];
}

export interface Commit {
  readonly domain: string;
  readonly fence: number;
  /** Ids of the incoming entries that the new state holds or that are decided. */
  readonly taken: readonly string[];
  /** Empty: nothing to remember. */
  readonly state: string;
  /** How long the state is remembered, in ms, at least 1; null while it holds what is undecided. */
  readonly keepFor: number | null;
  /** Event time of the next decision; null when nothing is open. */
  readonly due: Micros | null;
  /** How many entries this decides for good, repeats of what the state knows already included: that many are held no longer. */
  readonly decided: number;
  readonly segments: readonly { readonly id: string; readonly body: string }[];
}

/**
 * `stale`: the fencing number is not the last one given; nothing was changed. `full`: the outbox takes no more; nothing was changed, and
 * nobody gets the domain for `restWhenFull`.
 */
export type CommitOutcome = 'committed' | 'stale' | 'full';

/** A box of things to be sent: the outbox of a shard, or the dead letters. */
export type DeliveryQueue = { readonly kind: 'outbox'; readonly shard: number } | { readonly kind: 'dead-letters' };

export interface QueuedDelivery {
  readonly id: string;
  readonly body: string;
  /** This attempt is the n-th, from 1. */
  readonly tries: number;
}

/** One entry of the shared index: a fact or a version of an object under a key. */
export interface IndexEntry {
  readonly key: string;
  readonly member: string;
  /** Of the same member said twice the lower score stays. */
  readonly score: number;
}

/** What is due in a shard: the earliest times, null where there is nothing. */
export interface ShardDue {
  /** Event time. */
  readonly inbox: Micros | null;
  /** Event time. */
  readonly domains: Micros | null;
  /** Store clock, ms: the earliest lease that runs out. */
  readonly lease: number | null;
  /** Store clock, ms. */
  readonly outbox: number | null;
}

export interface StoreSizes {
  readonly inbox: number;
  /** Observations routed and not decided for good. */
  readonly undecided: number;
  /** Domains that are due at some time or claimed. */
  readonly domains: number;
  readonly outbox: number;
  /** Store clock of the oldest segment in the outbox, ms; null when it is empty. */
  readonly outboxSince: number | null;
  readonly deadLetters: number;
  readonly parked: number;
}

/** What a call rejects with when the store is away or refuses: one sentence for a person, without anything that was to be stored. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

export interface StoreBounds {
  /** Observations in the inbox and, apart, observations routed and undecided; each shard takes its equal part of it. */
  readonly pending: number;
  /** Segments; each shard takes its equal part of it, and one decision beyond: that is never divided. */
  readonly outbox: number;
  readonly deadLetters: number;
  /** How long an occurrence counts as seen, ms: the life of an Event and one hour. */
  readonly seenTtl: number;
}

export const defaultBounds: StoreBounds = { pending: 1_000_000, outbox: 100_000, deadLetters: 100_000, seenTtl: 2 * 3_600_000 };

export interface Store {
  /** Milliseconds of the store's own clock; of a cluster that of one of its nodes, which must agree to well below a lease. */
  clock(): Promise<number>;
  /** What may be lost when the store stops, in sentences for the log; `refuse` where that must not be. */
  check(): Promise<{ readonly refuse: readonly string[]; readonly warn: readonly string[] }>;

  /**
   * Durable when it resolves. Says for each entry whether it was new. Null when the inbox of a shard among them is full: of that shard
   * nothing was taken, of others it may have been, so that all are to be appended again later. What was seen before needs no room.
   */
  append(entries: readonly InboxEntry[]): Promise<readonly boolean[] | null>;
  /** The due entries in the order of `due`, then of their id; null when another worker routes the shard. Keeps the lease under `token`. */
  claimInbox(shard: number, token: string, now: Micros, leaseMs: number, most: number): Promise<readonly InboxItem[] | null>;
  /** Null when the lease is lost. */
  pinRoutes(shard: number, token: string, proposals: readonly RouteProposal[]): Promise<readonly PinnedRoute[] | null>;
  /** Removes what has reached its domain; with nothing more to do gives the lease back. Without the lease nothing is changed. */
  completeRouting(
    shard: number,
    token: string,
    done: readonly { readonly event: string; readonly n: number }[],
    release: boolean,
  ): Promise<void>;
  /** Which of these were never appended. Those that were are remembered for as long again. */
  unseen(ids: readonly { readonly event: string; readonly n: number }[]): Promise<readonly boolean[]>;

  /** `most` entries a key, the highest scores stay. */
  putIndex(entries: readonly IndexEntry[], keepFor: number, most: number): Promise<void>;
  readIndex(keys: readonly string[]): Promise<readonly (readonly { readonly member: string; readonly score: number }[])[]>;

  /**
   * False when too much is undecided: nothing was added. Idempotent by id as long as the entry waits in `incoming`; one that a commit
   * has taken is added again, and the ledger in the state tells it apart.
   */
  addToDomains(shard: number, entries: readonly DomainEntry[]): Promise<boolean>;
  claimDomains(shard: number, clock: number, now: Micros, leaseMs: number, most: number): Promise<readonly Claimed[]>;
  /** `incoming` in no particular order. */
  readDomains(shard: number, domains: readonly string[]): Promise<readonly DomainRead[]>;
  /** One atomic step. `holdMs`: the committing worker sends the segments itself within that time, before others may. */
  commit(shard: number, clock: number, commit: Commit, holdMs: number): Promise<CommitOutcome>;

  /** False when the box is full: nothing was put. Idempotent by id. It counts as there since `dueAt`. */
  enqueue(box: DeliveryQueue, items: readonly { readonly id: string; readonly body: string }[], dueAt: number): Promise<boolean>;
  /** What is to be sent now; each is nobody else's for `holdMs`. */
  claimDeliveries(box: DeliveryQueue, clock: number, holdMs: number, most: number): Promise<readonly QueuedDelivery[]>;
  removeDeliveries(box: DeliveryQueue, ids: readonly string[]): Promise<void>;
  postponeDelivery(box: DeliveryQueue, id: string, until: number): Promise<void>;
  /**
   * Takes it out of the box for a person to look at. What is not there is not parked. When there are too many the oldest parked ones go:
   * says how many were lost for this one.
   */
  park(box: DeliveryQueue, id: string, reason: string): Promise<number>;
  /** What is due first comes first. */
  listDeliveries(box: DeliveryQueue, most: number): Promise<readonly QueuedDelivery[]>;
  /** The last parked comes first. */
  listParked(most: number): Promise<readonly { readonly id: string; readonly reason: string; readonly body: string }[]>;
  /** False when nothing was parked under the id. */
  removeParked(id: string): Promise<boolean>;

  due(): Promise<readonly ShardDue[]>;
  sizes(): Promise<StoreSizes>;

  /** True for the one holder of the name, for so long from now. */
  acquireLease(name: string, holder: string, ms: number): Promise<boolean>;
  releaseLease(name: string, holder: string): Promise<void>;
  /** The value that was set first under the name. */
  setOnce(name: string, value: string, keepFor: number | null): Promise<string>;
  /** Whether calls can be answered at this moment. */
  ready(): boolean;
  close(): Promise<void>;
}

export const parkedMax = 1_000;

/** How long a domain rests when the outbox was full, in ms of the store's clock. */
export const fullOutboxPauseMs = 5_000;
