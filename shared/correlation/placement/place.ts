/** Places occurrences: which kind of placement applies, and in which order. */
import type { ObjectState } from '../context.ts';
import type { Occurrence } from '../occurrence.ts';
import { forgetChild } from './children.ts';
import type { DomainPass, Placer } from './domain-pass.ts';
import { involvedOf } from './occurrence-index.ts';
import { actionPlacer } from './place-action.ts';
import { stopPlacer } from './place-deletion.ts';
import { failurePlacer, restartPlacer } from './place-failure.ts';
import { runEndPlacer } from './place-run.ts';
import { isRepeat, lifePlacer, noisePlacer, openPair, pairEndPlacer, repeatPlacer } from './place-state.ts';

/**
 * Places an occurrence, and before it what it may depend on and has no place yet, since it was recorded after it. Such causes may have
 * causes of their own. Each is looked at once, so that a circle ends where it closes.
 */
export function place(pass: DomainPass, first: Occurrence): void {
  const stack = [first];
  pass.placing.add(first.id);
  for (let one = stack.at(-1); one; one = stack.at(-1)) {
    if (isAlone(one)) placeAlone(pass, one);
    else {
      const object = pass.object(involvedOf(one), one.routed.chain[1], one.at);
      const placer = placerOf(pass, one, object);
      const cause = placer.causes?.(pass, one, object).find((other) => pass.isPlaceable(other));
      if (cause) {
        pass.placing.add(cause.id);
        stack.push(cause);
        continue;
      }
      // Whoever makes something is at work after all.
      if (isAction(one) && one.routed.meaning.verb === 'create') forgetChild(pass, object.ref);
      placer.place(pass, one, object);
    }
    stack.pop();
  }
  pass.placing.clear();
}

/** An annotation requests a trace of its own. */
function isAlone({ routed: { meaning, observation } }: Occurrence): boolean {
  return meaning.class !== 'noise' && observation.annotations['topLevelSpan'] === 'true';
}

function placeAlone(pass: DomainPass, one: Occurrence): void {
  const change = pass.begin(one, 'update', { about: involvedOf(one) });
  pass.assign(one, { change, rule: 'annotation.top-level', evidence: 'topLevelSpan' });
}

function placerOf(pass: DomainPass, one: Occurrence, object: ObjectState): Placer {
  const { meaning } = one.routed;
  if (meaning.class === 'noise') return noisePlacer;
  if (isRepeat(pass, one, object)) return repeatPlacer;
  if (meaning.class === 'end' && meaning.phase === 'run') return runEndPlacer(placerByMeaning(one, object));
  if (meaning.class === 'end' && meaning.phase !== 'schedule' && openPair(pass, one, object)) return pairEndPlacer;
  return placerByMeaning(one, object);
}

function isAction({ routed: { meaning } }: Occurrence): boolean {
  return meaning.class === 'action' || meaning.begins !== '';
}

function placerByMeaning(one: Occurrence, object: ObjectState): Placer {
  const { meaning } = one.routed;
  if (meaning.verb === 'stop') return stopPlacer;
  if (meaning.verb === 'restart') return restartPlacer;
  if (isAction(one)) return actionPlacer(one, object);
  return meaning.class === 'failure' ? failurePlacer : lifePlacer;
}
