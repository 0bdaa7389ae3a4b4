/** The store in the memory of one process, for a laptop and for tests. Its content is lost when the process ends. */
import { TtlCache } from '../../../shared/process/ttl-cache.ts';
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
import { slotOf, UsageBySlot } from './usage.ts';

interface Entry {
  readonly parts: Buffer[];
  until: number;
}

export class MemorySpanStore implements SpanStore {
  readonly #now: () => number;
  readonly #bounds: Bounds;
  readonly #usage = new UsageBySlot();
  readonly #entries: Readonly<Record<Collection, TtlCache<Entry>>>;
  /** Key -> ids, the newest last. */
  readonly #ids: Readonly<Record<Collection, TtlCache<Set<string>>>>;
  readonly #told: TtlCache<Map<string, string>>;
  readonly #due = new Map<string, number>();
  readonly #claimed = new Map<string, number>();

  /** `now`: milliseconds. */
  constructor(now: () => number, bounds: Bounds) {
    this.#now = now;
    this.#bounds = bounds;
    this.#entries = { spans: new TtlCache({ now }), outlines: new TtlCache({ now }) };
    this.#ids = { spans: new TtlCache({ now }), outlines: new TtlCache({ now }) };
    this.#told = new TtlCache({ now });
  }

  async put(collection: Collection, parts: readonly StoredPart[]): Promise<boolean> {
    const now = this.#now();
    const ttl = lifetimeOf(this.#usage.at(now), this.#bounds);
    if (ttl === 0) return false;
    this.#usage.add(slotOf(now, ttl), weightOf(parts));
    for (const { id, body, keys } of parts) {
      const known = this.#entries[collection].get(id) ?? { parts: [], until: 0 };
      known.parts.push(body);
      known.parts.splice(0, known.parts.length - partsMost);
      known.until = Math.max(known.until, now + (keys.length === 0 ? Math.min(ttl, keylessTtlMs) : ttl));
      this.#entries[collection].set(id, known, known.until - now);
      this.#link(collection, id, keys, ttl);
    }
    return true;
  }

  async link(collection: Collection, id: string, keys: readonly string[]): Promise<void> {
    this.#link(collection, id, keys, this.#bounds.ttlMs);
  }

  async find(collection: Collection, keys: readonly string[]): Promise<readonly (readonly string[])[]> {
    return keys.map((key) => [...(this.#ids[collection].get(key) ?? [])].reverse());
  }

  async read(collection: Collection, ids: readonly string[]): Promise<readonly (readonly Buffer[])[]> {
    return ids.map((id) => this.#entries[collection].get(id)?.parts ?? []);
  }

  async told(traceId: string): Promise<ReadonlyMap<string, string>> {
    return new Map(this.#told.get(traceId));
  }

  async tell(traceId: string, copies: ReadonlyMap<string, string>): Promise<void> {
    this.#usage.add(slotOf(this.#now(), this.#bounds.ttlMs), weightOfTold(copies.size));
    this.#told.set(traceId, new Map([...copies, ...(this.#told.get(traceId) ?? [])]), this.#bounds.ttlMs);
  }

  async schedule(traceId: string, at: number): Promise<void> {
    this.#due.set(traceId, Math.min(at, this.#due.get(traceId) ?? at));
  }

  async claim(now: number, leaseMs: number, most: number): Promise<readonly string[]> {
    const overdue = (traces: ReadonlyMap<string, number>) => [...traces].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b);
    const ids = [...new Set([...overdue(this.#claimed), ...overdue(this.#due)].map(([id]) => id))].slice(0, most);
    for (const id of ids) {
      this.#due.delete(id);
      this.#claimed.set(id, now + leaseMs);
    }
    return ids;
  }

  async finish(traceId: string): Promise<void> {
    this.#claimed.delete(traceId);
  }

  async usage(): Promise<Usage> {
    return this.#usage.at(this.#now());
  }

  ready(): boolean {
    return true;
  }

  async close(): Promise<void> {}

  #link(collection: Collection, id: string, keys: readonly string[], ttl: number): void {
    for (const key of keys) {
      const ids = this.#ids[collection].get(key) ?? new Set();
      ids.delete(id);
      ids.add(id);
      const [oldest] = ids;
      if (ids.size > idsMost && oldest !== undefined) ids.delete(oldest);
      this.#ids[collection].set(key, ids, ttl);
    }
  }
}
