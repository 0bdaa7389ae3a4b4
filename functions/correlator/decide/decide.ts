/** Decides domains that are due: claim, read, correlate, commit. One worker at a time has a domain; a commit that comes late changes nothing. */

import type { CorrelateConfig } from '../../../shared/correlation/config.ts';
import { correlate, decidableAt } from '../../../shared/correlation/correlate.ts';
import type { Routed } from '../../../shared/correlation/occurrence.ts';
import { settlesAt } from '../../../shared/correlation/placement/change.ts';
import type { CompiledRules } from '../../../shared/correlation/rules/match.ts';
import { ownerMayTrail, quietAfterEnd, rememberFor } from '../../../shared/correlation/settling-times.ts';
import type { Micros } from '../../../shared/events/observation.ts';
import { noTracing, type Tracing } from '../../../shared/process/tracing.ts';
import { toSegmentEvents } from '../../../shared/spans/segment-event.ts';
import type { Segment } from '../../../shared/spans/span.ts';
import type { Claimed, CommitOutcome, DomainRead, Store } from '../../../shared/store/store.ts';
import { type DomainState, heldBy, idOf, idsIn, readRouted, readState, stateText } from '../codec.ts';
import type { CooperativeYield } from './event-loop-yield.ts';
import { IndexView, PrefetchedIndex } from './index-view.ts';

export interface Outgoing {
  readonly id: string;
  readonly body: string;
}

export interface Decision {
  readonly outcome: CommitOutcome;
  readonly segments: readonly Segment[];
  readonly outgoing: readonly Outgoing[];
}

export interface DeciderOptions {
  readonly store: Store;
  readonly rules: CompiledRules;
  readonly turns: CooperativeYield;
  readonly config: Omit<CorrelateConfig, 'cluster'>;
  /** `source` of the segments' CloudEvents. */
  readonly source: string;
  readonly leaseMs: number;
  /** A committed segment is this process's to send for so long; 0: anyone's at once. */
  readonly holdMs: () => number;
  readonly batch: number;
  readonly tracing?: Tracing | undefined;
  readonly onDecision: (shard: number, decision: Decision) => void;
  readonly onError: (domain: string, error: unknown) => void;
}

export class Decider {
  readonly #options: DeciderOptions;

  constructor(options: DeciderOptions) {
    this.#options = options;
  }

  /** Decides a batch of due domains. Says whether more may be due. `clock` is the store's, in ms. What it has claimed it decides, also when all ends: else nobody could until the lease runs out. */
  async decideShard(shard: number, clock: number, now: Micros): Promise<{ decided: number; more: boolean }> {
    const { store, leaseMs, batch } = this.#options;
    const began = Date.now();
    const claimed = await store.claimDomains(shard, clock, now, leaseMs, batch);
    if (claimed.length === 0) return { decided: 0, more: false };
    const reads = await store.readDomains(
      shard,
      claimed.map(({ domain }) => domain),
    );
    for (const [place, claim] of claimed.entries()) {
      const read = reads[place];
      if (!read) break;
      try {
        this.#options.onDecision(shard, await this.#flush(began, shard, clock, now, claim, read));
      } catch (error) {
        // Its lease runs out, and it is tried again; the others must not wait for that.
        this.#options.onError(claim.domain, error);
      }
    }
    return { decided: claimed.length, more: claimed.length === batch };
  }

  /** In the trace of the request that has brought the last of what it decides on, so that a trace leads from source to export; linked to the others. */
  async #flush(began: number, shard: number, clock: number, now: Micros, claim: Claimed, read: DomainRead): Promise<Decision> {
    const { rules, turns, tracing = noTracing } = this.#options;
    const before = readState(read.state, rules);
    const observations = await turns.map(read.incoming, ({ body }) => readRouted(body, rules));
    const cluster = claim.domain.slice(0, claim.domain.indexOf('|'));
    const keys = () => [...idsIn(before.keep), ...observations.map(idOf)].map((id) => `${cluster}|${id}`);
    return tracing.after('flush', keys, async () => {
      tracing.past('claim', began);
      const decision = await this.#decide(shard, clock, now, claim, read, before, observations);
      if (tracing.isRunning) for (const { id } of decision.outgoing) tracing.mark(id);
      return decision;
    });
  }

  async #decide(
    shard: number,
    clock: number,
    now: Micros,
    claim: Claimed,
    read: DomainRead,
    before: DomainState,
    observations: readonly Routed[],
  ): Promise<Decision> {
    const { store, turns, config, source, holdMs, tracing = noTracing } = this.#options;
    const cluster = claim.domain.slice(0, claim.domain.indexOf('|'));
    const loaded = new PrefetchedIndex(store, turns);
    const known = new IndexView(loaded, cluster);
    const input = { observations, keep: before.keep, objects: known, context: before.context, now: now - ownerMayTrail };
    const [result] = await tracing.span('correlate', () => loaded.runAll([input], (one) => correlate(one, { ...config, cluster })));
    if (!result) throw new Error('Cannot decide: correlate gave no result');
    const after = { context: result.context, keep: result.keep };
    const due = dueOf(after);
    const outgoing = (await turns.map(result.segments, (segment) => toSegmentEvents(segment, { source, cluster }))).flat();
    const commit = {
      domain: claim.domain,
      fence: claim.fence,
      taken: read.incoming.map(({ id }) => id),
      state: stateText(after),
      keepFor: due === null ? rememberFor / 1_000 : null,
      due,
      decided: heldBy(before.keep) + observations.length - heldBy(after.keep),
      segments: outgoing,
    };
    const outcome = await tracing.span('commit', () => store.commit(shard, clock, commit, holdMs()));
    return { outcome, segments: outcome === 'committed' ? result.segments : [], outgoing: outcome === 'committed' ? outgoing : [] };
  }
}

/** When there is something to decide again; null when nothing is open. */
function dueOf({ context, keep }: DomainState): Micros | null {
  let due = Number.POSITIVE_INFINITY;
  for (const change of Object.values(context.changes)) due = Math.min(due, decidableAt(settlesAt(change)));
  for (const { observation } of keep.waiting) due = Math.min(due, decidableAt(observation.last.at + quietAfterEnd));
  return Number.isFinite(due) ? due : null;
}
