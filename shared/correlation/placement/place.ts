/** Where one occurrence belongs: its change, its parent and why. The dispatcher; `place-object`, `place-action` and `pairs` do the work. */
import type { ObjectState } from '../context.ts';
import type { Occurrence } from '../occurrence.ts';
import { failing } from './child-status.ts';
import { type DomainPass, involvedOf } from './domain-pass.ts';
import { placeDigest } from './orphan-digest.ts';
import { placeEnd } from './phase-pairs.ts';
import { placeAction } from './place-action.ts';
import { placeFailure, placeLife, placeRestart, placeStop } from './place-object.ts';

export function placeOne(walk: DomainPass, one: Occurrence): void {
  const { meaning, chain, observation } = one.routed;
  if (meaning.class === 'noise' || observation.annotations['topLevelSpan'] === 'true') return placeAlone(walk, one);
  const object = walk.object(involvedOf(one), chain[1], one.at);
  if (meaning.class === 'state' || meaning.class === 'failure') {
    if (placeRepeat(walk, one, object)) return;
  }
  if (meaning.class === 'end' && placeEnd(walk, one, object)) return;
  if (meaning.verb === 'stop') return placeStop(walk, one, object);
  if (meaning.verb === 'restart') return placeRestart(walk, one, object);
  if (meaning.class === 'action' || meaning.begins !== '') return placeAction(walk, one, object);
  if (meaning.class === 'failure') return placeFailure(walk, one, object);
  placeLife(walk, one, object);
}

function placeAlone(walk: DomainPass, one: Occurrence): void {
  if (one.routed.meaning.class === 'noise') return placeDigest(walk, one, 'orphan.noise');
  walk.assign(one, { change: walk.begin(one, 'update', involvedOf(one)), rule: 'annotation.top-level', evidence: 'topLevelSpan' });
}

/** A repeat of a state or failure that the same open change already tells. */
function placeRepeat(walk: DomainPass, one: Occurrence, object: ObjectState): boolean {
  const series = object.series[`event/${one.routed.observation.uid}`];
  const change = walk.open(series?.change);
  if (!series || !change) return false;
  walk.assign(one, {
    change,
    on: series.occurrence,
    rule: 'series',
    evidence: `repeat ${one.n} of ${series.occurrence}`,
    counts: change.kind === 'incident',
  });
  if (one.routed.meaning.recurs) failing(walk, object, change, one.routed.observation.message);
  return true;
}
