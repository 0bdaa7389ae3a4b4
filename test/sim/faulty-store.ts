/**
 * A store with faults: calls that fail before or after taking effect, slow calls, and the end of the process between any two calls, after
 * which it has no effect.
 */
import type { Clock } from '../../shared/process/clock.ts';
import {
  type Commit,
  type DeliveryQueue,
  type DomainEntry,
  type InboxEntry,
  type IndexEntry,
  type RouteProposal,
  type Store,
  StoreError,
} from '../../shared/store/store.ts';

export interface FaultRates {
  /** Chances per call. */
  readonly before: number;
  readonly after: number;
  readonly slow: number;
  /** Of what writes down an arrival. */
  readonly arrivalMostMs: number;
  /** Of all other calls: leases run out meanwhile. */
  readonly workMostMs: number;
}

export interface FaultyOptions {
  readonly store: Store;
  readonly rates: FaultRates;
  readonly random: () => number;
  /** Of the simulated world. */
  readonly clock: Clock;
  /** How many calls work now, those that sleep apart; how many that write down an arrival sleep. */
  readonly busy: { calls: number; faults: number; arriving: number };
  /** Whether the store is away for everyone. */
  readonly away: () => boolean;
}

type Occurrence = { readonly event: string; readonly n: number };

export class FaultyStore implements Store {
  readonly #options: FaultyOptions;
  readonly #end = new AbortController();
  #callsLeft = Number.POSITIVE_INFINITY;
  /** While above zero nothing goes wrong. */
  calm = 0;

  constructor(options: FaultyOptions) {
    this.#options = options;
  }

  get dead(): boolean {
    return this.#end.signal.aborted;
  }

  /** Aborts with the end of the process. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** The process ends after so many calls more. */
  crashAfter(calls: number): void {
    this.#callsLeft = Math.min(this.#callsLeft, calls);
  }

  crash(): void {
    this.#end.abort(new StoreError('Cannot call: the process has ended'));
  }

  async #call<T>(run: () => Promise<T>, arrives = false): Promise<T> {
    const { busy, random, rates, away } = this.#options;
    this.#end.signal.throwIfAborted();
    busy.calls += 1;
    try {
      const calm = this.calm > 0;
      const [before, after, crashLate] = [random() < rates.before, random() < rates.after, random() < 0.5];
      await this.#pause(calm, arrives);
      const ends = !calm && this.#callsLeft <= 0;
      this.#callsLeft -= calm ? 0 : 1;
      if (ends && !crashLate) this.crash();
      this.#end.signal.throwIfAborted();
      if (!calm && (before || away())) this.#fail();
      const value = await run();
      if (ends) this.crash();
      await this.#pause(calm, arrives);
      this.#end.signal.throwIfAborted();
      if (!calm && after) this.#fail();
      return value;
    } finally {
      busy.calls -= 1;
    }
  }

  #fail(): never {
    this.#options.busy.faults += 1;
    throw new StoreError('Cannot call: made to fail');
  }

  /** Some turns of the loop, so that others come between; now and then long. */
  async #pause(calm: boolean, arrives: boolean): Promise<void> {
    const { random, rates, clock, busy } = this.#options;
    for (let turns = Math.floor(random() * 3); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
    const ms = random() * (arrives ? rates.arrivalMostMs : rates.workMostMs);
    if (random() >= rates.slow || calm) return;
    busy.calls -= 1;
    busy.arriving += arrives ? 1 : 0;
    try {
      await clock.sleep(ms, this.#end.signal);
    } finally {
      busy.calls += 1;
      busy.arriving -= arrives ? 1 : 0;
    }
  }

  clock(): Promise<number> {
    return this.#call(() => this.#options.store.clock());
  }
  check(): ReturnType<Store['check']> {
    return this.#options.store.check();
  }
  append(entries: readonly InboxEntry[]): ReturnType<Store['append']> {
    return this.#call(() => this.#options.store.append(entries), true);
  }
  claimInbox(...given: Parameters<Store['claimInbox']>): ReturnType<Store['claimInbox']> {
    return this.#call(() => this.#options.store.claimInbox(...given));
  }
  pinRoutes(shard: number, token: string, proposals: readonly RouteProposal[]): ReturnType<Store['pinRoutes']> {
    return this.#call(() => this.#options.store.pinRoutes(shard, token, proposals));
  }
  completeRouting(shard: number, token: string, done: readonly Occurrence[], release: boolean): Promise<void> {
    return this.#call(() => this.#options.store.completeRouting(shard, token, done, release));
  }
  unseen(ids: readonly Occurrence[]): ReturnType<Store['unseen']> {
    return this.#call(() => this.#options.store.unseen(ids));
  }
  putIndex(entries: readonly IndexEntry[], keepFor: number, most: number): Promise<void> {
    return this.#call(() => this.#options.store.putIndex(entries, keepFor, most), true);
  }
  readIndex(keys: readonly string[]): ReturnType<Store['readIndex']> {
    return this.#call(() => this.#options.store.readIndex(keys));
  }
  addToDomains(shard: number, entries: readonly DomainEntry[]): Promise<boolean> {
    return this.#call(() => this.#options.store.addToDomains(shard, entries));
  }
  claimDomains(...given: Parameters<Store['claimDomains']>): ReturnType<Store['claimDomains']> {
    return this.#call(() => this.#options.store.claimDomains(...given));
  }
  readDomains(shard: number, domains: readonly string[]): ReturnType<Store['readDomains']> {
    return this.#call(() => this.#options.store.readDomains(shard, domains));
  }
  commit(shard: number, clock: number, commit: Commit, holdMs: number): ReturnType<Store['commit']> {
    return this.#call(() => this.#options.store.commit(shard, clock, commit, holdMs));
  }
  enqueue(box: DeliveryQueue, items: readonly { readonly id: string; readonly body: string }[], dueAt: number): Promise<boolean> {
    return this.#call(() => this.#options.store.enqueue(box, items, dueAt));
  }
  claimDeliveries(box: DeliveryQueue, clock: number, holdMs: number, most: number): ReturnType<Store['claimDeliveries']> {
    return this.#call(() => this.#options.store.claimDeliveries(box, clock, holdMs, most));
  }
  removeDeliveries(box: DeliveryQueue, ids: readonly string[]): Promise<void> {
    return this.#call(() => this.#options.store.removeDeliveries(box, ids));
  }
  postponeDelivery(box: DeliveryQueue, id: string, until: number): Promise<void> {
    return this.#call(() => this.#options.store.postponeDelivery(box, id, until));
  }
  park(box: DeliveryQueue, id: string, reason: string): Promise<number> {
    return this.#call(() => this.#options.store.park(box, id, reason));
  }
  listDeliveries(box: DeliveryQueue, most: number): ReturnType<Store['listDeliveries']> {
    return this.#call(() => this.#options.store.listDeliveries(box, most));
  }
  listParked(most: number): ReturnType<Store['listParked']> {
    return this.#call(() => this.#options.store.listParked(most));
  }
  removeParked(id: string): Promise<boolean> {
    return this.#call(() => this.#options.store.removeParked(id));
  }
  due(...given: Parameters<Store['due']>): ReturnType<Store['due']> {
    return this.#call(() => this.#options.store.due(...given));
  }
  sizes(): ReturnType<Store['sizes']> {
    return this.#call(() => this.#options.store.sizes());
  }
  acquireLease(name: string, holder: string, ms: number): Promise<boolean> {
    return this.#call(() => this.#options.store.acquireLease(name, holder, ms));
  }
  releaseLease(name: string, holder: string): Promise<void> {
    return this.#call(() => this.#options.store.releaseLease(name, holder));
  }
  setOnce(name: string, value: string, keepFor: number | null): Promise<string> {
    return this.#call(() => this.#options.store.setOnce(name, value, keepFor));
  }
  ready(): boolean {
    return !this.dead;
  }
  async close(): Promise<void> {}
}
