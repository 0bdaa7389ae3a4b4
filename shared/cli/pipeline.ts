/**
 * The correlator on one machine without a store: takes observations in any order, routes each to its domain, decides what is
 * settled. `push` as they come, `advance` to let go of what is settled by then, `finish` for all the rest.
 */

import { type CorrelateConfig, defaultConfig } from '../correlation/config.ts';
import { type Context, emptyContext, emptyKeep, type PendingState } from '../correlation/context.ts';
import { correlate } from '../correlation/correlate.ts';
import { comesFirst, keyOf, type Routed } from '../correlation/occurrence.ts';
import type { Candidate } from '../correlation/placement/domain-pass.ts';
import { factsOf, MemoryFacts } from '../correlation/routing/event-facts.ts';
import { route } from '../correlation/routing/route.ts';
import { type CompiledRules, meaningOf } from '../correlation/rules/match.ts';
import type { Meaning } from '../correlation/rules/rule.ts';
import { lateness, ownerMayTrail, rememberFor } from '../correlation/settling-times.ts';
import type { Micros, Observation } from '../events/observation.ts';
import type { Objects } from '../kubernetes/object-index.ts';
import type { Segment } from '../spans/span.ts';

export interface PipelineOptions extends Partial<CorrelateConfig> {
  readonly rules: CompiledRules;
  readonly objects: Objects;
  /** Keep why each parent was chosen and which others lost. */
  readonly explains?: boolean;
}

export interface Explanation {
  /** `<event uid>#<n>` */
  readonly occurrence: string;
  readonly what: string;
  readonly change: string;
  /** The event that opened it; empty: none did. */
  readonly changeWhat: string;
  /** Empty: the root of the change. */
  readonly parent: string;
  readonly parentWhat: string;
  readonly rule: string;
  readonly evidence: string;
  readonly considered: readonly Candidate[];
}

interface Domain {
  context: Context;
  keep: PendingState;
  incoming: Routed[];
}

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #config: CorrelateConfig;
  readonly #facts = new MemoryFacts();
  readonly #inbox = new Map<string, { observation: Observation; meaning: Meaning }>();
  readonly #domains = new Map<string, Domain>();
  readonly #firsts = new Map<string, { readonly chain: Routed['chain']; readonly owners: number; readonly at: Micros }>();
  readonly #notes = new Map<string, Candidate[]>();
  readonly #decided = new Map<string, Explanation>();

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { cluster, rootService, budget, orphans } = { ...defaultConfig, ...options };
    this.#config = { cluster, rootService, budget, orphans };
  }

  get pending(): number {
    let kept = 0;
    for (const { keep, incoming } of this.#domains.values()) kept += keep.placed.length + keep.waiting.length + incoming.length;
    return kept + this.#inbox.size;
  }

  push(observation: Observation): void {
    const meaning = meaningOf(this.#options.rules, observation);
    for (const fact of factsOf(observation, meaning)) this.#facts.add(fact);
    const id = `${observation.uid}#${observation.n}`;
    const waiting = this.#inbox.get(id)?.observation;
    if (!waiting || comesFirst(observation, waiting)) this.#inbox.set(id, { observation, meaning });
  }

  /** Decides what is settled at `now`, as a live correlator would: events may be late, owners may be named late. */
  advance(now: Micros): Segment[] {
    const due = [...this.#inbox].filter(([, { observation }]) => observation.last.at + ownerMayTrail + lateness <= now);
    due.sort(([a, { observation: one }], [b, { observation: other }]) => one.last.at - other.last.at || (a < b ? -1 : 1));
    for (const [id, { observation, meaning }] of due) {
      this.#inbox.delete(id);
      this.#toDomain(this.#once(route(observation, meaning, this.#facts, this.#options.objects)));
    }
    const segments = this.#decide(now - ownerMayTrail);
    if (Number.isFinite(now)) this.#forget(now);
    return segments;
  }

  finish(): Segment[] {
    return this.advance(Number.POSITIVE_INFINITY);
  }

  /** Why the occurrences of one Event have the place that they have; needs `explains`. */
  explain(uid: string): Explanation[] {
    return [...this.#decided.values()].filter((one) => one.occurrence.startsWith(`${uid}#`));
  }

  /** One domain alone tells of an Event's first occurrence, however many domains its repeats belong to. */
  #once(routed: Routed): Routed {
    const { uid, n, last } = routed.observation;
    const first = this.#firsts.get(uid);
    if (!first) {
      this.#firsts.set(uid, { chain: routed.chain, owners: routed.owners, at: last.at });
      return routed;
    }
    return n === 1 ? { ...routed, chain: first.chain, owners: first.owners } : { ...routed, tellsFirst: false };
  }

  #toDomain(routed: Routed): void {
    const root = routed.chain.at(-1) ?? routed.observation.involved;
    const key = keyOf(root);
    const domain = this.#domains.get(key) ?? { context: emptyContext(), keep: emptyKeep, incoming: [] };
    domain.incoming.push(routed);
    this.#domains.set(key, domain);
  }

  #decide(now: Micros): Segment[] {
    const segments: Segment[] = [];
    for (const domain of this.#domains.values()) {
      const { incoming, keep, context } = domain;
      if (incoming.length + keep.placed.length + keep.waiting.length === 0) continue;
      const notes = this.#options.explains ? { notes: this.#notes } : {};
      const result = correlate({ observations: incoming, keep, objects: this.#options.objects, context, now, ...notes }, this.#config);
      domain.incoming = [];
      domain.keep = result.keep;
      domain.context = result.context;
      segments.push(...result.segments);
      if (this.#options.explains) this.#remember(result.decided);
    }
    return segments.sort((a, b) => startOf(a) - startOf(b) || (a.traceId < b.traceId ? -1 : 1));
  }

  /** What no Event can speak of any more. */
  #forget(now: Micros): void {
    this.#facts.forget(now - rememberFor);
    for (const [uid, { at }] of this.#firsts) if (at < now - rememberFor) this.#firsts.delete(uid);
    for (const [key, { keep, incoming, context }] of this.#domains) {
      const idle = incoming.length + keep.placed.length + keep.waiting.length === 0;
      if (idle && Object.values(context.highest).every((one) => one.at < now - rememberFor)) this.#domains.delete(key);
    }
  }

  #remember(decided: ReturnType<typeof correlate>['decided']): void {
    const what = new Map(decided.map((one) => [one.occurrence.id, whatOf(one.occurrence.routed.observation)]));
    for (const { occurrence, place } of decided) {
      const parent = place.on !== '' ? place.on : place.parent;
      this.#decided.set(occurrence.id, {
        occurrence: occurrence.id,
        what: whatOf(occurrence.routed.observation),
        change: place.change,
        changeWhat: what.get(place.change) ?? '',
        parent,
        parentWhat: what.get(parent) ?? 'the root of the change',
        rule: place.rule,
        evidence: place.evidence,
        considered: this.#notes.get(occurrence.id) ?? [],
      });
    }
  }
}

function whatOf({ involved, reason, message }: Observation): string {
  return `${involved.kind}/${involved.name} ${reason}: ${message}`;
}

function startOf(segment: Segment): Micros {
  return segment.spans[0]?.start ?? 0;
}
