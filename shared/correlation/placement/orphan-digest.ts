/** Events of which nothing came and that came of nothing: told together. */
import type { ObjectRef } from '../../events/observation.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { hour } from '../settling-times.ts';
import { type DomainPass, involvedOf } from './domain-pass.ts';

/** Informational events without cause or effect: one digest per object and hour. */
export function placeDigest(walk: DomainPass, one: Occurrence, rule: string): void {
  const about: ObjectRef = involvedOf(one);
  const root = one.routed.chain.at(-1) ?? about;
  // An object whose owner was named late has been in two domains: each tells of it by itself.
  const of = keyOf(root) === keyOf(about) ? '' : `:${keyOf(root)}`;
  const id = `digest:${keyOf(about)}:${Math.floor(one.at / hour)}${of}`;
  const change = walk.open(id) ?? walk.begin(one, 'digest', about, { id });
  walk.assign(one, { change, rule, evidence: 'no cause and no effect is known' });
}
