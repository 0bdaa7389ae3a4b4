/**
 * Stage two of delivery: what waits in the inbox finds its domain. By then the owners may have been named (settling-times.ts says how
 * long that is waited for), and the answer, once written, is final: a crash anywhere repeats the steps and changes nothing.
 */

import type { Routed } from '../../../shared/correlation/occurrence.ts';
import { route } from '../../../shared/correlation/routing/route.ts';
import { wantFacts } from '../../../shared/correlation/routing/wanted-facts.ts';
import type { CompiledRules } from '../../../shared/correlation/rules/match.ts';
import { second } from '../../../shared/correlation/settling-times.ts';
import { decidableBy, domainOf, toldOnce } from '../../../shared/correlation/steps.ts';
import type { Micros } from '../../../shared/events/observation.ts';
import { shardOf } from '../../../shared/store/keys.ts';
import type { DomainEntry, InboxItem, PinnedRoute, Store } from '../../../shared/store/store.ts';
import { type EventEntry, idOf, readEvent, readRoute, routedText, routeText } from '../codec.ts';
import { IndexView, PrefetchedIndex } from './index-view.ts';
import type { Owners } from './owner-lookup.ts';

export interface RouterOptions {
  readonly store: Store;
  readonly rules: CompiledRules;
  readonly owners: Owners;
  /** Whose lease it is: names this process among the correlators. */
  readonly token: string;
  readonly leaseMs: number;
  /** Events of a shard that are routed together. */
  readonly batch: number;
  readonly onError: (event: string, error: unknown) => void;
}

export interface RouteOutcome {
  /** How many have reached their domain. */
  readonly routed: number;
  /** The shards of which more are due. */
  readonly more: readonly number[];
  /** Whether some found no room in their domain. */
  readonly full: boolean;
}

/** Domains are looked at by this step, so that one under fire is not decided anew for each event. */
export const lookStep = 5 * second;

/** One Event on its way from the inbox to its domain. */
interface Passing {
  readonly shard: number;
  readonly item: InboxItem;
  readonly cluster: string;
  readonly event: EventEntry;
}

interface Proposed extends Passing {
  readonly routed: Routed;
  readonly route: string;
}

export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /**
   * Routes a batch of each shard, all together: Events of one object lie in many shards and ask for the same. A shard that fails does not
   * hold up the others; rejects once they are through. `skip`: prefixes of Events that are left alone.
   */
  async routeShards(shards: readonly number[], now: Micros, skip: readonly string[] = []): Promise<RouteOutcome> {
    const { owners, batch } = this.#options;
    const steps = new Steps();
    const claimed = (await steps.all(shards, (shard) => this.#claim(shard, now, skip))).flat();
    await owners.learn(claimed.map(({ cluster, event }) => ({ cluster, involved: event.observation.involved })));
    const byShard = Map.groupBy(await this.#routeAll(claimed), ({ shard }) => shard);
    const entries = (await steps.all(byShard, ([shard, own]) => this.#pin(shard, own))).flat();
    const placed = new Set((await steps.all(groupByDomainShard(entries), (group) => this.#add(group))).flat());
    const completed = await steps.all(byShard, ([shard, own]) => this.#complete(shard, own, placed));
    steps.end();
    const full = placed.size < entries.length;
    const more = completed.filter(({ done, all }) => all === batch && done === all).map(({ shard }) => shard);
    return { routed: completed.reduce((sum, { done }) => sum + done, 0), more, full };
  }

  /** Lets another correlator go on with a shard of which more is due. */
  async release(shard: number): Promise<void> {
    await this.#options.store.completeRouting(shard, this.#options.token, [], true);
  }

  async #claim(shard: number, now: Micros, skip: readonly string[]): Promise<Passing[]> {
    const { store, rules, token, leaseMs, batch } = this.#options;
    const items = await store.claimInbox(shard, token, now, leaseMs, batch, skip);
    return (items ?? []).map((item) => ({ shard, item, cluster: clusterOf(item), event: readEvent(item.body, rules) }));
  }

  async #routeAll(passing: readonly Passing[]): Promise<Proposed[]> {
    const index = new PrefetchedIndex(this.#options.store);
    const views = new Map(passing.map(({ cluster }) => [cluster, new IndexView(index, cluster)]));
    await preload(passing, index, views);
    return index.runAll(passing, (one) => {
      const routed = this.#route(one, views.get(one.cluster) ?? new IndexView(index, one.cluster));
      return { ...one, routed, route: routeText(routed, one.event.observation.involved) };
    });
  }

  /** An Event that the core cannot route must not hold up the others: its involved object is its domain then. */
  #route({ event: { observation, meaning } }: Passing, known: IndexView): Routed {
    try {
      return route(observation, meaning, known, known);
    } catch (error) {
      this.#options.onError(observation.uid, error);
      return { observation, meaning, chain: [observation.involved], owners: 1, tellsFirst: true };
    }
  }

  /** None when another correlator has the shard by now. */
  async #pin(shard: number, own: readonly Proposed[]): Promise<Entry[]> {
    const proposals = own.map(({ item: { event, n }, route }) => ({ event, n, route }));
    const pinned = await this.#options.store.pinRoutes(shard, this.#options.token, proposals);
    return pinned ? own.map((one, place) => ({ item: one.item, entry: toEntry(one, pinned[place]) })) : [];
  }

  /** Those that were added: a domain shard without room takes none. */
  async #add(group: readonly Entry[]): Promise<InboxItem[]> {
    const [first] = group;
    if (!first) return [];
    const added = await this.#options.store.addToDomains(
      shardOf(first.entry.domain),
      group.map(({ entry }) => entry),
    );
    return added ? group.map(({ item }) => item) : [];
  }

  /** What has no room in its domain stays in the inbox. */
  async #complete(shard: number, own: readonly Proposed[], placed: ReadonlySet<InboxItem>) {
    const { store, token, batch } = this.#options;
    const done = own.map(({ item }) => item).filter((item) => placed.has(item));
    const more = own.length === batch && done.length === own.length;
    await store.completeRouting(shard, token, done, !more);
    return { shard, done: done.length, all: own.length };
  }
}

interface Entry {
  readonly item: InboxItem;
  readonly entry: DomainEntry;
}

/** Steps of which some may fail: the others go on, and the first failure is told at the end. */
class Steps {
  #failed: { readonly reason: unknown } | null = null;

  async all<In, Out>(inputs: Iterable<In>, run: (input: In) => Promise<Out>): Promise<Out[]> {
    const ended = await Promise.allSettled([...inputs].map(run));
    return ended.flatMap((one) => {
      if (one.status === 'fulfilled') return [one.value];
      this.#failed ??= one;
      return [];
    });
  }

  end(): void {
    if (this.#failed) throw this.#failed.reason;
  }
}

function groupByDomainShard(entries: readonly Entry[]): Iterable<Entry[]> {
  return Map.groupBy(entries, ({ entry }) => shardOf(entry.domain)).values();
}

/** First what kinds of knowledge there are at all, then all of it that the Events tell of, then the objects that this names. */
async function preload(passing: readonly Passing[], index: PrefetchedIndex, views: ReadonlyMap<string, IndexView>): Promise<void> {
  for (const view of views.values()) view.wantKinds();
  await index.load();
  for (const { cluster, event } of passing) {
    const view = views.get(cluster);
    if (!view) continue;
    const kinds = { claims: view.hasClaims, objects: view.hasObjects };
    if (kinds.objects) view.wantVersions(event.observation.involved.uid);
    wantFacts(event.observation, event.meaning, kinds, (...fact) => view.wantFact(...fact));
  }
  await index.load();
  for (const view of views.values()) if (view.hasObjects) view.wantMentioned();
  await index.load();
}

/** An Event's key in the store is its cluster and its uid. */
function clusterOf({ event }: InboxItem): string {
  return event.slice(0, event.indexOf('|'));
}

function toEntry({ item, cluster, event: { observation }, routed, route: own }: Proposed, pinned: PinnedRoute | undefined): DomainEntry {
  const { involved } = observation;
  const { route, firstN, firstRoute } = pinned ?? { route: own, firstN: item.n, firstRoute: own };
  const told = toldOnce(item.n, route, { n: firstN, route: firstRoute });
  const { chain } = told.route === own ? routed : readRoute(told.route, involved);
  return {
    domain: `${cluster}|${domainOf(chain)}`,
    id: idOf(routed),
    due: Math.ceil(decidableBy(observation) / lookStep) * lookStep,
    body: routedText(item.body, told.route, told.tellsFirst),
  };
}
