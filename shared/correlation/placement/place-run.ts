/**
 * Runs: each Job of a CronJob is a change, and so is each resumption of a Job and each suspension. The end of the object that was run ends its
 * change.
 */
import { endChange, type TrackedChange } from '../change.ts';
import type { ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { childKey, forgetChild } from './children.ts';
import { originOf, originsToPlace } from './creation.ts';
import type { DomainPass, Placer } from './domain-pass.ts';

/** A CronJob: each of its jobs is a run; the deletion of old jobs belongs to the preceding run. */
export const cronJobPlacer: Placer = {
  place: (pass, one) => {
    const { verb, subject } = one.routed.meaning;
    if (verb === 'create' && subject) {
      const change = pass.begin(one, 'run', { about: { apiVersion: 'batch/v1', ...subject }, end: 'expected' });
      return pass.assign(one, { change, rule: 'cronjob.run', evidence: `job ${subject.name}` });
    }
    const change = pass.latestChange(['run', 'cleanup']) ?? pass.begin(one, 'cleanup');
    pass.assign(one, { change, rule: 'cronjob.cleanup', evidence: change.id, confidence: 'time', counts: false });
  },
};

/** A Job creates or deletes a pod. */
export const jobPlacer: Placer = {
  causes: (pass, one, object) => [...suspensionToPlace(pass, one, object), ...originsToPlace(pass, one, object)],
  place: (pass, one, object) => {
    const { verb, subject } = one.routed.meaning;
    const origin = originOf(pass, one, object);
    if (origin) {
      pass.assign(one, origin);
      if (origin.change.end === 'none') origin.change.made[childKey(object.ref)] ??= 'waiting';
    } else {
      const change = runOf(pass, object) ?? pass.begin(one, 'run', { about: object.ref, end: 'expected', continues: object.creation });
      pass.assign(one, { change, rule: 'job.run', evidence: `job ${object.ref.name}` });
      object.creation = { occurrence: '', change: change.id, at: change.start, by: 'self' };
    }
    if (verb === 'delete' && subject) forgetChild(pass, { kind: 'Pod', name: subject.name });
  },
};

function runOf(pass: DomainPass, { ref }: ObjectState): TrackedChange | undefined {
  return pass.openChanges(['run']).findLast((change) => keyOf(change.about) === keyOf(ref));
}

/** The controller makes and deletes pods before it says why: what it says up to a second later comes first. */
function suspensionToPlace(pass: DomainPass, one: Occurrence, { ref }: ObjectState): Occurrence[] {
  const wanted = one.routed.meaning.verb === 'delete' ? 'suspend' : 'resume';
  const reported = pass.index.suspensionsOf(keyOf(ref), one.at);
  const past = reported.find((other) => other.at <= one.at);
  if (past?.routed.meaning.verb === wanted) return [past];
  const next = reported.findLast((other) => other.at > one.at);
  return next?.routed.meaning.verb === wanted ? [next] : [];
}

/** A suspension ends the run that is under way; a resumption begins another. A job that something else runs stays with that. */
export const suspensionPlacer: Placer = {
  causes: (pass, one, object) => (object.creation?.by === 'self' ? [] : originsToPlace(pass, one, object)),
  place: (pass, one, object) => {
    const origin = object.creation?.by === 'self' ? null : originOf(pass, one, object);
    if (origin) return pass.assign(one, origin);
    for (const run of pass.openChanges(['run', 'suspend'])) if (keyOf(run.about) === keyOf(object.ref)) run.superseded = true;
    const resumes = one.routed.meaning.verb === 'resume';
    const given = { about: object.ref, end: resumes ? 'expected' : 'reached', continues: object.creation } as const;
    const change = pass.begin(one, resumes ? 'run' : 'suspend', given);
    pass.assign(one, { change, rule: resumes ? 'job.resume' : 'job.suspend', evidence: one.id });
    object.creation = { occurrence: '', change: change.id, at: one.at, by: 'self' };
  },
};

/** The end of a run closes the action that made what was run, or, where no Event tells of that, the root span of the run. */
export function runEndPlacer(otherwise: Placer): Placer {
  return {
    causes: (pass, one, object) => {
      const [creation] = creationsOfRun(pass, one, object);
      return creation ? [creation] : (otherwise.causes?.(pass, one, object) ?? []);
    },
    place: (pass, one, object) => {
      const ref = one.routed.meaning.subject ?? object.ref;
      for (const action of creationsOfRun(pass, one, object)) {
        const change = pass.trackedChangeOf(action);
        if (!change) continue;
        pass.assign(one, { change, on: action.id, rule: 'pair.run', evidence: `end of ${action.id}` });
        return endRun(change, one);
      }
      const run = pass.openChanges(['run']).findLast(({ about }) => about.kind === ref.kind && about.name === ref.name);
      if (!run) return otherwise.place(pass, one, object);
      pass.assign(one, { change: run, on: 'root', rule: 'pair.run', evidence: `end of the run of job ${ref.name}` });
      endRun(run, one);
    },
  };
}

function creationsOfRun(pass: DomainPass, one: Occurrence, object: ObjectState): Occurrence[] {
  const ref = one.routed.meaning.subject ?? object.ref;
  return pass.index.actionsOn(ref, 0, one.at).filter((action) => action.routed.meaning.verb === 'create');
}

function endRun(change: TrackedChange, one: Occurrence): void {
  const { meaning, observation } = one.routed;
  const hasFailed = meaning.fails || meaning.groups['outcome'] === 'Failed';
  endChange(change, hasFailed && change.failed === '' ? observation.message : '');
}
