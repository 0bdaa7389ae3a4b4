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
import { type RedisDeliveryQueue, redisDeliveryQueue } from './delivery-queue.ts';
import { inParts, lifetime, listOf, numberOf, numberOrNull, pairs, score, textOf } from './replies.ts';
import { type RedisRunner, redisRunner } from './run.ts';

/** Redis does nothing else meanwhile. */
const keysAtOnce = 200;

export class RedisStore implements Store {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #bounds: StoreBounds;
  readonly #keys: readonly ShardKeys[];
  readonly #boxes: RedisDeliveryQueue;
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
    this.#boxes = redisDeliveryQueue(runner, prefix, bounds);
  }

  #shard(shard: number): ShardKeys {
    const keys = this.#keys[shard];
    if (!keys) throw new RangeError(`Cannot use shard ${shard}: there are ${shardCount}`);
    return keys;
  }

  get #mostInShard(): number {
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
      const args: (string | number)[] = [this.#mostInShard, this.#bounds.seenTtl];
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

  async claimInbox(shard: number, token: string, now: Micros, leaseMs: number, most: number): Promise<readonly InboxItem[] | null> {
    const { inbox, inboxDue, inboxLease } = this.#shard(shard);
    const reply = await this.#run('claim-inbox', [inbox, inboxDue, inboxLease], [token, score(now), lifetime(leaseMs), most]);
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
    await this.#run('routed', names, [token, release ? 1 : 0, ...done.flatMap(({ event, n }) => [occurrenceId(event, n), n])]);
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

  async putIndex(entries: readonly IndexEntry[], keepFor: number, most: number): Promise<void> {
    const byShard = Map.groupBy(entries, ({ key }) => shardOf(key));
    const calls = [...byShard].map(([shard, own]) => {
      const names = own.map(({ key }) => this.#shard(shard).index(key));
      return this.#run('put-index', names, [lifetime(keepFor), most, ...own.flatMap((entry) => [score(entry.score), entry.member])]);
    });
    await Promise.all(calls);
  }

  /** Many keys a call: a call of its own for each would cost more than what it reads. */
  async readIndex(keys: readonly string[]): Promise<readonly (readonly { member: string; score: number }[])[]> {
    const found: (readonly { member: string; score: number }[])[] = keys.map(() => []);
    const byShard = Map.groupBy(keys.keys(), (place) => shardOf(keys[place] ?? ''));
    const calls = [...byShard].flatMap(([shard, places]) =>
      inParts(places, keysAtOnce).map(async (part) => {
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
    const names = [keys.due, keys.held, ...entries.map(({ domain }) => keys.incoming(domain))];
    const args = entries.flatMap(({ domain, id, due, body }) => [domain, id, score(due), body]);
    return numberOf(await this.#run('add-to-domains', names, [this.#mostInShard, ...args])) === 1;
  }

  async claimDomains(shard: number, clock: number, now: Micros, leaseMs: number, most: number): Promise<readonly Claimed[]> {
    const { due, leases, fences, fence } = this.#shard(shard);
    const reply = await this.#run('claim-domains', [due, leases, fences, fence], [clock, score(now), leaseMs, most]);
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

  async commit(shard: number, clock: number, commit: Commit, holdMs: number): Promise<CommitOutcome> {
    const keys = this.#shard(shard);
    const outbox: DeliveryQueueKeys = deliveryQueueKeys(this.#prefix, { kind: 'outbox', shard });
    const { domain, fence, taken, segments, state, keepFor, due, decided } = commit;
    const names = [keys.due, keys.leases, keys.fences, keys.held, keys.state(domain), keys.incoming(domain)];
    const most = Math.ceil(this.#bounds.outbox / shardCount);
    const times = [keepFor === null ? '' : lifetime(keepFor), due === null ? '' : score(due)];
    const fixed = [domain, fence, clock, holdMs, state, ...times, decided, most, fullOutboxPauseMs, taken.length];
    const reply = await this.#run(
      'commit',
      [...names, outbox.bodies, outbox.due, outbox.since],
      [...fixed, ...taken, ...segments.flatMap(({ id, body }) => [id, body])],
    );
    const code = numberOf(reply);
    return code === 1 ? 'committed' : code === 0 ? 'stale' : 'full';
  }

  enqueue(box: DeliveryQueue, items: readonly { id: string; body: string }[], dueAt: number): Promise<boolean> {
    return this.#boxes.put(box, items, dueAt);
  }

  claimDeliveries(box: DeliveryQueue, clock: number, holdMs: number, most: number): Promise<readonly QueuedDelivery[]> {
    return this.#boxes.claim(box, clock, holdMs, most);
  }

  removeDeliveries(box: DeliveryQueue, ids: readonly string[]): Promise<void> {
    return this.#boxes.remove(box, ids);
  }

  postponeDelivery(box: DeliveryQueue, id: string, until: number): Promise<void> {
    return this.#boxes.postpone(box, id, until);
  }

  park(box: DeliveryQueue, id: string, reason: string): Promise<number> {
    return this.#boxes.park(box, id, reason);
  }

  listDeliveries(box: DeliveryQueue, most: number): Promise<readonly QueuedDelivery[]> {
    return this.#boxes.list(box, most);
  }

  listParked(most: number): Promise<readonly { id: string; reason: string; body: string }[]> {
    return this.#boxes.listParked(most);
  }

  removeParked(id: string): Promise<boolean> {
    return this.#boxes.removeParked(id);
  }

  async due(): Promise<readonly ShardDue[]> {
    const reads = this.#keys.map(async (keys, shard) => {
      const outbox = deliveryQueueKeys(this.#prefix, { kind: 'outbox', shard }).due;
      const reply = listOf(await this.#run('due', [keys.inboxDue, keys.due, keys.leases, outbox], []));
      const [inbox = null, domains = null, lease = null, sending = null] = reply.map(numberOrNull);
      return { inbox, domains, lease, outbox: sending };
    });
    return Promise.all(reads);
  }

  async sizes(): Promise<StoreSizes> {
    const reads = this.#keys.map(async (keys, shard) => {
      const outbox = deliveryQueueKeys(this.#prefix, { kind: 'outbox', shard });
      return listOf(await this.#run('sizes', [keys.inbox, keys.held, keys.due, keys.leases, outbox.bodies, outbox.since], []));
    });
    const [shards, deadLetters, parked] = await Promise.all([
      Promise.all(reads),
      this.#ask('count the dead letters', (client) => client.hlen(deliveryQueueKeys(this.#prefix, { kind: 'dead-letters' }).bodies)),
      this.#ask('count what is parked', (client) => client.llen(parkedKey(this.#prefix))),
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

  async setOnce(name: string, value: string, keepFor: number | null): Promise<string> {
    return textOf(await this.#run('set-once', [namedKey(this.#prefix, name)], [value, keepFor === null ? '' : lifetime(keepFor)]));
  }

  ready(): boolean {
    return isReady(this.#client);
  }

  async close(): Promise<void> {
    this.#client.disconnect();
  }
}
