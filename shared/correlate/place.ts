/** Where one occurrence belongs: its change, its parent and why. The dispatcher; `place-object` and `place-action` do the work. */
import type { ObjectRef } from '../cloudevent/observation.ts';
import type { ChangeState, ObjectState } from './context.ts';
import { hour } from './figures.ts';
import { keyOf, nameKeyOf, type Occurrence } from './occurrence.ts';
import { placeAction } from './place-action.ts';
import { placeFailure, placeLife, placeStop } from './place-object.ts';
import { involvedOf, type Walk } from './walk.ts';

export function placeOne(walk: Walk, one: Occurrence): void {
  const { meaning, chain, observation } = one.routed;
  if (meaning.class === 'noise' || observation.annotations['topLevelSpan'] === 'true') return placeAlone(walk, one);
  const object = walk.object(involvedOf(one), chain[1], one.at);
  if (meaning.class === 'state' || meaning.class === 'failure') {
    if (placeRepeat(walk, one, object)) return;
  }
  if (meaning.class === 'end' && placeEnd(walk, one, object)) return;
  if (meaning.verb === 'stop') return placeStop(walk, one, object);
  if (meaning.class === 'action' || meaning.always) return placeAction(walk, one, object);
  if (meaning.class === 'failure') return placeFailure(walk, one, object);
  placeLife(walk, one, object);
}

function placeAlone(walk: Walk, one: Occurrence): void {
  if (one.routed.meaning.class === 'noise') return placeDigest(walk, one, 'orphan.noise');
  walk.give(one, { change: walk.begin(one, 'update', involvedOf(one)), rule: 'annotation.top-level', evidence: 'topLevelSpan' });
}

/** Informational events without cause or effect: one digest per object and hour. */
export function placeDigest(walk: Walk, one: Occurrence, rule: string): void {
  const about: ObjectRef = involvedOf(one);
  const root = one.routed.chain.at(-1) ?? about;
  // An object whose owner was named late has been in two domains: each tells of it by itself.
  const of = keyOf(root) === keyOf(about) ? '' : `:${keyOf(root)}`;
  const id = `digest:${keyOf(about)}:${Math.floor(one.at / hour)}${of}`;
  const change = walk.open(id) ?? walk.begin(one, 'digest', about, { id });
  walk.give(one, { change, rule, evidence: 'no cause and no effect is known' });
}

/** A repeat of a state or failure that the same open change already tells. */
function placeRepeat(walk: Walk, one: Occurrence, object: ObjectState): boolean {
  const series = object.series[`event/${one.routed.observation.uid}`];
  const change = walk.open(series?.change);
  if (!series || !change) return false;
  walk.give(one, {
    change,
    on: series.occurrence,
    rule: 'series',
    evidence: `repeat ${one.n} of ${series.occurrence}`,
    counts: change.kind === 'incident',
  });
  return true;
}

/** Pairs whose end is the end of the whole change. */
export const closing: readonly string[] = ['rollout', 'sync', 'outage'];

export function pairKey(one: Occurrence): string {
  return `${one.routed.meaning.pair}|${one.routed.observation.container}`;
}

/** The end of a pair is told on the span that began it; a scheduling is a phase of its own. */
function placeEnd(walk: Walk, one: Occurrence, object: ObjectState): boolean {
  const { meaning, observation } = one.routed;
  if (meaning.pair === 'schedule') return false;
  if (meaning.pair === 'run') return placeRunEnd(walk, one, object);
  // A node that comes up for the first time ends its joining, one that comes back its outage: NodeReady says both.
  const key = meaning.rule === 'node.ready' && !object.open[pairKey(one)] ? `join|${observation.container}` : pairKey(one);
  const bond = object.open[key];
  const change = walk.open(bond?.change);
  if (!bond || !change) return false;
  delete object.open[key];
  walk.give(one, { change, on: bond.occurrence, rule: `pair.${meaning.pair}`, evidence: `end of ${bond.occurrence}` });
  if (meaning.pair === 'container') started(walk, one, object, change);
  if (meaning.fails) failing(walk, object, change, observation.message);
  if (closing.includes(meaning.pair)) {
    change.closed = true;
    if (meaning.fails) change.failed = observation.message;
  }
  return true;
}

/** A job's end closes the action that made the job, or, where no event tells of that, the root span of the run. */
function placeRunEnd(walk: Walk, one: Occurrence, object: ObjectState): boolean {
  const job = one.routed.meaning.subject ?? object.ref;
  for (const action of walk.actionsOn(nameKeyOf(job.kind, job.namespace, job.name), 0, one.at)) {
    if (action.routed.meaning.verb !== 'create') continue;
    const change = walk.open(walk.place(action)?.change);
    if (!change) continue;
    walk.give(one, { change, on: action.id, rule: 'pair.run', evidence: `end of ${action.id}` });
    closeRun(change, one);
    return true;
  }
  const run = walk.openChanges(['run']).find((change) => change.about.kind === 'Job' && change.about.name === job.name);
  if (!run) return false;
  walk.give(one, { change: run, on: 'root', rule: 'pair.run', evidence: `end of the run of job ${job.name}` });
  closeRun(run, one);
  return true;
}

function closeRun(change: ChangeState, one: Occurrence): void {
  const { meaning, observation } = one.routed;
  change.closed = true;
  if ((meaning.fails || meaning.groups['outcome'] === 'Failed') && change.failed === '') change.failed = observation.message;
}

function started(walk: Walk, one: Occurrence, object: ObjectState, change: ChangeState): void {
  object.troubled = false;
  if (one.routed.observation.fieldPath.startsWith('spec.initContainers')) return;
  object.up = true;
  const key = madeKey(object.ref);
  if (key in change.made) change.made[key] = 'up';
  else {
    const birth = walk.open(object.birth?.change);
    if (birth && key in birth.made) birth.made[key] = 'up';
  }
}

export function failing(walk: Walk, object: ObjectState, change: ChangeState, message: string, unready = false): void {
  if (!unready) object.troubled = true;
  if (change.trouble === '') change.trouble = message;
  const key = madeKey(object.ref);
  // A controller that can't make what it should: nothing goes on until it makes something.
  if (makers.includes(object.ref.kind)) change.made[key] = 'failing';
  const birth = key in change.made ? change : walk.open(object.birth?.change);
  if (birth && key in birth.made) birth.made[key] = unready && birth.made[key] !== 'failing' ? 'unready' : 'failing';
}

/** Kinds that make pods. */
const makers: readonly string[] = ['ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController'];

export function madeKey(ref: ObjectRef): string {
  return `${ref.kind}/${ref.name}`;
}
