/** Where Events without cause or effect go. */
import type { ObjectRef } from '../../events/observation.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { hour } from '../settling-times.ts';
import type { Assignment, DomainPass } from './domain-pass.ts';
import { involvedOf } from './occurrence-index.ts';

/** Informational Events without cause or effect: one digest per object and hour. */
export function placeDigest(pass: DomainPass, one: Occurrence, rule: string, given: Partial<Assignment> = {}): void {
  const about: ObjectRef = involvedOf(one);
  const root = one.routed.chain.at(-1) ?? about;
  // An object whose owner was named late has been in two domains: each has a digest of its own.
  const of = keyOf(root) === keyOf(about) ? '' : `:${keyOf(root)}`;
  const id = `digest:${keyOf(about)}:${Math.floor(one.at / hour)}${of}`;
  const change = pass.change(id) ?? pass.beginDigest(one, id, about);
  pass.assign(one, { change, rule, evidence: 'no cause and no effect is known', ...given });
}
