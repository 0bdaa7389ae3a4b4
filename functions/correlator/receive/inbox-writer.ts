/**
 * Makes durable what has been received, many requests in one write: while one write is under way the next ones gather. A request is
 * answered when all that it brought is in the store.
 */
import { shardOf } from '../../../shared/store/keys.ts';
import type { InboxEntry, IndexEntry, Store } from '../../../shared/store/store.ts';

/** What one request brings. */
export interface InboxBatch {
  readonly inbox: readonly InboxEntry[];
  readonly facts: readonly IndexEntry[];
  readonly versions: readonly IndexEntry[];
}

export interface Appended {
  readonly fresh: number;
  readonly repeated: number;
}

export interface AppendOptions {
  /** How long facts and objects are remembered, ms. */
  readonly factsFor: number;
  readonly versionsFor: number;
  readonly factsMost: number;
  readonly versionsMost: number;
  /** Requests that may wait; more are turned away. */
  readonly waitingMost: number;
}

interface Waiting {
  readonly brought: InboxBatch;
  done(appended: Appended | null): void;
  failed(error: unknown): void;
}

const atOnceMost = 1_000;

export class InboxWriter {
  readonly #store: Store;
  readonly #options: AppendOptions;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(store: Store, options: AppendOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Null when there is no room. Rejects when the store is away. */
  append(brought: InboxBatch): Promise<Appended | null> {
    if (this.#waiting.length >= this.#options.waitingMost) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ brought, done: resolve, failed: reject });
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    // What arrives in this turn of the loop goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, atOnceMost);
      try {
        await this.#writeBatch(batch);
      } catch (error) {
        for (const one of batch) one.failed(error);
      }
    }
    this.#writing = false;
  }

  /**
   * Side by side, so that all share one write of the store to its disk: what is acknowledged has its facts, and what is not comes again
   * with them, long before it is routed.
   */
  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const { factsFor, factsMost, versionsFor, versionsMost } = this.#options;
    const facts = batch.flatMap(({ brought }) => brought.facts);
    const versions = batch.flatMap(({ brought }) => brought.versions);
    const inbox = batch.flatMap(({ brought }) => brought.inbox);
    const [fresh] = await Promise.all([
      this.#append(inbox),
      facts.length > 0 && this.#store.putIndex(facts, factsFor, factsMost),
      versions.length > 0 && this.#store.putIndex(versions, versionsFor, versionsMost),
    ]);
    let from = 0;
    for (const one of batch) {
      const own = fresh.slice(from, from + one.brought.inbox.length);
      from += one.brought.inbox.length;
      const count = own.filter(Boolean).length;
      one.done(own.includes(null) ? null : { fresh: count, repeated: own.length - count });
    }
  }

  /** Says for each whether it was new; null: no room. One shard that is full must not turn away what belongs to the others. */
  async #append(entries: readonly InboxEntry[]): Promise<readonly (boolean | null)[]> {
    const all = entries.length > 0 ? await this.#store.append(entries) : [];
    if (all) return all;
    const answers: (boolean | null)[] = entries.map(() => null);
    const shards = Map.groupBy(entries.entries(), ([, { event }]) => shardOf(event));
    await Promise.all([...shards.values()].map((own) => this.#appendShard(own, answers)));
    return answers;
  }

  async #appendShard(own: readonly [place: number, entry: InboxEntry][], answers: (boolean | null)[]): Promise<void> {
    const all = await this.#store.append(own.map(([, entry]) => entry));
    for (const [index, [place, entry]] of own.entries()) {
      // What room there is goes to the first.
      const fresh = all ? all[index] : (await this.#store.append([entry]))?.[0];
      if (fresh === undefined) return;
      answers[place] = fresh;
    }
  }
}
