/** The inbox of one shard in memory: what waits to be routed, what was seen, which routes are pinned. */
import type { Micros } from '../../events/observation.ts';
import { occurrenceId, splitId } from '../keys.ts';
import type { InboxEntry, InboxItem, PinnedRoute, RouteProposal } from '../store.ts';
import { Expiring } from './expiring.ts';
import { SortedIds } from './sorted-set.ts';

interface Seen {
  /** Of each occurrence the version that waits; null when it was routed. */
  readonly versions: Map<number, string | null>;
  first: { readonly n: number; readonly route: string } | null;
}

type Occurrence = Pick<InboxEntry, 'event' | 'n'>;

export class MemoryInbox {
  readonly #most: number;
  readonly #seenFor: number;
  readonly #bodies = new Map<string, string>();
  readonly #due = new SortedIds();
  readonly #pinned = new Map<string, string>();
  readonly #seen: Expiring<Seen>;
  readonly #lease: Expiring<string>;

  constructor(now: () => number, most: number, seenFor: number) {
    this.#most = most;
    this.#seenFor = seenFor;
    this.#seen = new Expiring(now);
    this.#lease = new Expiring(now);
  }

  get size(): number {
    return this.#bodies.size;
  }

  earliest(): Micros | null {
    return this.#due.first();
  }

  append(entries: readonly InboxEntry[]): boolean[] | null {
    const isSeen = ({ event, n }: Occurrence) => this.#seen.get(event)?.versions.has(n) === true;
    if (this.size + entries.length > this.#most && this.size + entries.filter((entry) => !isSeen(entry)).length > this.#most) return null;
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

  /** For as long again from now. */
  #remember(event: string): Seen {
    const seen = this.#seen.get(event) ?? { versions: new Map(), first: null };
    this.#seen.set(event, seen, this.#seenFor);
    return seen;
  }

  claim(token: string, now: Micros, leaseMs: number, most: number): InboxItem[] | null {
    if ((this.#lease.get('') ?? token) !== token) return null;
    const ids = this.#due.upTo(now, most);
    if (ids.length > 0) this.#lease.set('', token, leaseMs);
    return ids.map((id) => ({ ...splitId(id), body: this.#bodies.get(id) ?? '' }));
  }

  pinRoutes(token: string, proposals: readonly RouteProposal[]): PinnedRoute[] | null {
    if (this.#lease.get('') !== token) return null;
    return proposals.map(({ event, n, route }) => {
      const id = occurrenceId(event, n);
      const pinned = this.#pinned.get(id) ?? route;
      this.#pinned.set(id, pinned);
      const first = this.#seen.get(event)?.first ?? { n, route: n === 1 ? '' : pinned };
      if (!this.#seen.get(event)?.first) this.#remember(event).first = first;
      return { route: pinned, firstN: first.n, firstRoute: first.route };
    });
  }

  routed(token: string, done: readonly Occurrence[], release: boolean): void {
    if (this.#lease.get('') !== token) return;
    for (const { event, n } of done) {
      const id = occurrenceId(event, n);
      this.#bodies.delete(id);
      this.#due.delete(id);
      this.#pinned.delete(id);
      this.#seen.get(event)?.versions.set(n, null);
    }
    if (release) this.#lease.delete('');
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
