/**
 * The correlator without a store: takes observations in any order, routes each to its domain, decides settled changes. `push`
 * observations, `advance` to get what has settled by a time, `finish` to get the rest.
 */

import { type CorrelateConfig, defaultConfig } from '../correlation/config.ts';
import type { CorrelateResult } from '../correlation/correlate.ts';
import { comesFirst, type Routed } from '../correlation/occurrence.ts';
import type { Candidate } from '../correlation/placement/domain-pass.ts';
import { factsOf } from '../correlation/routing/event-facts.ts';
import { MemoryFacts } from '../correlation/routing/memory-facts.ts';
import { route } from '../correlation/routing/route.ts';
import { type CompiledRules, meaningOf } from '../correlation/rules/match.ts';
import type { Meaning } from '../correlation/rules/rule.ts';
import { minute, rememberFor } from '../correlation/settling-times.ts';
import { type DomainState, decidableBy, decideDomain, domainOf, emptyDomain, routableAt, toldOnce } from '../correlation/steps.ts';
import type { Micros, Observation } from '../events/observation.ts';
import type { Objects } from '../kubernetes/object-index.ts';
import type { Segment } from '../spans/span.ts';

export interface PipelineOptions extends Partial<CorrelateConfig> {
  readonly rules: CompiledRules;
  readonly objects: Objects;
  /** Record why each parent was chosen and which candidates lost. */
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

type Route = Pick<Routed, 'chain' | 'owners'>;

interface Domain {
  state: DomainState;
  incoming: Routed[];
  /** Time of its next decision. */
  due: Micros;
  /** Time of its newest Event. */
  last: Micros;
}

interface Waiting {
  readonly id: string;
  readonly observation: Observation;
  readonly meaning: Meaning;
}

/** Old state is dropped at this interval of event time. */
const forgetStep = 10 * minute;

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #config: CorrelateConfig;
  readonly #facts = new MemoryFacts();
  readonly #inbox = new Map<string, Waiting>();
  readonly #domains = new Map<string, Domain>();
  /** Domains with undecided observations. */
  readonly #open = new Set<Domain>();
  /** By Event: its first routed occurrence. */
  readonly #firsts = new Map<string, { readonly n: number; readonly route: Route; readonly at: Micros }>();
  readonly #notes = new Map<string, Candidate[]>();
  readonly #decided = new Map<string, Explanation>();
  #forgotten: Micros = Number.NEGATIVE_INFINITY;

  constructor(options: PipelineOptions) {
    this.#options = options;
    const { cluster, rootService, budget, orphans } = { ...defaultConfig, ...options };
    this.#config = { cluster, rootService, budget, orphans };
  }

  get pending(): number {
    let kept = 0;
    for (const { state, incoming } of this.#open) kept += state.keep.placed.length + state.keep.waiting.length + incoming.length;
    return kept + this.#inbox.size;
  }

  push(observation: Observation): void {
    const meaning = meaningOf(this.#options.rules, observation);
    for (const fact of factsOf(observation, meaning)) this.#facts.add(fact);
    const id = `${observation.uid}#${observation.n}`;
    const waiting = this.#inbox.get(id)?.observation;
    if (!waiting || comesFirst(observation, waiting)) this.#inbox.set(id, { id, observation, meaning });
  }

  /** Decides what has settled at `now`, allowing for late Events and late owners as a live correlator does. */
  advance(now: Micros): Segment[] {
    const due: Waiting[] = [];
    for (const waiting of this.#inbox.values()) if (routableAt(waiting.observation.last.at) <= now) due.push(waiting);
    due.sort((a, b) => a.observation.last.at - b.observation.last.at || (a.id < b.id ? -1 : 1));
    for (const waiting of due) {
      this.#inbox.delete(waiting.id);
      this.#route(waiting);
    }
    const segments = this.#decide(now);
    if (Number.isFinite(now) && now >= this.#forgotten + forgetStep) this.#forget(now);
    return segments;
  }

  finish(): Segment[] {
    return this.advance(Number.POSITIVE_INFINITY);
  }

  /** The reasons for the places of an Event's occurrences; needs `explains`. */
  explain(uid: string): Explanation[] {
    return [...this.#decided.values()].filter((one) => one.occurrence.startsWith(`${uid}#`));
  }

  #route({ observation, meaning }: Waiting): void {
    const { uid, n, last } = observation;
    const { chain, owners } = route(observation, meaning, this.#facts, this.#options.objects);
    const own: Route = { chain, owners };
    const first = this.#firsts.get(uid) ?? { n, route: own, at: last.at };
    if (first.route === own) this.#firsts.set(uid, first);
    const told = toldOnce(n, own, first);
    const key = domainOf(told.route.chain);
    let domain = this.#domains.get(key);
    if (!domain) {
      domain = { state: emptyDomain, incoming: [], due: Number.POSITIVE_INFINITY, last: last.at };
      this.#domains.set(key, domain);
    }
    domain.incoming.push({ observation, meaning, chain: told.route.chain, owners: told.route.owners, tellsFirst: told.tellsFirst });
    domain.due = Math.min(domain.due, decidableBy(observation));
    domain.last = Math.max(domain.last, last.at);
    this.#open.add(domain);
  }

  #decide(now: Micros): Segment[] {
    const { objects, explains } = this.#options;
    const notes = explains ? { notes: this.#notes } : {};
    const all: Segment[] = [];
    for (const domain of this.#open) {
      if (domain.due > now) continue;
      const { segments, decided, after, due } = decideDomain(
        domain.state,
        { observations: domain.incoming, objects, now, ...notes },
        this.#config,
      );
      domain.incoming = [];
      domain.state = after;
      domain.due = due ?? Number.POSITIVE_INFINITY;
      if (due === null) this.#open.delete(domain);
      for (const segment of segments) all.push(segment);
      if (explains) this.#remember(decided);
    }
    return all.sort((a, b) => startOf(a) - startOf(b) || (a.traceId < b.traceId ? -1 : 1));
  }

  /** Drops state that no further Event can refer to. */
  #forget(now: Micros): void {
    const before = now - rememberFor;
    this.#forgotten = now;
    this.#facts.forget(before);
    for (const [uid, { at }] of this.#firsts) if (at < before) this.#firsts.delete(uid);
    for (const [key, domain] of this.#domains) if (domain.last < before && !this.#open.has(domain)) this.#domains.delete(key);
  }

  #remember(decided: CorrelateResult['decided']): void {
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
