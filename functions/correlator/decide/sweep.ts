/** Finds what is due in the store and has it routed, decided, sent; over and over until nothing is due. One sweep at a time. */
import type { Micros } from '../../../shared/events/observation.ts';
import { stopwatch } from '../../../shared/process/clock.ts';
import type { ShardDue, Store } from '../../../shared/store/store.ts';
import type { Decider } from './decide.ts';
import type { LateArrivalGate } from './late-arrival-gate.ts';
import type { OutboxPublisher } from './outbox-publisher.ts';
import type { Router } from './route.ts';

export interface SweeperOptions {
  readonly store: Store;
  readonly router: Router;
  readonly decider: Decider;
  readonly emitter: OutboxPublisher;
  readonly hold: LateArrivalGate;
  /** Event time. */
  readonly now: () => Micros;
  readonly onRouted: (count: number) => void;
  /** Of each sweep that has found something to do: how long it took. */
  readonly onSwept: (seconds: number) => void;
}

const roundsMost = 1_000;
/** Shards at the same time. */
const [routedTogether, decidedAtOnce] = [8, 4];
/** Of domains: much less than a lease. */
const batchesByOneClock = 8;

export class Sweeper {
  readonly #options: SweeperOptions;
  #running: Promise<void> | null = null;
  #again = false;
  #stopping = false;
  #collectedFirst = 0;
  /** Domains take no more: then nothing may wait for the inbox, or nothing would ever move again. */
  #full = false;

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
      const seconds = stopwatch();
      let round = 0;
      while (round < roundsMost && !this.#stopping && (await this.#round())) round += 1;
      if (round > 0) this.#options.onSwept(seconds());
    }
  }

  /** True when something was done, so that more may be due. */
  async #round(): Promise<boolean> {
    const { store, hold } = this.#options;
    const now = this.#options.now();
    const due = await store.due();
    // Asked after what is due: an Event that comes late says so before it can be due.
    const [held, clock] = await Promise.all([hold.held(now), store.clock()]);
    const skip = held.map((cluster) => `${cluster}|`);
    const before = skip.length > 0 ? await store.due(skip) : due;
    const routed = await this.#routeAll(before, now, skip);
    const after = routed > 0 ? await store.due(skip) : before;
    const decided = await this.#decideAll(after, now, clock, skip);
    const later = decided > 0 ? await store.clock() : clock;
    await this.#collectAll(after, later);
    return routed + decided > 0;
  }

  /** Begins with another shard each time: one that is full of what fails must not take all places for ever. */
  async #collectAll(dues: readonly ShardDue[], clock: number): Promise<void> {
    this.#collectedFirst = (this.#collectedFirst + 1) % dues.length;
    const order = [...dues.entries()];
    for (const [shard, due] of [...order.slice(this.#collectedFirst), ...order.slice(0, this.#collectedFirst)])
      if (isDue(due.outbox, clock)) await this.#options.emitter.collect(shard, clock);
  }

  /** Some shards together, until none has more. A failure is told when the others are through: the next sweep uses the same leases. */
  async #routeAll(dues: readonly ShardDue[], now: Micros, skip: readonly string[]): Promise<number> {
    const { router, onRouted } = this.#options;
    this.#full = false;
    const open = [...dues.keys()].filter((shard) => isDue(dues[shard]?.inbox ?? null, now));
    let all = 0;
    const failures: unknown[] = [];
    while (open.length > 0 && !this.#stopping) {
      try {
        const { routed, more, full } = await router.routeShards(open.splice(0, routedTogether), now, skip);
        open.push(...more);
        all += routed;
        this.#full ||= full;
        onRouted(routed);
      } catch (error) {
        failures.push(error);
      }
    }
    for (const shard of open) await router.release(shard);
    if (failures.length > 0) throw failures[0];
    return all;
  }

  #decideAll(dues: readonly ShardDue[], now: Micros, clock: number, skip: readonly string[]): Promise<number> {
    const horizon = this.#full ? now : horizonOf(dues, now);
    const shards = [...dues.entries()].filter(([, due]) => isDue(due.domains, horizon) || isDue(due.lease, clock));
    return each(shards, decidedAtOnce, ([shard]) => this.#decide(shard, horizon, skip));
  }

  async #decide(shard: number, now: Micros, skip: readonly string[]): Promise<number> {
    const { store, decider } = this.#options;
    let decided = 0;
    let clock = 0;
    let more = true;
    for (let batch = 0; more && !this.#stopping; batch += 1) {
      // A lease given by a clock of long ago would be over already, and another correlator would begin the same.
      if (batch % batchesByOneClock === 0) clock = await store.clock();
      const result = await decider.decideShard(shard, clock, now, skip);
      decided += result.decided;
      more = result.more;
    }
    return decided;
  }
}

/**
 * Some shards side by side: they wait for the store, but each holds what it works on in memory. Ends when all have ended, also when one
 * fails: the next sweep must not meet what is left of this one, since both route under the same lease.
 */
async function each<T>(list: readonly T[], atOnce: number, run: (one: T) => Promise<number>): Promise<number> {
  const left = list.values();
  const worker = async () => {
    let sum = 0;
    for (const one of left) sum += await run(one);
    return sum;
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  let sum = 0;
  for (const one of ended) {
    if (one.status === 'rejected') throw one.reason;
    sum += one.value;
  }
  return sum;
}

function isDue(at: number | null, now: number): boolean {
  return at !== null && at <= now;
}

/**
 * How far may be decided: what is due but still in the inbox, here or with another correlator, belongs to domains too. A decision as of
 * an event's own due time does not reach that event yet.
 */
function horizonOf(dues: readonly ShardDue[], now: Micros): Micros {
  return dues.reduce((least, { inbox }) => Math.min(least, inbox ?? least), now);
}
