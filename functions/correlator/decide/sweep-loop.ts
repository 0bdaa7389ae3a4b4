/**
 * Finds what is due in the store and has it routed, decided and sent, over and over until nothing is due: each second while the process
 * lives, at any request, and at the tick, which is what counts where no process lives between requests. One sweep at a time.
 */
import type { Micros } from '../../../shared/events/observation.ts';
import { type Clock, stopwatch, systemClock } from '../../../shared/process/clock.ts';
import type { Log } from '../../../shared/process/log.ts';
import { within } from '../../../shared/process/timeout.ts';
import type { ShardDue, Store } from '../../../shared/store/store.ts';
import type { DecideMeters } from '../metrics.ts';
import type { Decider } from './decide.ts';
import type { LateArrivalGate } from './late-arrival-gate.ts';
import type { OutboxPublisher } from './outbox-publisher.ts';
import type { Router } from './route.ts';

export interface SweepLoopOptions {
  readonly store: Store;
  readonly router: Router;
  readonly decider: Decider;
  readonly publisher: OutboxPublisher;
  readonly gate: LateArrivalGate;
  readonly log: Log;
  /** Event time. */
  readonly clock: Clock;
  readonly meters: Pick<DecideMeters, 'routed' | 'held' | 'swept'>;
}

export const sweepEveryMs = 1_000;
const afterFailureMs = 5_000;
const roundsMost = 1_000;
/** Shards at the same time. */
const [routedTogether, decidedAtOnce] = [8, 4];
/** Of domains: much less than a lease. */
const batchesByOneClock = 8;

export class SweepLoop {
  readonly #options: SweepLoopOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;
  #again = false;
  #collectedFirst = 0;
  /** Domains take no more: then nothing may wait for the inbox, or nothing would ever move again. */
  #full = false;

  constructor(options: SweepLoopOptions) {
    this.#options = options;
  }

  /** Sweeps each second. The first time comes later: what a process starts for is a request, which triggers one. */
  start(): void {
    void this.#beat();
  }

  /** A sweep soon, without waiting. */
  trigger(): void {
    void this.#try();
  }

  /** Waits for a sweep, but no longer than so many ms: the rest goes on in the background. False when the store is away. */
  sweepFor(ms: number): Promise<boolean> {
    return within(this.#try(), ms, systemClock(), true);
  }

  /** Rejects when the store is away. A call during a sweep waits for one that began after it. */
  sweep(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Ends after the step under way: what is due stays in the store. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running?.catch(() => {});
  }

  get #isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  async #beat(): Promise<void> {
    for (let swept = true; !this.#isStopping; swept = await this.#try()) {
      try {
        await this.#options.clock.sleep(swept ? sweepEveryMs : afterFailureMs, this.#stop.signal);
      } catch {
        return;
      }
    }
  }

  async #try(): Promise<boolean> {
    try {
      await this.sweep();
      return true;
    } catch (error) {
      this.#options.log.sampled('sweep', 5)?.error('sweep failed', { reason: String(error) });
      return false;
    }
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#isStopping) {
      this.#again = false;
      const seconds = stopwatch();
      let round = 0;
      while (round < roundsMost && !this.#isStopping && (await this.#round())) round += 1;
      if (round > 0) this.#options.meters.swept(seconds());
    }
  }

  /** True when something was done, so that more may be due. */
  async #round(): Promise<boolean> {
    const { store, gate, clock, meters } = this.#options;
    const now = Math.round(clock.now() * 1_000);
    const due = await store.due();
    // Asked after what is due: an Event that comes late says so before it can be due.
    const [held, storeClock] = await Promise.all([gate.held(now), store.clock()]);
    meters.held(held.size);
    const skip = [...held].map((scope) => `${scope}|`);
    const before = skip.length > 0 ? await store.due(skip) : due;
    const routed = await this.#routeAll(before, now, skip);
    const after = routed > 0 ? await store.due(skip) : before;
    const decided = await this.#decideAll(after, now, storeClock, held);
    await this.#collectAll(after, decided > 0 ? await store.clock() : storeClock);
    return routed + decided > 0;
  }

  /** Some shards together, until none has more. A failure is told when the others are through: the next sweep uses the same leases. */
  async #routeAll(dues: readonly ShardDue[], now: Micros, skip: readonly string[]): Promise<number> {
    const { router, meters } = this.#options;
    this.#full = false;
    const open = [...dues.keys()].filter((shard) => isDue(dues[shard]?.inbox ?? null, now));
    const failures: unknown[] = [];
    let all = 0;
    while (open.length > 0 && !this.#isStopping) {
      try {
        const { routed, more, full } = await router.routeShards(open.splice(0, routedTogether), now, skip);
        open.push(...more);
        all += routed;
        this.#full ||= full;
        meters.routed(routed);
      } catch (error) {
        failures.push(error);
      }
    }
    for (const shard of open) await router.release(shard);
    if (failures.length > 0) throw failures[0];
    return all;
  }

  /** Some shards side by side: they wait for the store, but each holds what it works on in memory. */
  async #decideAll(dues: readonly ShardDue[], now: Micros, clock: number, held: ReadonlySet<string>): Promise<number> {
    const horizon = this.#full ? now : horizonOf(dues, now);
    const left = [...dues.keys()]
      .filter((shard) => isDue(dues[shard]?.domains ?? null, horizon) || isDue(dues[shard]?.lease ?? null, clock))
      .values();
    const worker = async () => {
      let sum = 0;
      for (const shard of left) sum += await this.#decideShard(shard, horizon, held);
      return sum;
    };
    // All come to their end, also when one fails: the next sweep must not meet what is left of this one.
    const ended = await Promise.allSettled(Array.from({ length: decidedAtOnce }, worker));
    let sum = 0;
    for (const one of ended) {
      if (one.status === 'rejected') throw one.reason;
      sum += one.value;
    }
    return sum;
  }

  async #decideShard(shard: number, now: Micros, held: ReadonlySet<string>): Promise<number> {
    const { store, decider } = this.#options;
    let decided = 0;
    let clock = 0;
    let more = true;
    for (let batch = 0; more && !this.#isStopping; batch += 1) {
      // A lease given by a clock of long ago would be over already, and another correlator would begin the same.
      if (batch % batchesByOneClock === 0) clock = await store.clock();
      const result = await decider.decideShard(shard, clock, now, held);
      decided += result.decided;
      more = result.more;
    }
    return decided;
  }

  /** Begins with another shard each time: one that is full of what fails must not take all places for ever. */
  async #collectAll(dues: readonly ShardDue[], clock: number): Promise<void> {
    this.#collectedFirst = (this.#collectedFirst + 1) % dues.length;
    const order = [...dues.entries()];
    for (const [shard, due] of [...order.slice(this.#collectedFirst), ...order.slice(0, this.#collectedFirst)])
      if (isDue(due.outbox, clock)) await this.#options.publisher.collect(shard, clock);
  }
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
