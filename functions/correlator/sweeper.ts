/** Finds what is due in the store and has it routed, decided, sent; over and over until nothing is due. One sweep at a time. */
import type { Micros } from '../../shared/cloudevent/observation.ts';
import { type ShardDue, shardCount, type Store } from '../../shared/store/store.ts';
import type { Decider } from './decider.ts';
import type { Emitter } from './emitter.ts';
import type { Router } from './router.ts';

export interface SweeperOptions {
  readonly store: Store;
  readonly router: Router;
  readonly decider: Decider;
  readonly emitter: Emitter;
  /** Event time. */
  readonly now: () => Micros;
  readonly onRouted: (count: number) => void;
}

const roundsMost = 1_000;

export class Sweeper {
  readonly #options: SweeperOptions;
  #running: Promise<void> | null = null;
  #again = false;
  #stopping = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** Rejects when the store is away. A call during a sweep waits for one that began after it. */
  sweep(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Ends after the step under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running?.catch(() => {});
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopping) {
      this.#again = false;
      for (let round = 0; round < roundsMost && !this.#stopping; round += 1) if (!(await this.#round())) break;
    }
  }

  /** True when something was done, so that more may be due. */
  async #round(): Promise<boolean> {
    const { store, emitter } = this.#options;
    const now = this.#options.now();
    const [dues, clock] = await Promise.all([store.due(), store.clock()]);
    const shards = [...dues.entries()];
    const routed = await each(shards.filter(([, due]) => isDue(due.inbox, now)), ([shard]) => this.#route(shard, now));
    const decided = await each(shards.filter(([, due]) => hasDomains(due, now, clock) || routed > 0), ([shard]) =>
      this.#decide(shard, clock, now),
    );
    for (const [shard, due] of shards) if (isDue(due.outbox, clock)) await emitter.collect(shard, clock);
    return routed + decided > 0;
  }

  async #route(shard: number, now: Micros): Promise<number> {
    let routed = 0;
    for (let more = true; more && !this.#stopping; ) {
      const result = await this.#options.router.routeShard(shard, now);
      routed += result.routed;
      more = result.more;
    }
    this.#options.onRouted(routed);
    return routed;
  }

  async #decide(shard: number, clock: number, now: Micros): Promise<number> {
    let decided = 0;
    for (let more = true; more && !this.#stopping; ) {
      const result = await this.#options.decider.decideShard(shard, clock, now, () => this.#stopping);
      decided += result.decided;
      more = result.more;
    }
    return decided;
  }
}

/** The shards side by side: they wait for the store more than for the processor. */
async function each<T>(list: readonly T[], run: (one: T) => Promise<number>): Promise<number> {
  const counts = await Promise.all(list.slice(0, shardCount).map(run));
  return counts.reduce((sum, count) => sum + count, 0);
}

function isDue(at: number | null, now: number): boolean {
  return at !== null && at <= now;
}

function hasDomains(due: ShardDue, now: Micros, clock: number): boolean {
  return isDue(due.domains, now) || isDue(due.lease, clock);
}
