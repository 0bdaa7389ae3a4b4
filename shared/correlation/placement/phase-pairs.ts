/** Pairs of Events, such as pulling and pulled: the second ends what the first began. */
import type { ChangeState, ObjectState } from '../context.ts';
import { nameKeyOf, type Occurrence } from '../occurrence.ts';
import { failing, started } from './child-status.ts';
import type { DomainPass } from './domain-pass.ts';

/** By which a start is found again: its pair, on its object and container. */
export function pairKey(one: Occurrence, pair: string): string {
  return `${pair}|${one.routed.observation.container}`;
}

/** The end of a pair is told on the span that began it; a scheduling is a phase of its own. */
export function placeEnd(walk: DomainPass, one: Occurrence, object: ObjectState): boolean {
  const { meaning, observation } = one.routed;
  if (meaning.phase === 'schedule') return false;
  if (meaning.phase === 'run') return placeRunEnd(walk, one, object);
  const keys = meaning.pairs.map((pair) => pairKey(one, pair));
  const key = keys.find((one) => object.open[one]) ?? '';
  const bond = object.open[key];
  const change = walk.open(bond?.change);
  if (!bond || !change) return false;
  delete object.open[key];
  walk.assign(one, { change, on: bond.occurrence, rule: `pair.${meaning.pairs[0]}`, evidence: `end of ${bond.occurrence}` });
  if (meaning.phase === 'container') started(walk, one, object, change);
  if (meaning.fails) failing(walk, object, change, observation.message);
  if (meaning.ends) {
    change.closed = true;
    if (meaning.fails) change.failed = observation.message;
  }
  return true;
}

/** A job's end closes the action that made the job, or, where no event tells of that, the root span of the run. */
function placeRunEnd(walk: DomainPass, one: Occurrence, object: ObjectState): boolean {
  const job = one.routed.meaning.subject ?? object.ref;
  for (const action of walk.actionsOn(nameKeyOf(job.kind, job.namespace, job.name), 0, one.at)) {
    if (action.routed.meaning.verb !== 'create') continue;
    const change = walk.open(walk.place(action)?.change);
    if (!change) continue;
    walk.assign(one, { change, on: action.id, rule: 'pair.run', evidence: `end of ${action.id}` });
    closeRun(change, one);
    return true;
  }
  const run = walk.openChanges(['run']).findLast((change) => change.about.kind === 'Job' && change.about.name === job.name);
  if (!run) return false;
  walk.assign(one, { change: run, on: 'root', rule: 'pair.run', evidence: `end of the run of job ${job.name}` });
  closeRun(run, one);
  return true;
}

function closeRun(change: ChangeState, one: Occurrence): void {
  const { meaning, observation } = one.routed;
  change.closed = true;
  if ((meaning.fails || meaning.groups['outcome'] === 'Failed') && change.failed === '') change.failed = observation.message;
}
