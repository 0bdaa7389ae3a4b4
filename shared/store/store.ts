/**
 * What the functions keep between requests: an interface with two implementations, `memory/` (volatile) and `redis/`, over
 * which one contract suite runs. To the store all state is text; the functions give it meaning. A method rejects with a `StoreError` when
 * the store is unavailable: then nothing is acknowledged. A call that rejected may have been executed all the same; each may safely be
 * repeated.
 *
 * Two clocks: *event time* (microseconds, from the correlator's clock) says what is due; the *store's own clock* (milliseconds) times
 * leases and deliveries, never a replica's.
 */
import type { Micros } from '../events/observation.ts';

/** State is spread over this many shards; all keys of a shard lie in one slot of a Redis Cluster. */
export const shardCount = 16;

/** One notification about one Event: its id is uid#n within its cluster. */
export interface InboxEntry {
  /** `cluster|namespace|uid` of the Event. */
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
  /** `cluster|key` of the root object. */
  readonly domain: string;
  /** uid#n of the observation. */
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
  /** How long the state is remembered, ms, at least 1; null while it holds undecided observations. */
  readonly stateTtl: number | null;
  /** Event time of the next decision; null when nothing is open. */
  readonly due: Micros | null;
  /** How many entries this decides for good, including repeats of what the state knows already: they count as undecided no longer. */
  readonly decided: number;
  readonly segments: readonly { readonly id: string; readonly body: string }[];
}

/**
 * `stale`: the fencing number is not the last one given; nothing was changed. `full`: the outbox has no room; nothing was changed, and
 * the domain is not given out for `fullOutboxPauseMs`.
 */
export type CommitOutcome = 'committed' | 'stale' | 'full';

/** The outbox of a shard, or the dead letters. */
export type DeliveryQueue = { readonly kind: 'outbox'; readonly shard: number } | { readonly kind: 'dead-letters' };

export interface QueuedDelivery {
  readonly id: string;
  readonly body: string;
  /** Number of the current attempt, from 1. */
  readonly tries: number;
}

export interface ParkedItem {
  readonly id: string;
  readonly reason: string;
  readonly body: string;
}

/** One entry of the shared index: a fact or a version of an object under a key. */
export interface IndexEntry {
  readonly key: string;
  readonly member: string;
  /** Of the same member put twice the lower score stays. */
  readonly score: number;
}

/** The earliest times in a shard; null where nothing is pending. */
export interface ShardDue {
  /** Event time. */
  readonly inbox: Micros | null;
  /** Event time. */
  readonly domains: Micros | null;
  /** Store clock, ms: the earliest end of a lease. */
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

/** Why a call failed: one sentence, without anything that was to be stored. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

export interface StoreBounds {
  /** Observations in the inbox and, separately, routed and undecided ones; each shard has an equal part of it. */
  readonly pending: number;
  /** Segments; each shard has an equal part of it, plus one decision: that is never divided. */
  readonly outbox: number;
  readonly deadLetters: number;
  /** How long an occurrence counts as seen, ms: the lifetime of an Event plus one hour. */
  readonly seenTtl: number;
}

export const defaultBounds: StoreBounds = { pending: 1_000_000, outbox: 100_000, deadLetters: 100_000, seenTtl: 2 * 3_600_000 };

export interface Store {
  /** Milliseconds of the store's own clock; of a cluster that of one of its nodes, which must agree to well below a lease. */
  clock(): Promise<number>;
  /** What may be lost when the store stops, in sentences for the log; `refuse` where that must not be. */
  check(): Promise<{ readonly refuse: readonly string[]; readonly warn: readonly string[] }>;

  /**
   * Durable when it resolves. Says for each entry whether it was new. Null when the inbox of one of the shards is full: of that shard
   * nothing was taken, of others it may have been, so that all are to be appended again later. What was seen before needs no room.
   */
  append(entries: readonly InboxEntry[]): Promise<readonly boolean[] | null>;
  /**
   * Due entries in the order of `due`, then of their id; null when another worker routes the shard. Keeps the lease under `token`.
   * `skip`: prefixes of `event`; such entries are left alone.
   */
  claimInbox(
    shard: number,
    token: string,
    now: Micros,
    leaseMs: number,
    max: number,
    skip?: readonly string[],
  ): Promise<readonly InboxItem[] | null>;
  /** Null when the lease is lost. */
  pinRoutes(shard: number, token: string, proposals: readonly RouteProposal[]): Promise<readonly PinnedRoute[] | null>;
  /** Removes what has reached its domain; `release` ends the lease. Without the lease nothing is changed. */
  completeRouting(
    shard: number,
    token: string,
    done: readonly { readonly event: string; readonly n: number }[],
    release: boolean,
  ): Promise<void>;
  /** Which of these were never appended. The memory of the others is renewed. */
  unseen(ids: readonly { readonly event: string; readonly n: number }[]): Promise<readonly boolean[]>;

  /** At most `max` entries per key: the highest scores stay. */
  putIndex(entries: readonly IndexEntry[], ttlMs: number, max: number): Promise<void>;
  readIndex(keys: readonly string[]): Promise<readonly (readonly { readonly member: string; readonly score: number }[])[]>;

  /**
   * False when too much is undecided: nothing was added. Idempotent by id as long as the entry waits in `incoming`; one that a commit
   * has taken is added again, and the ledger in the state recognises it.
   */
  addToDomains(shard: number, entries: readonly DomainEntry[]): Promise<boolean>;
  /** `skip`: prefixes of domains that are left alone. */
  claimDomains(
    shard: number,
    clock: number,
    now: Micros,
    leaseMs: number,
    max: number,
    skip?: readonly string[],
  ): Promise<readonly Claimed[]>;
  /** `incoming` in no particular order. */
  readDomains(shard: number, domains: readonly string[]): Promise<readonly DomainRead[]>;
  /** One atomic step. For `visibilityTimeoutMs` the segments are invisible to others: the committing worker sends them itself. */
  commit(shard: number, clock: number, commit: Commit, visibilityTimeoutMs: number): Promise<CommitOutcome>;

  /** False when the queue is full: nothing was added. Idempotent by id. Its age counts from `dueAt`. */
  enqueue(queue: DeliveryQueue, items: readonly { readonly id: string; readonly body: string }[], dueAt: number): Promise<boolean>;
  /** Deliveries that are due; each is invisible to others for `visibilityTimeoutMs`. */
  claimDeliveries(queue: DeliveryQueue, clock: number, visibilityTimeoutMs: number, max: number): Promise<readonly QueuedDelivery[]>;
  removeDeliveries(queue: DeliveryQueue, ids: readonly string[]): Promise<void>;
  postponeDelivery(queue: DeliveryQueue, id: string, until: number): Promise<void>;
  /**
   * Moves an item from the queue to the parked ones, for an operator. What is not in the queue is not parked. Where there are too many
   * the oldest are dropped: says how many were.
   */
  park(queue: DeliveryQueue, id: string, reason: string): Promise<number>;
  /** The earliest due first. */
  listDeliveries(queue: DeliveryQueue, max: number): Promise<readonly QueuedDelivery[]>;
  /** The last parked first. */
  listParked(max: number): Promise<readonly ParkedItem[]>;
  /** False when nothing was parked under the id. */
  removeParked(id: string): Promise<boolean>;

  /** For each shard. `skip`: prefixes of inbox entries and domains that do not count. */
  due(skip?: readonly string[]): Promise<readonly ShardDue[]>;
  sizes(): Promise<StoreSizes>;

  /** True for the one holder of the name, for this long from now. */
  acquireLease(name: string, holder: string, ms: number): Promise<boolean>;
  releaseLease(name: string, holder: string): Promise<void>;
  /** The value that was set first under the name. `ttlMs` null: for good. */
  setOnce(name: string, value: string, ttlMs: number | null): Promise<string>;
  /** Whether calls can be answered at this moment. */
  ready(): boolean;
  close(): Promise<void>;
}

export const parkedMax = 1_000;

/** How long a domain pauses after the outbox was full, in ms of the store's clock. */
export const fullOutboxPauseMs = 5_000;
