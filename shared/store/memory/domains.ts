/** The domains of one shard in memory: observations to be decided, states, leases. */
import type { Micros } from '../../events/observation.ts';
import { TtlCache } from '../../process/ttl-cache.ts';
import { type Claimed, type Commit, type CommitOutcome, type DomainEntry, type DomainRead, fullOutboxPauseMs } from '../store.ts';
import type { MemoryDeliveryQueue } from './delivery-queue.ts';
import { SortedSet } from './sorted-set.ts';

export interface SavedDomains {
  readonly due: ReadonlyMap<string, number>;
  readonly leases: ReadonlyMap<string, number>;
  readonly fences: ReadonlyMap<string, number>;
  readonly fence: number;
  readonly states: readonly (readonly [domain: string, state: string, ttlMs: number])[];
  readonly incoming: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly undecided: number;
}

export class MemoryDomains {
  readonly #max: number;
  readonly #outbox: MemoryDeliveryQueue;
  /** Event time. */
  readonly #due = new SortedSet();
  /** Store clock: end of the lease. */
  readonly #leases = new SortedSet();
  readonly #fences = new Map<string, number>();
  readonly #states: TtlCache<string>;
  readonly #incoming = new Map<string, Map<string, string>>();
  #fence = 0;
  #undecided = 0;

  constructor(now: () => number, max: number, outbox: MemoryDeliveryQueue) {
    this.#max = max;
    this.#outbox = outbox;
    this.#states = new TtlCache({ now });
  }

  save(): SavedDomains {
    return {
      due: this.#due.save(),
      leases: this.#leases.save(),
      fences: this.#fences,
      fence: this.#fence,
      states: [...this.#states.entries()],
      incoming: this.#incoming,
      undecided: this.#undecided,
    };
  }

  load({ due, leases, fences, fence, states, incoming, undecided }: SavedDomains): void {
    this.#due.load(due);
    this.#leases.load(leases);
    for (const [domain, number] of fences) this.#fences.set(domain, number);
    this.#fence = fence;
    this.#undecided = undecided;
    for (const [domain, state, ttlMs] of states) this.#states.set(domain, state, ttlMs);
    for (const [domain, bodies] of incoming) this.#incoming.set(domain, new Map(bodies));
  }

  get undecided(): number {
    return this.#undecided;
  }

  /** Number of domains that are due at some time or claimed. */
  get size(): number {
    return this.#due.size + this.#leases.upTo(Number.POSITIVE_INFINITY, this.#leases.size, (domain) => this.#due.has(domain)).length;
  }

  earliest(isSkipped: (domain: string) => boolean): { readonly domains: Micros | null; readonly lease: number | null } {
    return { domains: this.#due.lowest(isSkipped), lease: this.#leases.lowest() };
  }

  add(entries: readonly DomainEntry[]): boolean {
    if (this.#undecided >= this.#max) return false;
    for (const { domain, id, due, body } of entries) {
      const incoming = this.#incoming.get(domain) ?? new Map<string, string>();
      this.#incoming.set(domain, incoming);
      if (!incoming.has(id)) this.#undecided += 1;
      incoming.set(id, incoming.get(id) ?? body);
      this.#due.lower(domain, due);
    }
    return true;
  }

  claim(clock: number, now: Micros, leaseMs: number, max: number, isSkipped: (domain: string) => boolean): Claimed[] {
    for (const domain of this.#leases.upTo(clock, this.#leases.size)) {
      // Its fencing number is replaced only by the next claim: the slow worker may still be the first to commit.
      this.#leases.delete(domain);
      this.#due.lower(domain, 0);
    }
    return this.#due
      .upTo(now, max, (domain) => this.#leases.has(domain) || isSkipped(domain))
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

  commit(clock: number, commit: Commit, visibilityTimeoutMs: number): CommitOutcome {
    const { domain, fence, taken, segments, state, stateTtl, due, decided } = commit;
    if (this.#fences.get(domain) !== fence) return 'stale';
    this.#fences.delete(domain);
    // A decision is never divided: an outbox with any room takes all of it, or one with many segments could never be committed.
    if (segments.length > 0 && this.#outbox.isFull) {
      this.#leases.set(domain, clock + fullOutboxPauseMs);
      return 'full';
    }
    this.#outbox.add(segments, clock + visibilityTimeoutMs, clock);
    this.#leases.delete(domain);
    const incoming = this.#incoming.get(domain);
    for (const id of taken) incoming?.delete(id);
    if (incoming?.size === 0) this.#incoming.delete(domain);
    if (state === '') this.#states.delete(domain);
    else this.#states.set(domain, state, stateTtl ?? Number.POSITIVE_INFINITY);
    this.#undecided -= decided;
    if (due !== null) this.#due.lower(domain, due);
    return 'committed';
  }
}
