/** The domains of one shard in memory: what waits to be decided, their state, who has claimed them. */
import type { Micros } from '../../events/observation.ts';
import { type Claimed, type Commit, type CommitOutcome, type DomainEntry, type DomainRead, fullOutboxPauseMs } from '../store.ts';
import type { MemoryDeliveryQueue } from './delivery-queue.ts';
import { Expiring } from './expiring.ts';
import { SortedIds } from './sorted-set.ts';

export class MemoryDomains {
  readonly #most: number;
  readonly #outbox: MemoryDeliveryQueue;
  /** Event time. */
  readonly #due = new SortedIds();
  /** Store clock: until when nobody else gets the domain. */
  readonly #leases = new SortedIds();
  readonly #fences = new Map<string, number>();
  readonly #states: Expiring<string>;
  readonly #incoming = new Map<string, Map<string, string>>();
  #fence = 0;
  #held = 0;

  constructor(now: () => number, most: number, outbox: MemoryDeliveryQueue) {
    this.#most = most;
    this.#outbox = outbox;
    this.#states = new Expiring(now);
  }

  get held(): number {
    return this.#held;
  }

  /** How many are due at some time or claimed. */
  get size(): number {
    return this.#due.size + this.#leases.upTo(Number.POSITIVE_INFINITY, this.#leases.size, (domain) => this.#due.has(domain)).length;
  }

  earliest(): { readonly domains: Micros | null; readonly lease: number | null } {
    return { domains: this.#due.first(), lease: this.#leases.first() };
  }

  add(entries: readonly DomainEntry[]): boolean {
    if (this.#held >= this.#most) return false;
    for (const { domain, id, due, body } of entries) {
      const incoming = this.#incoming.get(domain) ?? new Map<string, string>();
      this.#incoming.set(domain, incoming);
      if (!incoming.has(id)) this.#held += 1;
      incoming.set(id, incoming.get(id) ?? body);
      this.#due.lower(domain, due);
    }
    return true;
  }

  claim(clock: number, now: Micros, leaseMs: number, most: number): Claimed[] {
    for (const domain of this.#leases.upTo(clock, this.#leases.size)) {
      // Its fencing number goes only with the next claim: the slow worker may still be the first to commit.
      this.#leases.delete(domain);
      this.#due.lower(domain, 0);
    }
    return this.#due
      .upTo(now, most, (domain) => this.#leases.has(domain))
      .map((domain) => {
        this.#fence += 1;
        this.#due.delete(domain);
        this.#leases.set(domain, clock + leaseMs);
        this.#fences.set(domain, this.#fence);
        return { domain, fence: this.#fence };
      });
  }

  read(domain: string): DomainRead {
    const incoming = [...(this.#incoming.get(domain) ?? [])].map(([id, body]) => ({ id, body }));
    return { state: this.#states.get(domain) ?? '', incoming };
  }

  commit(clock: number, { domain, fence, taken, segments, state, keepFor, due, decided }: Commit, holdMs: number): CommitOutcome {
    if (this.#fences.get(domain) !== fence) return 'stale';
    this.#fences.delete(domain);
    // One that is not full takes all of a decision: else one with more segments than it has room for could never be committed.
    if (segments.length > 0 && this.#outbox.isFull) {
      this.#leases.set(domain, clock + fullOutboxPauseMs);
      return 'full';
    }
    this.#outbox.add(segments, clock + holdMs, clock);
    this.#leases.delete(domain);
    const incoming = this.#incoming.get(domain);
    for (const id of taken) incoming?.delete(id);
    if (incoming?.size === 0) this.#incoming.delete(domain);
    if (state === '') this.#states.delete(domain);
    else this.#states.set(domain, state, keepFor);
    this.#held -= decided;
    if (due !== null) this.#due.lower(domain, due);
    return 'committed';
  }
}
