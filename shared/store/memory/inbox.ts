/** The inbox of one shard in memory: observations to be routed, which ones were seen, pinned routes. */
import type { Micros } from '../../events/observation.ts';
import { TtlCache } from '../../process/ttl-cache.ts';
import { occurrenceId, splitId } from '../keys.ts';
import type { InboxEntry, InboxItem, PinnedRoute, RouteProposal } from '../store.ts';
import { SortedSet } from './sorted-set.ts';

interface Seen {
  /** Per occurrence: the pending version; null once routed. */
  readonly versions: Map<number, string | null>;
  first: { readonly n: number; readonly route: string } | null;
}

type Occurrence = Pick<InboxEntry, 'event' | 'n'>;

export interface SavedInbox {
  readonly bodies: ReadonlyMap<string, string>;
  readonly due: ReadonlyMap<string, number>;
  readonly pinned: ReadonlyMap<string, string>;
  readonly seen: readonly (readonly [event: string, seen: Seen, ttlMs: number])[];
  readonly lease: Lease | null;
}

interface Lease {
  readonly token: string;
  readonly until: number;
}

export class MemoryInbox {
  readonly #now: () => number;
  readonly #max: number;
  readonly #bodies = new Map<string, string>();
  readonly #due = new SortedSet();
  readonly #pinned = new Map<string, string>();
  readonly #seen: TtlCache<Seen>;
  #lease: Lease | null = null;

  constructor(now: () => number, max: number, seenTtl: number) {
    this.#now = now;
    this.#max = max;
    this.#seen = new TtlCache({ now, ttlMs: seenTtl });
  }

  save(): SavedInbox {
    return { bodies: this.#bodies, due: this.#due.save(), pinned: this.#pinned, seen: [...this.#seen.entries()], lease: this.#lease };
  }

  load({ bodies, due, pinned, seen, lease }: SavedInbox): void {
    this.#lease = lease;
    for (const [id, body] of bodies) this.#bodies.set(id, body);
    this.#due.load(due);
    for (const [id, route] of pinned) this.#pinned.set(id, route);
    for (const [event, { versions, first }, ttlMs] of seen) this.#seen.set(event, { versions: new Map(versions), first }, ttlMs);
  }

  get size(): number {
    return this.#bodies.size;
  }

  earliest(isSkipped: (id: string) => boolean): Micros | null {
    return this.#due.lowest(isSkipped);
  }

  append(entries: readonly InboxEntry[]): boolean[] | null {
    const isSeen = ({ event, n }: Occurrence) => this.#seen.get(event)?.versions.has(n) === true;
    if (this.size + entries.length > this.#max && this.size + entries.filter((entry) => !isSeen(entry)).length > this.#max) return null;
    return entries.map((entry) => this.#append(entry));
  }

  #append({ event, n, version, due, body }: InboxEntry): boolean {
    const seen = this.#remember(event);
    const known = seen.versions.get(n);
    if (known === undefined || (known !== null && isEarlier(version, known))) {
      seen.versions.set(n, version);
      this.#bodies.set(occurrenceId(event, n), body);
      this.#due.set(occurrenceId(event, n), due);
    }
    return known === undefined;
  }

  /** Renewed from now. */
  #remember(event: string): Seen {
    const seen = this.#seen.get(event) ?? { versions: new Map(), first: null };
    this.#seen.set(event, seen);
    return seen;
  }

  #isHeldBy(token: string): boolean {
    return this.#lease !== null && this.#lease.until > this.#now() && this.#lease.token === token;
  }

  claim(token: string, now: Micros, leaseMs: number, max: number, isSkipped: (id: string) => boolean): InboxItem[] | null {
    if (this.#lease !== null && this.#lease.until > this.#now() && this.#lease.token !== token) return null;
    const ids = this.#due.upTo(now, max, isSkipped);
    if (ids.length > 0) this.#lease = { token, until: this.#now() + Math.max(1, Math.ceil(leaseMs)) };
    return ids.map((id) => ({ ...splitId(id), body: this.#bodies.get(id) ?? '' }));
  }

  pinRoutes(token: string, proposals: readonly RouteProposal[]): PinnedRoute[] | null {
    if (!this.#isHeldBy(token)) return null;
    return proposals.map(({ event, n, route }) => {
      const id = occurrenceId(event, n);
      const pinned = this.#pinned.get(id) ?? route;
      this.#pinned.set(id, pinned);
      const first = this.#seen.get(event)?.first ?? { n, route: n === 1 ? '' : pinned };
      if (!this.#seen.get(event)?.first) this.#remember(event).first = first;
      return { route: pinned, firstN: first.n, firstRoute: first.route };
    });
  }

  complete(token: string, done: readonly Occurrence[], release: boolean): void {
    if (!this.#isHeldBy(token)) return;
    for (const { event, n } of done) {
      const id = occurrenceId(event, n);
      this.#bodies.delete(id);
      this.#due.delete(id);
      this.#pinned.delete(id);
      this.#seen.get(event)?.versions.set(n, null);
    }
    if (release) this.#lease = null;
  }

  isUnseen({ event, n }: Occurrence): boolean {
    if (!this.#seen.get(event)?.versions.has(n)) return true;
    this.#remember(event);
    return false;
  }
}

function isEarlier(a: string, b: string): boolean {
  return a.length !== b.length ? a.length < b.length : a < b;
}
