/**
 * The store in Redis, in plain commands that are sent together. Each id and each key is a key of its own, so that they spread over a Redis
 * Cluster; what a crash leaves half done, the repeated request does again.
 */
import type { RedisClient } from '../../../shared/store/redis/connect.ts';
import { isReady } from '../../../shared/store/redis/connect.ts';
import { type RedisRunner, redisRunner } from '../../../shared/store/redis/run.ts';
import {
  type Bounds,
  type Collection,
  idsMost,
  keylessTtlMs,
  lifetimeOf,
  partsMost,
  type SpanStore,
  type StoredPart,
  type Usage,
  weightOf,
  weightOfTold,
} from './span-store.ts';
import { isPast, slotOf, UsageBySlot } from './usage.ts';

/** What others put in the meantime is seen this much later, ms. */
const usageAgeMs = 1_000;

export class RedisSpanStore implements SpanStore {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #now: () => number;
  readonly #bounds: Bounds;
  readonly #ask: RedisRunner['ask'];
  #usage = new UsageBySlot();
  #usageRead = Number.NEGATIVE_INFINITY;

  constructor(client: RedisClient, prefix: string, now: () => number, bounds: Bounds) {
    this.#client = client;
    this.#prefix = `${prefix}runtime:`;
    this.#now = now;
    this.#bounds = bounds;
    this.#ask = redisRunner(client).ask;
  }

  async put(collection: Collection, parts: readonly StoredPart[]): Promise<boolean> {
    const used = await this.#used();
    const ttl = lifetimeOf(used, this.#bounds);
    if (ttl === 0) return false;
    // Before what it counts: a crash between the two leaves too high a figure, not too low a one.
    await this.#count(ttl, weightOf(parts));
    await this.#ask('keep runtime spans', async (client) => {
      const sent: Promise<unknown>[] = [];
      for (const { id, body, keys } of parts) {
        const name = this.#name(collection, id);
        sent.push(client.rpush(name, body), client.ltrim(name, -partsMost, -1));
        if (keys.length > 0) sent.push(client.pexpire(name, ttl));
        else sent.push(client.pexpire(name, Math.min(ttl, keylessTtlMs), 'NX'));
        sent.push(...this.#links(client, collection, id, keys, ttl));
      }
      await Promise.all(sent);
    });
    return true;
  }

  async link(collection: Collection, id: string, keys: readonly string[]): Promise<void> {
    await this.#ask('index runtime spans', (client) => Promise.all(this.#links(client, collection, id, keys, this.#bounds.ttlMs)));
  }

  find(collection: Collection, keys: readonly string[]): Promise<readonly (readonly string[])[]> {
    return this.#ask('find runtime spans', (client) =>
      Promise.all(keys.map((key) => client.zrevrange(this.#name(collection, 'key', key), 0, -1))),
    );
  }

  read(collection: Collection, ids: readonly string[]): Promise<readonly (readonly Buffer[])[]> {
    return this.#ask('read runtime spans', (client) =>
      Promise.all(ids.map((id) => client.lrangeBuffer(this.#name(collection, id), 0, -1))),
    );
  }

  async told(traceId: string): Promise<ReadonlyMap<string, string>> {
    return new Map(Object.entries(await this.#ask('read what was told', (client) => client.hgetall(this.#name('told', traceId)))));
  }

  async tell(traceId: string, copies: ReadonlyMap<string, string>): Promise<void> {
    if (copies.size === 0) return;
    const name = this.#name('told', traceId);
    await this.#count(this.#bounds.ttlMs, weightOfTold(copies.size));
    await this.#ask('keep what was told', (client) =>
      Promise.all([
        ...[...copies].map(([copy, delivery]) => client.hsetnx(name, copy, delivery)),
        client.pexpire(name, this.#bounds.ttlMs),
      ]),
    );
  }

  async schedule(traceId: string, at: number): Promise<void> {
    await this.#ask('schedule a trace', (client) => client.zadd(this.#name('due'), 'LT', at, traceId));
  }

  /** First claimed, then taken off what is due: whoever takes it off has it, and a crash in between loses nothing. */
  async claim(now: number, leaseMs: number, most: number): Promise<readonly string[]> {
    const [due, claimed] = [this.#name('due'), this.#name('claimed')];
    return this.#ask('claim a trace', async (client) => {
      const late = await client.zrangebyscore(claimed, '-inf', now, 'LIMIT', 0, most);
      const ids = await client.zrangebyscore(due, '-inf', now, 'LIMIT', 0, Math.max(1, most - late.length));
      const mine: string[] = [];
      for (const id of new Set([...late, ...ids])) {
        const isNew = await client.zadd(claimed, 'GT', 'CH', now + leaseMs, id);
        const taken = await client.zrem(due, id);
        if (taken === 1 || (Number(isNew) === 1 && late.includes(id))) mine.push(id);
      }
      return mine.slice(0, most);
    });
  }

  async finish(traceId: string): Promise<void> {
    await this.#ask('finish a trace', (client) => client.zrem(this.#name('claimed'), traceId));
  }

  usage(): Promise<Usage> {
    return this.#used();
  }

  ready(): boolean {
    return isReady(this.#client);
  }

  async close(): Promise<void> {
    this.#client.disconnect();
  }

  #name(...parts: readonly string[]): string {
    return this.#prefix + parts.join(':');
  }

  #links(client: RedisClient, collection: Collection, id: string, keys: readonly string[], ttl: number): Promise<unknown>[] {
    return keys.flatMap((key) => {
      const name = this.#name(collection, 'key', key);
      return [client.zadd(name, this.#now(), id), client.zremrangebyrank(name, 0, -idsMost - 1), client.pexpire(name, ttl)];
    });
  }

  async #count(ttl: number, weight: Usage): Promise<void> {
    const name = this.#name('usage');
    const slot = slotOf(this.#now(), ttl);
    this.#usage.add(slot, weight);
    await this.#ask('count runtime spans', (client) =>
      Promise.all([client.hincrby(name, `${slot}:bytes`, weight.bytes), client.hincrby(name, `${slot}:spans`, weight.spans)]),
    );
  }

  /** As it was a moment ago, with what this process has put since. */
  async #used(): Promise<Usage> {
    const now = this.#now();
    if (now - this.#usageRead < usageAgeMs) return this.#usage.at(now);
    const name = this.#name('usage');
    const fields = await this.#ask('count runtime spans', (client) => client.hgetall(name));
    const usage = new UsageBySlot();
    const past: string[] = [];
    for (const [field, value] of Object.entries(fields)) {
      const [slot = '', unit = ''] = field.split(':');
      if (isPast(Number(slot), now)) past.push(field);
      else usage.add(Number(slot), { bytes: 0, spans: 0, [unit]: Number(value) });
    }
    if (past.length > 0) await this.#ask('count runtime spans', (client) => client.hdel(name, ...past));
    this.#usage = usage;
    this.#usageRead = now;
    return usage.at(now);
  }
}
