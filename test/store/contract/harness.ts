/** What the contract suite needs: fresh stores, and control of the store's own clock. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { shardOf } from '../../../shared/store/keys.ts';
import { MemoryStore } from '../../../shared/store/memory/store.ts';
import { connectRedis, parseRedisUrl, type RedisClient, whenReady } from '../../../shared/store/redis/connect.ts';
import { RedisStore } from '../../../shared/store/redis/store.ts';
import {
  type Commit,
  type DomainEntry,
  defaultBounds,
  type InboxEntry,
  type Store,
  type StoreBounds,
  shardCount,
} from '../../../shared/store/store.ts';

export interface Harness {
  /** A store that holds nothing. */
  open(bounds?: Partial<StoreBounds>): Promise<Store>;
  /** So much time passes on its clock. */
  pass(store: Store, ms: number): Promise<void>;
  close(): Promise<void>;
}

export function memoryHarness(): Harness {
  let now = 1_000_000;
  return {
    open: async (bounds) => new MemoryStore(() => now, { ...defaultBounds, ...bounds }),
    pass: async (_, ms) => {
      now += ms;
    },
    close: async () => {},
  };
}

export async function openClient(url: string, answerIn?: number): Promise<RedisClient> {
  const target = parseRedisUrl(url);
  assert.ok(target);
  const client = connectRedis(target, () => {}, answerIn);
  assert.equal(await whenReady(client, 20_000), '');
  return client;
}

/** All stores of one harness share a connection; each has a key prefix of its own. */
export async function redisHarness(url: string): Promise<Harness> {
  const client = await openClient(url);
  return {
    open: async (bounds) => new RedisStore(client, `${randomUUID()}:`, { ...defaultBounds, ...bounds }),
    pass: async (store, ms) => {
      const until = (await store.clock()) + ms;
      while ((await store.clock()) <= until) await new Promise((resolve) => setTimeout(resolve, 2));
    },
    close: async () => client.disconnect(),
  };
}

/** So many names that lie in one shard. */
export function namesIn(shard: number, count: number, stem = 'e'): string[] {
  const names: string[] = [];
  for (let index = 0; names.length < count; index += 1) if (shardOf(`${stem}${index}`) === shard) names.push(`${stem}${index}`);
  return names;
}

/** One name in each shard. */
export function nameInEach(stem = 'e'): string[] {
  return Array.from({ length: shardCount }, (_, shard) => namesIn(shard, 1, stem)[0] ?? '');
}

export function entry(event: string, fields: Partial<InboxEntry> = {}): InboxEntry {
  return { event, n: 1, version: '100', due: 1_000, body: `body of ${event}`, ...fields };
}

export function toDomain(domain: string, id: string, fields: Partial<DomainEntry> = {}): DomainEntry {
  return { domain, id, due: 1_000, body: `body of ${id}`, ...fields };
}

export function commitOf(domain: string, fence: number, fields: Partial<Commit> = {}): Commit {
  return { domain, fence, taken: [], state: '', stateTtl: null, due: null, decided: 0, segments: [], ...fields };
}

export const hour = 3_600_000;
export const never = Number.POSITIVE_INFINITY;
