/**
 * Stage two of delivery: what waits in the inbox finds its domain. By then the owners may have been named (figures.ts says how long
 * that is waited for), and the answer, once written, is final: a crash anywhere repeats the steps and changes nothing.
 */

import { decidableAt } from '../../../shared/correlation/correlate.ts';
import { keyOf, type Routed } from '../../../shared/correlation/occurrence.ts';
import { route } from '../../../shared/correlation/routing/route.ts';
import { type CompiledRules, meaningOf } from '../../../shared/correlation/rules/match.ts';
import { quietAfterEnd, second } from '../../../shared/correlation/settling-times.ts';
import type { Micros } from '../../../shared/events/observation.ts';
import { shardOf } from '../../../shared/store/keys.ts';
import type { DomainEntry, InboxItem, PinnedRoute, Store } from '../../../shared/store/store.ts';
import { type Arrived, idOf, readArrived, readRoute, routedText, routeText } from '../codec.ts';
import type { CooperativeYield } from './event-loop-yield.ts';
import { IndexView, PrefetchedIndex } from './index-view.ts';
import type { Owners } from './owner-lookup.ts';

export interface RouterOptions {
  readonly store: Store;
  readonly rules: CompiledRules;
  readonly owners: Owners;
  readonly turns: CooperativeYield;
  /** Whose lease it is: names this process among the correlators; the same at each call. */
  readonly token: () => string;
  readonly leaseMs: number;
  readonly batch: number;
  readonly onError: (event: string, error: unknown) => void;
}

/** Domains are looked at by this step, so that one under fire is not decided anew for each event. */
export const lookStep = 5 * second;
const nothing = { routed: 0, more: false, full: false };

export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Routes a batch. Says how many have reached their domain, whether more are due, whether some found no room. */
  async routeShard(shard: number, now: Micros): Promise<{ routed: number; more: boolean; full: boolean }> {
    const { store, turns, leaseMs, batch } = this.#options;
    const token = this.#options.token();
    const items = await store.claimInbox(shard, token, now, leaseMs, batch);
    if (!items || items.length === 0) return nothing;
    const arrived = await turns.map(items, ({ body }) => readArrived(body));
    await this.#options.owners.learn(arrived);
    const routed = await this.#routeAll(arrived);
    const proposals = items.map(({ event, n }, place) => ({ event, n, route: routeText(routedAt(routed, place)) }));
    const pinned = await store.pinRoutes(shard, token, proposals);
    if (!pinned) return nothing;
    const entries = await turns.map(items, (item, place) => toEntry(item, arrived[place], routedAt(routed, place), pinned[place]));
    const placed = await this.#addAll(entries);
    const more = items.length === batch && placed.size === items.length;
    const done = items.filter((_, place) => placed.has(place));
    await store.completeRouting(shard, token, done, !more);
    return { routed: done.length, more, full: done.length < items.length };
  }

  /** Lets another correlator go on with a shard of which more is due. */
  async release(shard: number): Promise<void> {
    await this.#options.store.completeRouting(shard, this.#options.token(), [], true);
  }

  /** An Event that the core cannot route must not hold up the others: its involved object is its domain then. */
  async #routeAll(arrived: readonly Arrived[]): Promise<Routed[]> {
    const loaded = new PrefetchedIndex(this.#options.store, this.#options.turns);
    const views = new Map<string, IndexView>();
    return loaded.runAll(arrived, ({ cluster, observation }) => {
      let known = views.get(cluster);
      if (!known) {
        known = new IndexView(loaded, cluster);
        views.set(cluster, known);
      }
      const meaning = meaningOf(this.#options.rules, observation);
      try {
        return route(observation, meaning, known, known);
      } catch (error) {
        this.#options.onError(observation.uid, error);
        return { observation, meaning, chain: [observation.involved], owners: 1, tellsFirst: true };
      }
    });
  }

  /** The places of those that were added; domains that have no room keep theirs in the inbox. */
  async #addAll(entries: readonly DomainEntry[]): Promise<Set<number>> {
    const byShard = Map.groupBy([...entries.keys()], (place) => shardOf(entries[place]?.domain ?? ''));
    const placed = new Set<number>();
    const calls = [...byShard].map(async ([shard, places]) => {
      const own = places.flatMap((place) => entries[place] ?? []);
      if (await this.#options.store.addToDomains(shard, own)) for (const place of places) placed.add(place);
    });
    await Promise.all(calls);
    return placed;
  }
}

function routedAt(routed: readonly Routed[], place: number): Routed {
  const one = routed[place];
  if (!one) throw new Error(`Cannot route: wanted ${place + 1} answers, found ${routed.length}`);
  return one;
}

function toEntry(item: InboxItem, arrived: Arrived | undefined, proposed: Routed, pinned: PinnedRoute | undefined): DomainEntry {
  const final = pinned ? { ...proposed, ...readRoute(pinned.route) } : proposed;
  const routed = pinned ? tellOnce(final, item.n, pinned) : final;
  const root = routed.chain.at(-1) ?? routed.observation.involved;
  const due = Math.ceil(decidableAt(routed.observation.last.at + quietAfterEnd) / lookStep) * lookStep;
  return { domain: `${arrived?.cluster ?? ''}|${keyOf(root)}`, id: idOf(routed), due, body: routedText(routed) };
}

/** One domain alone tells of an Event's first occurrence, however many domains its repeats belong to. */
function tellOnce(routed: Routed, n: number, { firstN, firstRoute }: PinnedRoute): Routed {
  if (n === firstN) return routed;
  return n === 1 ? { ...routed, ...readRoute(firstRoute) } : { ...routed, tellsFirst: false };
}
