/** The store in the memory of one process: for the laptop and for tests. What it holds is gone when the process ends. */
import type { Micros } from '../cloudevent/observation.ts';
import { occurrenceId, shardOf, splitId } from './keys.ts';
import { MemoryBox, type ParkedItem } from './memory-box.ts';
import { MemoryIndex } from './memory-index.ts';
import {
  type Bounds,
  type Box,
  type BoxItem,
  type Claimed,
  type Commit,
  type CommitOutcome,
  type DomainEntry,
  type DomainRead,
  type Figures,
  type InboxEntry,
  type InboxItem,
  type IndexEntry,
  type PinnedRoute,
  parkedMost,
  type RouteProposal,
  type ShardDue,
  type Store,
  shardCount,
} from './store.ts';

const fullAgain: Micros = 5_000_000;

interface Seen {
  readonly versions: Map<number, string>;
  first: { readonly n: number; readonly route: string } | null;
  until: number;
}

interface Shard {
  readonly inbox: Map<string, { readonly due: Micros; readonly body: string }>;
  readonly pinned: Map<string, string>;
  lease: { readonly token: string; readonly until: number } | null;
  readonly seen: Map<string, Seen>;
  readonly due: Map<string, Micros>;
  readonly leases: Map<string, { readonly fence: number; readonly until: number }>;
  fence: number;
  held: number;
  readonly states: Map<string, { readonly text: string; readonly until: number }>;
  readonly incoming: Map<string, Map<string, string>>;
  readonly outbox: MemoryBox;
}

export class MemoryStore implements Store {
  readonly #bounds: Bounds;
  readonly #now: () => number;
  readonly #shards: readonly Shard[];
  readonly #index: MemoryIndex;
  readonly #letters: MemoryBox;
  readonly #parked: ParkedItem[] = [];
  readonly #named = new Map<string, { readonly value: string; readonly until: number }>();

  /** `now`: milliseconds, the store's own clock. */
  constructor(now: () => number, bounds: Bounds) {
    this.#now = now;
    this.#bounds = bounds;
    this.#index = new MemoryIndex(now);
    this.#letters = new MemoryBox(bounds.letters);
    this.#shards = Array.from({ length: shardCount }, () => newShard(bounds));
  }

  #shard(number: number): Shard {
    const shard = this.#shards[number];
    if (!shard) throw new RangeError(`Cannot use shard ${number}: there are ${shardCount}`);
    return shard;
  }

  get #mostInShard(): number {
    return Math.ceil(this.#bounds.pending / shardCount);
  }

  async clock(): Promise<number> {
    return this.#now();
  }

  async check(): ReturnType<Store['check']> {
    return { refuse: [], warn: ['The embedded store is volatile: what is not yet sent is lost when the process ends'] };
  }

  async append(entries: readonly InboxEntry[]): Promise<readonly boolean[] | null> {
    const byShard = Map.groupBy(entries, ({ event }) => shardOf(event));
    for (const [number, own] of byShard) if (this.#shard(number).inbox.size + own.length > this.#mostInShard) return null;
    return entries.map((entry) => this.#append(this.#shard(shardOf(entry.event)), entry));
  }

  #append(shard: Shard, { event, n, version, due, body }: InboxEntry): boolean {
    const seen = this.#seen(shard, event) ?? { versions: new Map<number, string>(), first: null, until: 0 };
    shard.seen.set(event, seen);
    seen.until = this.#now() + this.#bounds.seenFor;
    const known = seen.versions.get(n);
    const waiting = known?.startsWith('v') ? known.slice(1) : null;
    const isFresh = known === undefined;
    if (isFresh || (waiting !== null && isEarlier(version, waiting))) {
      seen.versions.set(n, `v${version}`);
      shard.inbox.set(occurrenceId(event, n), { due, body });
    }
    return isFresh;
  }

  #seen(shard: Shard, event: string): Seen | undefined {
    const seen = shard.seen.get(event);
    if (!seen || seen.until > this.#now()) return seen;
    shard.seen.delete(event);
    return undefined;
  }

  async claimInbox(number: number, token: string, now: Micros, leaseMs: number, most: number): Promise<readonly InboxItem[] | null> {
    const shard = this.#shard(number);
    if (shard.lease && shard.lease.until > this.#now() && shard.lease.token !== token) return null;
    const due = [...shard.inbox].filter(([, item]) => item.due <= now);
    if (due.length === 0) return [];
    shard.lease = { token, until: this.#now() + leaseMs };
    due.sort(([a, one], [b, other]) => one.due - other.due || (a < b ? -1 : 1));
    return due.slice(0, most).map(([id, { body }]) => ({ ...splitId(id), body }));
  }

  #holds(shard: Shard, token: string): boolean {
    return shard.lease !== null && shard.lease.token === token && shard.lease.until > this.#now();
  }

  async pinRoutes(number: number, token: string, proposals: readonly RouteProposal[]): Promise<readonly PinnedRoute[] | null> {
    const shard = this.#shard(number);
    if (!this.#holds(shard, token)) return null;
    return proposals.map(({ event, n, route }) => {
      const id = occurrenceId(event, n);
      const pinned = shard.pinned.get(id) ?? route;
      shard.pinned.set(id, pinned);
      const seen = this.#seen(shard, event) ?? { versions: new Map(), first: null, until: this.#now() + this.#bounds.seenFor };
      shard.seen.set(event, seen);
      seen.first ??= { n, route: n === 1 ? '' : pinned };
      return { route: pinned, firstN: seen.first.n, firstRoute: seen.first.route };
    });
  }

  async routed(number: number, token: string, done: readonly { event: string; n: number }[], release: boolean): Promise<void> {
    const shard = this.#shard(number);
    if (!this.#holds(shard, token)) return;
    for (const { event, n } of done) {
      shard.inbox.delete(occurrenceId(event, n));
      shard.pinned.delete(occurrenceId(event, n));
      this.#seen(shard, event)?.versions.set(n, '1');
    }
    if (release) shard.lease = null;
  }

  async unseen(ids: readonly { event: string; n: number }[]): Promise<readonly boolean[]> {
    return ids.map(({ event, n }) => {
      const seen = this.#seen(this.#shard(shardOf(event)), event);
      if (!seen?.versions.has(n)) return true;
      seen.until = this.#now() + this.#bounds.seenFor;
      return false;
    });
  }

  async putIndex(entries: readonly IndexEntry[], keepFor: number, most: number): Promise<void> {
    for (const entry of entries) this.#index.put(entry, keepFor, most);
  }

  async readIndex(keys: readonly string[]): Promise<readonly (readonly { member: string; score: number }[])[]> {
    return keys.map((key) => this.#index.read(key));
  }

  async addToDomains(number: number, entries: readonly DomainEntry[]): Promise<boolean> {
    const shard = this.#shard(number);
    if (shard.held >= this.#mostInShard) return false;
    for (const { domain, id, due, body } of entries) {
      const incoming = shard.incoming.get(domain) ?? new Map<string, string>();
      shard.incoming.set(domain, incoming);
      if (!incoming.has(id)) shard.held += 1;
      incoming.set(id, incoming.get(id) ?? body);
      isDue(shard, domain, due);
    }
    return true;
  }

  async claimDomains(number: number, clock: number, now: Micros, leaseMs: number, most: number): Promise<readonly Claimed[]> {
    const shard = this.#shard(number);
    for (const [domain, { until }] of shard.leases) {
      if (until > clock) continue;
      // Its fencing number goes only with the next claim, as in Redis: the slow worker may still be the first to commit.
      shard.leases.set(domain, { fence: shard.leases.get(domain)?.fence ?? 0, until: Number.NEGATIVE_INFINITY });
      isDue(shard, domain, 0);
    }
    const due = [...shard.due].filter(([domain, at]) => at <= now && !isLeased(shard, domain));
    due.sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1));
    return due.slice(0, most).map(([domain]) => {
      shard.fence += 1;
      shard.due.delete(domain);
      shard.leases.set(domain, { fence: shard.fence, until: clock + leaseMs });
      return { domain, fence: shard.fence };
    });
  }

  async readDomains(number: number, domains: readonly string[]): Promise<readonly DomainRead[]> {
    const shard = this.#shard(number);
    return domains.map((domain) => {
      const state = shard.states.get(domain);
      const incoming = [...(shard.incoming.get(domain) ?? [])].map(([id, body]) => ({ id, body }));
      return { state: state && state.until > this.#now() ? state.text : '', incoming };
    });
  }

  async commit(number: number, clock: number, commit: Commit, holdMs: number): Promise<CommitOutcome> {
    const shard = this.#shard(number);
    const { domain, segments, due } = commit;
    if (shard.leases.get(domain)?.fence !== commit.fence) return 'stale';
    shard.leases.delete(domain);
    if (segments.length > 0 && !shard.outbox.put(segments, clock + holdMs, clock)) {
      shard.due.set(domain, (due ?? 0) + fullAgain);
      return 'full';
    }
    const incoming = shard.incoming.get(domain);
    for (const id of commit.taken) incoming?.delete(id);
    if (incoming?.size === 0) shard.incoming.delete(domain);
    if (commit.state === '') shard.states.delete(domain);
    else shard.states.set(domain, { text: commit.state, until: commit.keepFor === null ? Infinity : this.#now() + commit.keepFor });
    shard.held -= commit.decided;
    if (due !== null) isDue(shard, domain, due);
    return 'committed';
  }

  #box(box: Box): MemoryBox {
    return box.kind === 'letters' ? this.#letters : this.#shard(box.shard).outbox;
  }

  async putInBox(box: Box, items: readonly { id: string; body: string }[], dueAt: number): Promise<boolean> {
    return this.#box(box).put(items, dueAt, dueAt);
  }

  async claimBox(box: Box, clock: number, holdMs: number, most: number): Promise<readonly BoxItem[]> {
    return this.#box(box).claim(clock, holdMs, most);
  }

  async removeFromBox(box: Box, ids: readonly string[]): Promise<void> {
    this.#box(box).remove(ids);
  }

  async postpone(box: Box, id: string, until: number): Promise<void> {
    this.#box(box).postpone(id, until);
  }

  async park(box: Box, id: string, reason: string): Promise<void> {
    this.#parked.unshift({ id, reason, body: this.#box(box).remove([id])[0] ?? '' });
    this.#parked.length = Math.min(this.#parked.length, parkedMost);
  }

  async listBox(box: Box, most: number): Promise<readonly BoxItem[]> {
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
    return this.#shards.map((shard) => ({
      inbox: least([...shard.inbox.values()].map(({ due }) => due)),
      domains: least([...shard.due.values()]),
      lease: least([...shard.leases.values()].map(({ until }) => until)),
      outbox: shard.outbox.earliest(),
    }));
  }

  async figures(): Promise<Figures> {
    const sum = (of: (shard: Shard) => number) => this.#shards.reduce((all, shard) => all + of(shard), 0);
    return {
      inbox: sum((shard) => shard.inbox.size),
      held: sum((shard) => shard.held),
      domains: sum((shard) => new Set([...shard.due.keys(), ...shard.leases.keys()]).size),
      outbox: sum((shard) => shard.outbox.size),
      outboxSince: least(this.#shards.map((shard) => shard.outbox.oldest()).filter((one) => one !== null)),
      letters: this.#letters.size,
      parked: this.#parked.length,
    };
  }

  #value(name: string): string | null {
    const named = this.#named.get(name);
    return named && named.until > this.#now() ? named.value : null;
  }

  async hold(name: string, holder: string, ms: number): Promise<boolean> {
    const value = this.#value(name);
    if (value !== null && value !== holder) return false;
    this.#named.set(name, { value: holder, until: this.#now() + ms });
    return true;
  }

  async release(name: string, holder: string): Promise<void> {
    if (this.#value(name) === holder) this.#named.delete(name);
  }

  async setOnce(name: string, value: string, keepFor: number | null): Promise<string> {
    const known = this.#value(name);
    if (known !== null) return known;
    this.#named.set(name, { value, until: keepFor === null ? Infinity : this.#now() + keepFor });
    return value;
  }

  ready(): boolean {
    return true;
  }

  async close(): Promise<void> {}
}

function newShard(bounds: Bounds): Shard {
  return {
    inbox: new Map(),
    pinned: new Map(),
    lease: null,
    seen: new Map(),
    due: new Map(),
    leases: new Map(),
    fence: 0,
    held: 0,
    states: new Map(),
    incoming: new Map(),
    outbox: new MemoryBox(Math.ceil(bounds.outbox / shardCount)),
  };
}

function isDue(shard: Shard, domain: string, at: Micros): void {
  shard.due.set(domain, Math.min(at, shard.due.get(domain) ?? at));
}

function isLeased(shard: Shard, domain: string): boolean {
  return (shard.leases.get(domain)?.until ?? Number.NEGATIVE_INFINITY) > Number.NEGATIVE_INFINITY;
}

function isEarlier(a: string, b: string): boolean {
  return a.length !== b.length ? a.length < b.length : a < b;
}

function least(numbers: readonly number[]): number | null {
  let found: number | null = null;
  for (const number of numbers) if (found === null || number < found) found = number;
  return found;
}
