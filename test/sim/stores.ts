/** The stores of a simulation: their clock is that of the simulated world, so that leases expire with it. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../shared/process/clock.ts';
import { shardKeys } from '../../shared/store/keys.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import type { RedisClient } from '../../shared/store/redis/connect.ts';
import { RedisStore } from '../../shared/store/redis/store.ts';
import { defaultBounds, type InboxItem, type PinnedRoute, type RouteProposal, type Store } from '../../shared/store/store.ts';

export function memoryStore(clock: Clock): Store {
  return new MemoryStore(() => clock.now(), defaultBounds);
}

/** What is forgotten after hours lasts longer here: Redis counts those by its own clock. */
export class SimulatedRedis extends RedisStore {
  readonly #client: RedisClient;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #leases = new Map<number, number>();

  constructor(client: RedisClient, clock: Clock, prefix = `sim-${randomUUID()}:`) {
    super(client, prefix, defaultBounds);
    this.#client = client;
    this.#clock = clock;
    this.#prefix = prefix;
  }

  override async clock(): Promise<number> {
    return Math.floor(this.#clock.now());
  }

  async #expire(shard: number): Promise<void> {
    if ((this.#leases.get(shard) ?? Number.POSITIVE_INFINITY) > this.#clock.now()) return;
    this.#leases.delete(shard);
    await this.#client.del(shardKeys(this.#prefix, shard).inboxLease);
  }

  override async claimInbox(...given: Parameters<RedisStore['claimInbox']>): Promise<readonly InboxItem[] | null> {
    const [shard, , , leaseMs] = given;
    await this.#expire(shard);
    const items = await super.claimInbox(...given);
    if (items && items.length > 0) this.#leases.set(shard, this.#clock.now() + leaseMs);
    return items;
  }

  override async pinRoutes(shard: number, token: string, proposals: readonly RouteProposal[]): Promise<readonly PinnedRoute[] | null> {
    await this.#expire(shard);
    return super.pinRoutes(shard, token, proposals);
  }

  override async completeRouting(
    shard: number,
    token: string,
    done: readonly { event: string; n: number }[],
    release: boolean,
  ): Promise<void> {
    await this.#expire(shard);
    await super.completeRouting(shard, token, done, release);
  }
}
