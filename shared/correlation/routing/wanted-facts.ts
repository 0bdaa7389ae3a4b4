/**
 * The facts that routing an observation will need, as far as the observation itself shows, so that they can be loaded together. Too many cost
 * little; missing ones are loaded afterwards.
 */
import type { ObjectRef, Observation } from '../../events/observation.ts';
import { keyOf, nameKeyOf } from '../occurrence.ts';
import { claimWindow } from '../placement/cross-domain-cause.ts';
import type { Meaning } from '../rules/rule.ts';
import { type FactIndex, stopSlots } from './event-facts.ts';
import { likelyOwner, type NamedOwner } from './owner-names.ts';

/** Pod, ReplicaSet, Deployment, what owns that: no generated name tells more. */
const generationsMost = 4;

export type Want = (index: FactIndex, key: string) => void;

export interface WantedOptions {
  /** Whether anything in the cluster is known to cause what happens in other domains (a drain, a preemption). */
  readonly claims: boolean;
  /** Whether the cluster's objects are known, so that they may be found by name. */
  readonly objects: boolean;
}

export function wantFacts(observation: Observation, meaning: Meaning, options: WantedOptions, want: Want): void {
  const { involved, related } = observation;
  const { subject, home, groups, verb } = meaning;
  wantChain(involved, options, want);
  if (verb === 'rescale' && subject) wantChain({ apiVersion: '', ...subject }, options, want);
  const size = groups['size'] ?? groups['to'];
  if (verb === 'rescale' && !subject && size !== undefined) want('rescaled', `${involved.namespace}/${size}`);
  want('claims', '');
  if (home === 'node') {
    if (groups['node']) want('life', nameKeyOf('Node', '', groups['node']));
    else want('node', keyOf(involved));
  } else if (home === 'related' && related) wantChain(related, options, want);
  if (options.claims) wantClaims(observation, meaning, want);
}

function wantChain({ kind, namespace, name, uid }: ObjectRef, { objects }: WantedOptions, want: Want): void {
  if (uid === '') want('life', nameKeyOf(kind, namespace, name));
  let ref: NamedOwner | undefined = { kind, name };
  for (let generation = 0; ref && generation < generationsMost; generation += 1) {
    const key = nameKeyOf(ref.kind, namespace, ref.name);
    want('owner', key);
    if (objects && generation > 0) want('object', key);
    ref = likelyOwner(ref.kind, ref.name);
  }
}

function wantClaims({ involved, last }: Observation, { verb, subject }: Meaning, want: Want): void {
  const name = nameKeyOf(involved.kind, involved.namespace, involved.name);
  if (verb === 'create' && subject?.kind === 'Pod') {
    want('scaled', name);
    want('made', keyOf(involved));
    const { from, to } = claimWindow(last.at);
    for (const slot of stopSlots(involved.namespace, from, to)) want('stops-in', slot);
  } else if (involved.kind === 'Pod') for (const index of ['stop', 'maker', 'preempted', 'deleted'] as const) want(index, name);
}
