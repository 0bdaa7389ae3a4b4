/** Decides domains that are due: claim, read, correlate, commit. One worker at a time has a domain; a commit that comes late changes nothing. */

import type { CorrelateConfig } from '../../../shared/correlation/config.ts';
import type { Routed } from '../../../shared/correlation/occurrence.ts';
import type { CompiledRules } from '../../../shared/correlation/rules/match.ts';
import { rememberFor, second } from '../../../shared/correlation/settling-times.ts';
import { type Decided, type DomainState, decideDomain } from '../../../shared/correlation/steps.ts';
import { stallsAt } from '../../../shared/correlation/wanted-confirmation.ts';
import type { Micros } from '../../../shared/events/observation.ts';
import { noTracing, type Origin, type Tracing } from '../../../shared/process/tracing.ts';
import { type SegmentEvent, toSegmentEvents } from '../../../shared/spans/segment-event.ts';
import type { Segment } from '../../../shared/spans/span.ts';
import type { Claimed, CommitOutcome, DomainRead, Store } from '../../../shared/store/store.ts';
import { type RoutedEntry, readRouted, readState, stateText, undecidedIn } from '../codec.ts';
import type { GapRepair } from './gap-repair.ts';
import { IndexView, PrefetchedIndex } from './index-view.ts';
import { scopeOf } from './late-arrival-gate.ts';

export interface Decision {
  /** postponed: nothing was decided, since Events are late or may be missing. */
  readonly outcome: CommitOutcome | 'postponed';
  readonly segments: readonly Segment[];
  /** The segments as they are sent. */
  readonly outgoing: readonly SegmentEvent[];
}

export interface DeciderOptions {
  readonly store: Store;
  readonly rules: CompiledRules;
  readonly config: Omit<CorrelateConfig, 'cluster'>;
  /** `source` of the segments' CloudEvents. */
  readonly source: string;
  readonly leaseMs: number;
  /** A committed segment is this process's to send for so long; 0: anyone's at once. */
  readonly holdMs: () => number;
  readonly batch: number;
  readonly tracing?: Tracing | undefined;
  /** Null: gaps are left to the tick. */
  readonly gaps: GapRepair | null;
  readonly onDecision: (shard: number, decision: Decision) => void;
  readonly onError: (domain: string, error: unknown) => void;
}

/** What a domain holds, and by whom: when it is decided. */
interface Due {
  readonly claim: Claimed;
  readonly cluster: string;
  /** As it was read. */
  readonly state: string;
  readonly before: DomainState;
  readonly incoming: readonly string[];
  readonly observations: readonly Routed[];
  /** Each undecided Event as it was read. */
  readonly texts: ReadonlyMap<Routed, string>;
  readonly origins: readonly Origin[];
}

const postponedFor = 2 * second;

export class Decider {
  readonly #options: DeciderOptions;

  constructor(options: DeciderOptions) {
    this.#options = options;
  }

  /**
   * Decides a batch of due domains. Says whether more may be due. `clock` is the store's, in ms; domains with Events of a scope that is
   * held are postponed. What it has claimed it decides, also when all ends: else nobody could until the lease runs out.
   */
  async decideShard(shard: number, clock: number, now: Micros, held: ReadonlySet<string>): Promise<{ decided: number; more: boolean }> {
    const { store, leaseMs, batch } = this.#options;
    const began = Date.now();
    const claimed = await store.claimDomains(shard, clock, now, leaseMs, batch);
    if (claimed.length === 0) return { decided: 0, more: false };
    const domains = claimed.map(({ domain }) => domain);
    const index = new PrefetchedIndex(store);
    const views = new Map(domains.map((domain) => [clusterOf(domain), new IndexView(index, clusterOf(domain))]));
    for (const view of views.values()) view.wantKinds();
    const [reads] = await Promise.all([store.readDomains(shard, domains), index.load()]);
    let decided = 0;
    for (const [place, claim] of claimed.entries()) {
      const [read, known] = [reads[place], views.get(clusterOf(claim.domain))];
      if (!read || !known) break;
      try {
        const due = this.#read(claim, read);
        const decision = isHeld(due, held)
          ? await this.#postpone(shard, clock, now, due)
          : await this.#flush(began, shard, clock, now, due, index, known);
        if (decision.outcome !== 'postponed') decided += 1;
        this.#options.onDecision(shard, decision);
      } catch (error) {
        // Its lease runs out, and it is tried again; the others must not wait for that.
        this.#options.onError(claim.domain, error);
      }
    }
    return { decided, more: claimed.length === batch };
  }

  #read(claim: Claimed, { state, incoming }: DomainRead): Due {
    const { rules } = this.#options;
    const texts = new Map<Routed, string>();
    const origins: Origin[] = [];
    const onEntry = ({ routed, origin }: RoutedEntry, text: string): Routed => {
      texts.set(routed, text);
      if (origin) origins.push(origin);
      return routed;
    };
    const before = readState(state, rules, onEntry);
    const observations = incoming.map(({ body }) => onEntry(readRouted(body, rules), body));
    const ids = incoming.map(({ id }) => id);
    return { claim, cluster: clusterOf(claim.domain), state, before, incoming: ids, observations, texts, origins };
  }

  /** In the trace of the request that has brought the last of what it decides on, so that a trace leads from source to export; linked to the others. */
  #flush(began: number, shard: number, clock: number, now: Micros, due: Due, index: PrefetchedIndex, known: IndexView): Promise<Decision> {
    const { tracing = noTracing } = this.#options;
    return tracing.after('flush', due.origins, async () => {
      tracing.past('claim', began);
      const decided = await tracing.span('correlate', () => this.#decide(now, due, index, known));
      const isAwaited = await this.#options.gaps?.isAwaited(due.claim.domain, due.cluster, decided, now);
      const decision = isAwaited ? await this.#postpone(shard, clock, now, due) : await this.#commit(shard, clock, due, decided);
      if (tracing.isRunning) for (const { id } of decision.outgoing) tracing.mark(id);
      return decision;
    });
  }

  async #decide(now: Micros, { before, observations, cluster, texts }: Due, index: PrefetchedIndex, known: IndexView): Promise<Decided> {
    if (known.hasObjects) wantObjects(before, texts.keys(), known);
    const config = { ...this.#options.config, cluster };
    const [decided] = await index.runAll([before], (state) => decideDomain(state, { observations, objects: known, now }, config));
    if (!decided) throw new Error('Cannot decide: correlate gave no result');
    return decided;
  }

  /** Leaves the domain as it was, to be looked at again soon. */
  async #postpone(shard: number, clock: number, now: Micros, { claim: { domain, fence }, state }: Due): Promise<Decision> {
    const commit = { domain, fence, taken: [], state, stateTtl: null, due: now + postponedFor, decided: 0, segments: [] };
    const outcome = await this.#options.store.commit(shard, clock, commit, 0);
    return { outcome: outcome === 'committed' ? 'postponed' : outcome, segments: [], outgoing: [] };
  }

  async #commit(
    shard: number,
    clock: number,
    { claim: { domain, fence }, cluster, before, incoming, observations, texts }: Due,
    { segments, after, due: open }: Decided,
  ): Promise<Decision> {
    const { store, source, gaps, holdMs, tracing = noTracing } = this.#options;
    const due = gaps === null ? open : earlier(open, stallsAt(after));
    const textOf = (routed: Routed): string => {
      const text = texts.get(routed);
      if (text === undefined) throw new Error('Cannot keep an undecided Event: it is none of those that were read');
      return text;
    };
    const outgoing = segments.flatMap((segment) => toSegmentEvents(segment, { source, cluster }));
    const commit = {
      domain,
      fence,
      taken: incoming,
      state: stateText(after, textOf),
      stateTtl: due === null ? rememberFor / 1_000 : null,
      due,
      decided: undecidedIn(before.keep) + observations.length - undecidedIn(after.keep),
      segments: outgoing,
    };
    const outcome = await tracing.span('commit', () => store.commit(shard, clock, commit, holdMs()));
    return outcome === 'committed' ? { outcome, segments, outgoing } : { outcome, segments: [], outgoing: [] };
  }
}

/** Whether it holds undecided Events of such a scope. */
function isHeld({ cluster, before: { keep }, observations }: Due, held: ReadonlySet<string>): boolean {
  if (held.size === 0) return false;
  const undecided = [...observations, ...keep.waiting, ...keep.placed.map(({ occurrence }) => occurrence.routed)];
  return undecided.some(({ observation }) => held.has(scopeOf(cluster, observation)));
}

function earlier(a: Micros | null, b: Micros | null): Micros | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** Objects that the domain's Events and open changes speak of. */
function wantObjects({ context }: DomainState, routed: Iterable<Routed>, known: IndexView): void {
  for (const { observation, chain } of routed) {
    known.wantVersions(observation.involved.uid);
    for (const { uid } of chain) known.wantVersions(uid);
  }
  for (const { root, about } of Object.values(context.changes)) for (const { uid } of [root, about]) known.wantVersions(uid);
}

/** A domain's key in the store begins with its cluster. */
function clusterOf(domain: string): string {
  return domain.slice(0, domain.indexOf('|'));
}
