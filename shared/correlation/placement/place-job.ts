/** A Job's pods, and what stops and resumes it: each time that it is let run is a change, and so is each suspension. */
import type { ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import type { DomainPass } from './domain-pass.ts';
import { forgetNamed, originOf } from './place-object.ts';

export function placeJob(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const { meaning } = one.routed;
  answerSuspension(walk, one, object);
  const origin = originOf(walk, one, object);
  const run = origin?.change ?? walk.openChanges(['run']).findLast((change) => keyOf(change.about) === keyOf(object.ref));
  const change = run ?? walk.begin(one, 'run', object.ref, { expectsEnd: true, continues: object.birth });
  walk.assign(one, origin ?? { change, rule: 'job.run', evidence: `job ${object.ref.name}` });
  if (!origin) object.birth = { occurrence: '', change: change.id, at: change.start, by: 'self' };
  if (meaning.verb === 'delete' && meaning.subject) forgetNamed(walk, 'Pod', meaning.subject.name);
}

/** The controller makes and deletes pods before it says why: what it says up to a second later comes first. */
function answerSuspension(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const wanted = one.routed.meaning.verb === 'delete' ? 'suspend' : 'resume';
  const told = walk.suspensionsOf(keyOf(object.ref), one.at);
  const past = told.find((other) => other.at <= one.at);
  if (past?.routed.meaning.verb === wanted) return;
  const next = told.findLast((other) => other.at > one.at);
  if (next?.routed.meaning.verb === wanted) walk.place(next);
}

/** A suspension ends the run that is under way; a resumption begins another. A job that something else runs stays with that. */
export function placeSuspension(walk: DomainPass, one: Occurrence, object: ObjectState): void {
  const origin = object.birth?.by === 'self' ? null : originOf(walk, one, object);
  if (origin) return walk.assign(one, origin);
  for (const run of walk.openChanges(['run', 'suspend'])) if (keyOf(run.about) === keyOf(object.ref)) run.superseded = true;
  const resumed = one.routed.meaning.verb === 'resume';
  const continues = object.birth;
  const change = resumed
    ? walk.begin(one, 'run', object.ref, { expectsEnd: true, continues })
    : walk.begin(one, 'suspend', object.ref, { closed: true, continues });
  walk.assign(one, { change, rule: resumed ? 'job.resume' : 'job.suspend', evidence: one.id });
  object.birth = { occurrence: '', change: change.id, at: one.at, by: 'self' };
}
