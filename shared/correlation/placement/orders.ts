/** Orders to a workload shortly before it acted: a new size by an autoscaler, a creation or an edit by a tool or its owner. */
import type { ObjectRef } from '../../events/observation.ts';
import type { TrackedChange } from '../change.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { causeMayTrail, effectMayTrail, second } from '../settling-times.ts';
import type { DomainPass } from './domain-pass.ts';

const rescaleAnswered = 30 * second;

export interface Order {
  readonly change: TrackedChange;
  readonly occurrence: string;
}

/** The rescale that the workload answers; `size`: to that size. */
export function rescaleOf(pass: DomainPass, one: Occurrence, workload: ObjectRef, size?: number): Order | null {
  return firstPlaced(pass, rescales(pass, one, workload, size));
}

/** What `rescaleOf` looks at: it needs a place first. */
export function rescalesToPlace(pass: DomainPass, one: Occurrence, workload: ObjectRef, size?: number): Occurrence[] {
  return rescales(pass, one, workload, size).slice(0, 1);
}

function rescales(pass: DomainPass, one: Occurrence, workload: ObjectRef, size?: number): Occurrence[] {
  const found = pass.index.rescalesOf(workload, one.at - rescaleAnswered, one.at);
  return size === undefined
    ? found
    : found.filter(({ routed: { meaning } }) => toNumber(meaning.groups['size'] ?? meaning.groups['to']) === size);
}

/** What has made or changed the workload, or what owns it (a tool's apply, a Revision). */
export function orderOf(pass: DomainPass, one: Occurrence): Order | null {
  return firstPlaced(pass, orders(pass, one));
}

/** What `orderOf` looks at: it needs a place first. */
export function ordersToPlace(pass: DomainPass, one: Occurrence): Occurrence[] {
  return orders(pass, one).slice(0, 1);
}

function orders(pass: DomainPass, one: Occurrence): Occurrence[] {
  const owners = one.routed.chain.slice(0, one.routed.owners);
  return [...owners.flatMap((ref) => pass.index.ordersOf(ref, one.at - effectMayTrail, one.at)), ...unnamedOrders(pass, one)];
}

/**
 * What the object's owner says that it has made, without a name (`Created 1 jobs`), nearest first: before the object's first Event, or
 * just after it. A message that names a kind means that alone.
 */
export function unnamedOrders(pass: DomainPass, one: Occurrence): Occurrence[] {
  const [child, owner] = one.routed.chain.slice(0, one.routed.owners);
  if (!child || !owner) return [];
  const kind = child.kind.toLowerCase();
  const creations = pass.index
    .actionsBy(keyOf(owner), one.at - effectMayTrail, one.at + causeMayTrail)
    .filter(({ routed: { meaning } }) => {
      const word = meaning.groups['kind']?.toLowerCase().replace(/s$/, '') ?? kind;
      return meaning.verb === 'create' && meaning.subject === null && word === kind;
    });
  return creations.sort((a, b) => Math.abs(a.at - one.at) - Math.abs(b.at - one.at));
}

function firstPlaced(pass: DomainPass, actions: readonly Occurrence[]): Order | null {
  for (const action of actions) {
    const change = pass.trackedChangeOf(action);
    if (change) return { change, occurrence: action.id };
  }
  return null;
}

/** A count of replicas in a message. */
export function toNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
