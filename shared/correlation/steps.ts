/**
 * The steps from an Event to its trace, shared by all drivers: the correlator with its store, the command line in memory. An Event waits until
 * it is routable, is routed to its domain, and waits there until the domain is due.
 */
import type { Micros, ObjectRef, Observation } from '../events/observation.ts';
import { settlesAt } from './change.ts';
import type { CorrelateConfig } from './config.ts';
import { type Context, emptyContext, emptyKeep, type PendingState } from './context.ts';
import { type CorrelateInput, type CorrelateResult, correlate, decidableAt } from './correlate.ts';
import { keyOf } from './occurrence.ts';
import { lateness, ownerMayTrail, quietAfterEnd } from './settling-times.ts';

/** When an Event of that time may be routed: its owner has been named by then. */
export function routableAt(at: Micros): Micros {
  return at + ownerMayTrail + lateness;
}

/**
 * Which of the occurrences of an Event tells of its first one, should that never have been told by itself: one domain alone does, however
 * many domains its repeats belong to. `first` is what was routed first; occurrence 1 goes to the same domain.
 */
export function toldOnce<Route>(
  n: number,
  route: Route,
  first: { readonly n: number; readonly route: Route },
): { readonly route: Route; readonly tellsFirst: boolean } {
  if (n === first.n) return { route, tellsFirst: true };
  return n === 1 ? { route: first.route, tellsFirst: true } : { route, tellsFirst: false };
}

/** The key of the root of a chain, which is never empty. */
export function domainOf(chain: readonly ObjectRef[]): string {
  const root = chain.at(-1);
  return root ? keyOf(root) : '';
}

/** When this observation makes its domain due. */
export function decidableBy({ last }: Observation): Micros {
  return decidableAt(last.at + quietAfterEnd);
}

export interface DomainState {
  readonly context: Context;
  readonly keep: PendingState;
}

export const emptyDomain: DomainState = { context: emptyContext(), keep: emptyKeep };

export interface Decided extends Pick<CorrelateResult, 'segments' | 'decided'> {
  readonly after: DomainState;
  /** Next due time; null: nothing is open. */
  readonly due: Micros | null;
}

/** Decides what has settled at `now`, the time of a live correlator; infinity: everything. */
export function decideDomain(
  { context, keep }: DomainState,
  { now, ...input }: Omit<CorrelateInput, 'context' | 'keep'>,
  config: CorrelateConfig,
): Decided {
  const { segments, decided, ...after } = correlate({ ...input, context, keep, now: now - ownerMayTrail }, config);
  return { segments, decided, after, due: dueOf(after) };
}

function dueOf({ context, keep }: DomainState): Micros | null {
  let due = Number.POSITIVE_INFINITY;
  for (const change of Object.values(context.changes)) due = Math.min(due, decidableAt(settlesAt(change)));
  for (const { observation } of keep.waiting) due = Math.min(due, decidableBy(observation));
  return Number.isFinite(due) ? due : null;
}
