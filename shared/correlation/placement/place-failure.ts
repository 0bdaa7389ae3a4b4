/**
 * Trouble: part of the object's change while that is open, then of an incident. Trouble may also be the first sign of an object, and restarts
 * answer it.
 */
import { type IncidentChange, isTracked } from '../change.ts';
import type { ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { day, incidentsPerDay, minute } from '../settling-times.ts';
import { childKey, podControllers, setFailing } from './children.ts';
import { type Origin, originOf, originsToPlace } from './creation.ts';
import { type DomainPass, linkTo, type Placer } from './domain-pass.ts';
import { deletingChange } from './place-deletion.ts';
import { placeDigest } from './place-digest.ts';

export const failurePlacer: Placer = {
  causes: (pass, one, object) => (deletingChange(pass, one, object) ? [] : originsToPlace(pass, one, object)),
  place: placeFailure,
};

function placeFailure(pass: DomainPass, one: Occurrence, object: ObjectState): void {
  if (placeTerminating(pass, one, object)) return;
  const { observation, meaning } = one.routed;
  if (meaning.probe && isStopped(one, object)) return placeDigest(pass, one, 'object.stopped', { terminating: true });
  const origin =
    originOf(pass, one, object) ?? firstAttempt(pass, one, object) ?? firstTrouble(pass, one, object) ?? incidentOf(pass, one, object);
  const { change } = origin;
  pass.assign(one, origin);
  pass.remember(one, object, change);
  if (meaning.probe) object.unhealthy = linkTo(one, change, 'self');
  setFailing(pass, object, change, meaning);
  if (meaning.fails) change.failed = observation.message;
  // The object fails at what it has announced: nothing more is to come.
  if (meaning.fails && isTracked(change) && change.end === 'expected' && keyOf(change.root) === keyOf(object.ref)) change.end = 'reached';
}

/** Events of an object that is being deleted belong to its deletion. */
export function placeTerminating(pass: DomainPass, one: Occurrence, object: ObjectState): boolean {
  const change = deletingChange(pass, one, object);
  if (!change || !object.deletion) return false;
  const { occurrence } = object.deletion;
  pass.assign(one, { change, parent: occurrence, rule: 'object.stopping', evidence: occurrence, terminating: true });
  pass.remember(one, object, change);
  return true;
}

/** It was ended, whenever that was, and nothing of it has begun since: its probes fail for that. */
function isStopped(one: Occurrence, { deletion, creation, firstSign }: ObjectState): boolean {
  if (!deletion || one.at < deletion.at) return false;
  return (creation?.at ?? 0) <= deletion.at && (firstSign?.at ?? 0) <= deletion.at;
}

/** A container is stopped to be started again, mostly by a probe. */
export const restartPlacer: Placer = {
  causes: (pass, one, object) => (pass.change(object.unhealthy?.change) ? [] : originsToPlace(pass, one, object)),
  place: (pass, one, object) => {
    const { unhealthy } = object;
    const change = pass.change(unhealthy?.change);
    if (!unhealthy || !change) return pass.assign(one, originOf(pass, one, object) ?? incidentOf(pass, one, object));
    const { occurrence } = unhealthy;
    const counts = change.kind === 'incident' || one.n === 1;
    pass.assign(one, { change, parent: occurrence, rule: 'probe.restart', evidence: occurrence, counts });
  },
};

/** A controller whose very first Event is that it can't make what it should: it is being created. */
function firstAttempt(pass: DomainPass, one: Occurrence, object: ObjectState): Origin | null {
  const { ref, firstSeen } = object;
  const { meaning, chain } = one.routed;
  if (meaning.verb === 'create' && ref.kind === 'Job') return firstRun(pass, one, object);
  if (meaning.verb !== 'create' || !podControllers.includes(ref.kind) || chain.length > 1) return null;
  const open = pass.latestChange(['create', 'rollout', 'scale', 'heal']);
  if (open) return { change: open, parent: '', rule: 'controller.sequence', evidence: open.id };
  const created = pass.objects.latest(ref.uid)?.createdAt ?? null;
  if (created === null ? firstSeen < one.at : one.at - created > minute) return null;
  return { change: pass.begin(one, 'create'), parent: '', rule: 'object.first-sign', evidence: one.id };
}

/** A Job that can't make its first pod is run all the same. */
function firstRun(pass: DomainPass, one: Occurrence, object: ObjectState): Origin | null {
  if (object.creation) return null;
  const change = pass.begin(one, 'run', { about: object.ref, end: 'expected' });
  object.creation = { occurrence: '', change: change.id, at: one.at, by: 'self' };
  return { change, parent: '', rule: 'job.run', evidence: `job ${object.ref.name}` };
}

/** Trouble may be the first sign of life of an object that nothing announced: a pod that finds no room. */
function firstTrouble(pass: DomainPass, one: Occurrence, object: ObjectState): Origin | null {
  const { ref, creation, firstSign } = object;
  if (ref.kind === 'Node' || !one.routed.meaning.firstSign || creation || firstSign || one.routed.chain.length > 1) return null;
  const change = pass.begin(one, 'create');
  object.creation = { occurrence: '', change: change.id, at: one.at, by: 'self' };
  change.made[childKey(ref)] = 'waiting';
  return { change, parent: '', rule: 'object.first-sign', evidence: one.id };
}

export interface IncidentOrigin extends Omit<Origin, 'change'> {
  readonly change: IncidentChange;
}

/** The object's open incident, or a new one. */
export function incidentOf(pass: DomainPass, one: Occurrence, object: ObjectState): IncidentOrigin {
  const open = openIncident(pass, object);
  if (open) return open;
  const today = Math.floor(one.at / day);
  object.incidentCount = today === object.incidentDay ? object.incidentCount + 1 : 1;
  object.incidentDay = today;
  const openUntil = object.incidentCount < incidentsPerDay ? 0 : (today + 1) * day;
  const before = object.incident;
  const continues =
    before === '' ? (object.creation ?? object.firstSign) : { occurrence: before, change: before, at: one.at, by: 'self' as const };
  const change = pass.beginIncident(one, { about: object.ref, openUntil, continues });
  object.incident = change.id;
  return { change, parent: '', rule: 'incident', evidence: `${one.id}: trouble after the change had settled` };
}

export function openIncident(pass: DomainPass, { incident }: ObjectState): IncidentOrigin | null {
  const change = pass.change(incident);
  return change?.kind === 'incident' ? { change, parent: '', rule: 'incident', evidence: incident } : null;
}
