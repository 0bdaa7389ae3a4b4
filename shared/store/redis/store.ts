/** The store in Redis 7: one server, Sentinel or Cluster. Every change is one Lua script over the keys of one shard. */
import type { Micros } from '../../events/observation.ts';
import {
  type DeliveryQueueKeys,
  deliveryQueueKeys,
  namedKey,
  occurrenceId,
  parkedKey,
  type ShardKeys,
  shardKeys,
  shardOf,
  splitId,
} from '../keys.ts';
import {
  type Claimed,
  type Commit,
  type CommitOutcome,
  type DeliveryQueue,
  type DomainEntry,
  type DomainRead,
  fullOutboxPauseMs,
  type InboxEntry,
  type InboxItem,
  type IndexEntry,
  type ParkedItem,
  type PinnedRoute,
  type QueuedDelivery,
  type RouteProposal,
  type ShardDue,
  type Store,
  type StoreBounds,
  type StoreSizes,
  shardCount,
} from '../store.ts';
import { checkRedis } from './check.ts';
import { isReady, type RedisClient } from './connect.ts';
import { type RedisDeliveryQueues, redisDeliveryQueues } from './delivery-queue.ts';
import { inParts, lifetime, listOf, numberOf, numberOrNull, pairs, score, textOf } from './replies.ts';
import { type RedisRunner, redisRunner } from './run.ts';

/** Max keys per script: Redis executes nothing else in the meantime. */
const keysPerRead = 200;

export class RedisStore implements Store {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #bounds: StoreBounds;
  readonly #keys: readonly ShardKeys[];
  readonly #queues: RedisDeliveryQueues;
  readonly #run: RedisRunner['run'];
  readonly #ask: RedisRunner['ask'];

  constructor(client: RedisClient, prefix: string, bounds: StoreBounds) {
    this.#client = client;
    this.#prefix = prefix;
    this.#bounds = bounds;
    this.#keys = Array.from({ length: shardCount }, (_, shard) => shardKeys(prefix, shard));
    const runner = redisRunner(client);
    this.#run = runner.run;
    this.#ask = runner.ask;
    this.#queues = redisDeliveryQueues(runner, prefix, bounds);
  }

  #shard(shard: number): ShardKeys {
    const keys = this.#keys[shard];
    if (!keys) throw new RangeError(`Cannot use shard ${shard}: there are ${shardCount}`);
    return keys;
  }

  get #maxPendingInShard(): number {
    return Math.ceil(this.#bounds.pending / shardCount);
  }

  async clock(): Promise<number> {
    const [seconds, micros] = listOf(await this.#ask('read the clock', (client) => client.time()));
    return numberOf(seconds) * 1_000 + Math.floor(numberOf(micros) / 1_000);
  }

  check(): ReturnType<Store['check']> {
    return this.#ask('read the settings', checkRedis);
  }

  async append(entries: readonly InboxEntry[]): Promise<readonly boolean[] | null> {
    const fresh: boolean[] = entries.map(() => false);
    const byShard = Map.groupBy(entries.keys(), (index) => shardOf(entries[index]?.event ?? ''));
    const calls = [...byShard].map(async ([shard, indexes]) => {
      const keys = this.#shard(shard);
      const names = [keys.inbox, keys.inboxDue];
      const args: (string | number)[] = [this.#maxPendingInShard, this.#bounds.seenTtl];
      for (const index of indexes) {
        const entry = entries[index];
        if (!entry) continue;
        names.push(keys.seen(entry.event));
        args.push(entry.n, occurrenceId(entry.event, entry.n), score(entry.due), entry.version, entry.body);
      }
      const reply = listOf(await this.#run('append', names, args)).map(numberOf);
      if (reply[0] === -1) return false;
      for (const [place, index] of indexes.entries()) fresh[index] = reply[place] === 1;
      return true;
    });
    return (await Promise.all(calls)).every((taken) => taken) ? fresh : null;
  }

  async claimInbox(
    shard: number,
    token: string,
    now: Micros,
    leaseMs: number,
    max: number,
    skip: readonly string[] = [],
  ): Promise<readonly InboxItem[] | null> {
    const { inbox, inboxDue, inboxLease } = this.#shard(shard);
    const reply = await this.#run('claim-inbox', [inbox, inboxDue, inboxLease], [token, score(now), lifetime(leaseMs), max, ...skip]);
    if (reply === null) return null;
    return pairs(listOf(reply)).map(([id, body]) => ({ ...splitId(textOf(id)), body: textOf(body) }));
  }

  async pinRoutes(shard: number, token: string, proposals: readonly RouteProposal[]): Promise<readonly PinnedRoute[] | null> {
    const keys = this.#shard(shard);
    const names = [keys.inboxLease, keys.pinned, ...proposals.map(({ event }) => keys.seen(event))];
    const args = proposals.flatMap(({ event, n, route }) => [occurrenceId(event, n), n, route]);
    const reply = await this.#run('pin-routes', names, [token, this.#bounds.seenTtl, ...args]);
    if (reply === null) return null;
    return pairs(listOf(reply)).map(([route, first], place) => {
      const proposed = proposals[place] ?? { route: '', n: 0 };
      const pinned = route === null ? proposed.route : textOf(route);
      if (first === null) return { route: pinned, firstN: proposed.n, firstRoute: proposed.n === 1 ? '' : pinned };
      const [firstN = '', ...rest] = textOf(first).split(' ');
      return { route: pinned, firstN: Number(firstN), firstRoute: rest.join(' ') };
    });
  }

  async completeRouting(shard: number, token: string, done: readonly { event: string; n: number }[], release: boolean): Promise<void> {
    const keys = this.#shard(shard);
    const names = [keys.inbox, keys.inboxDue, keys.inboxLease, keys.pinned, ...done.map(({ event }) => keys.seen(event))];
    await this.#run('complete-routing', names, [token, release ? 1 : 0, ...done.flatMap(({ event, n }) => [occurrenceId(event, n), n])]);
  }

  async unseen(ids: readonly { event: string; n: number }[]): Promise<readonly boolean[]> {
    const found: boolean[] = ids.map(() => false);
    const byShard = Map.groupBy(ids.keys(), (index) => shardOf(ids[index]?.event ?? ''));
    const calls = [...byShard].map(async ([shard, indexes]) => {
      const names = indexes.map((index) => this.#shard(shard).seen(ids[index]?.event ?? ''));
      const reply = listOf(await this.#run('unseen', names, [this.#bounds.seenTtl, ...indexes.map((index) => ids[index]?.n ?? 0)]));
      for (const [place, index] of indexes.entries()) found[index] = numberOf(reply[place]) === 1;
    });
    await Promise.all(calls);
    return found;
  }

  async putIndex(entries: readonly IndexEntry[], ttlMs: number, max: number): Promise<void> {
    const byShard = Map.groupBy(entries, ({ key }) => shardOf(key));
    const calls = [...byShard].map(([shard, own]) => {
      const names = own.map(({ key }) => this.#shard(shard).index(key));
      return this.#run('put-index', names, [lifetime(ttlMs), max, ...own.flatMap((entry) => [score(entry.score), entry.member])]);
    });
    await Promise.all(calls);
  }

  /** Batched: a call per key would cost more than its data. */
  async readIndex(keys: readonly string[]): Promise<readonly (readonly { member: string; score: number }[])[]> {
    const found: (readonly { member: string; score: number }[])[] = keys.map(() => []);
    const byShard = Map.groupBy(keys.keys(), (place) => shardOf(keys[place] ?? ''));
    const calls = [...byShard].flatMap(([shard, places]) =>
      inParts(places, keysPerRead).map(async (part) => {
        const names = part.map((place) => this.#shard(shard).index(keys[place] ?? ''));
        const reply = listOf(await this.#run('read-index', names, []));
        for (const [index, place] of part.entries())
          found[place] = pairs(listOf(reply[index])).map(([member, at]) => ({ member: textOf(member), score: numberOf(at) }));
      }),
    );
    await Promise.all(calls);
    return found;
  }

  async addToDomains(shard: number, entries: readonly DomainEntry[]): Promise<boolean> {
    const keys = this.#shard(shard);
    const names = [keys.due, keys.undecided, ...entries.map(({ domain }) => keys.incoming(domain))];
    const args = entries.flatMap(({ domain, id, due, body }) => [domain, id, score(due), body]);
    return numberOf(await this.#run('add-to-domains', names, [this.#maxPendingInShard, ...args])) === 1;
  }

  async claimDomains(
    shard: number,
    clock: number,
    now: Micros,
    leaseMs: number,
    max: number,
    skip: readonly string[] = [],
  ): Promise<readonly Claimed[]> {
    const { due, leases, fences, fence } = this.#shard(shard);
    const reply = await this.#run('claim-domains', [due, leases, fences, fence], [clock, score(now), leaseMs, max, ...skip]);
    return pairs(listOf(reply)).map(([domain, number]) => ({ domain: textOf(domain), fence: numberOf(number) }));
  }

  async readDomains(shard: number, domains: readonly string[]): Promise<readonly DomainRead[]> {
    const keys = this.#shard(shard);
    const reads = domains.map(async (domain) => {
      const [state, incoming] = await this.#ask('read a domain', (client) =>
        Promise.all([client.get(keys.state(domain)), client.hgetall(keys.incoming(domain))]),
      );
      return { state: state ?? '', incoming: Object.entries(incoming).map(([id, body]) => ({ id, body })) };
    });
    return Promise.all(reads);
  }

  async commit(shard: number, clock: number, commit: Commit, visibilityTimeoutMs: number): Promise<CommitOutcome> {
    const keys = this.#shard(shard);
    const outbox: DeliveryQueueKeys = deliveryQueueKeys(this.#prefix, { kind: 'outbox', shard });
    const { domain, fence, taken, segments, state, stateTtl, due, decided } = commit;
    const names = [keys.due, keys.leases, keys.fences, keys.undecided, keys.state(domain), keys.incoming(domain)];
    const max = Math.ceil(this.#bounds.outbox / shardCount);
    const times = [stateTtl === null ? '' : lifetime(stateTtl), due === null ? '' : score(due)];
    const fixed = [domain, fence, clock, visibilityTimeoutMs, state, ...times, decided, max, fullOutboxPauseMs, taken.length];
    const reply = await this.#run(
      'commit',
      [...names, outbox.bodies, outbox.due, outbox.since],
      [...fixed, ...taken, ...segments.flatMap(({ id, body }) => [id, body])],
    );
    const code = numberOf(reply);
    return code === 1 ? 'committed' : code === 0 ? 'stale' : 'full';
  }

  enqueue(queue: DeliveryQueue, items: readonly { id: string; body: string }[], dueAt: number): Promise<boolean> {
    return this.#queues.enqueue(queue, items, dueAt);
  }

  claimDeliveries(queue: DeliveryQueue, clock: number, visibilityTimeoutMs: number, max: number): Promise<readonly QueuedDelivery[]> {
    return this.#queues.claim(queue, clock, visibilityTimeoutMs, max);
  }

  removeDeliveries(queue: DeliveryQueue, ids: readonly string[]): Promise<void> {
    return this.#queues.remove(queue, ids);
  }

  postponeDelivery(queue: DeliveryQueue, id: string, until: number): Promise<void> {
    return this.#queues.postpone(queue, id, until);
  }

  park(queue: DeliveryQueue, id: string, reason: string): Promise<number> {
    return this.#queues.park(queue, id, reason);
  }

  listDeliveries(queue: DeliveryQueue, max: number): Promise<readonly QueuedDelivery[]> {
    return this.#queues.list(queue, max);
  }

  listParked(max: number): Promise<readonly ParkedItem[]> {
    return this.#queues.listParked(max);
  }

  removeParked(id: string): Promise<boolean> {
    return this.#queues.removeParked(id);
  }

  async due(skip: readonly string[] = []): Promise<readonly ShardDue[]> {
    const reads = this.#keys.map(async (keys, shard) => {
      const outbox = deliveryQueueKeys(this.#prefix, { kind: 'outbox', shard }).due;
      const reply = listOf(await this.#run('due', [keys.inboxDue, keys.due, keys.leases, outbox], skip));
      const [inbox = null, domains = null, lease = null, sending = null] = reply.map(numberOrNull);
      return { inbox, domains, lease, outbox: sending };
    });
    return Promise.all(reads);
  }

  async sizes(): Promise<StoreSizes> {
    const reads = this.#keys.map(async (keys, shard) => {
      const outbox = deliveryQueueKeys(this.#prefix, { kind: 'outbox', shard });
      return listOf(await this.#run('sizes', [keys.inbox, keys.undecided, keys.due, keys.leases, outbox.bodies, outbox.since], []));
    });
    const [shards, deadLetters, parked] = await Promise.all([
      Promise.all(reads),
      this.#ask('count dead letters', (client) => client.hlen(deliveryQueueKeys(this.#prefix, { kind: 'dead-letters' }).bodies)),
      this.#ask('count parked items', (client) => client.llen(parkedKey(this.#prefix))),
    ]);
    const sum = (place: number) => shards.reduce((all, reply) => all + numberOf(reply[place]), 0);
    const since = shards.map((reply) => numberOrNull(reply[4])).filter((one) => one !== null);
    const outboxSince = since.length > 0 ? Math.min(...since) : null;
    return { inbox: sum(0), undecided: sum(1), domains: sum(2), outbox: sum(3), outboxSince, deadLetters, parked };
  }

  async acquireLease(name: string, holder: string, ms: number): Promise<boolean> {
    return numberOf(await this.#run('acquire-lease', [namedKey(this.#prefix, name)], [holder, lifetime(ms)])) === 1;
  }

  async releaseLease(name: string, holder: string): Promise<void> {
    await this.#run('release-lease', [namedKey(this.#prefix, name)], [holder]);
  }

  async setOnce(name: string, value: string, ttlMs: number | null): Promise<string> {
    return textOf(await this.#run('set-once', [namedKey(this.#prefix, name)], [value, ttlMs === null ? '' : lifetime(ttlMs)]));
  }

  ready(): boolean {
    return isReady(this.#client);
  }

  async close(): Promise<void> {
    this.#client.disconnect();
  }
}
