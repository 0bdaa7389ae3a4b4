/**
 * Actions of controllers on other objects. The parent of an action is what created or drove its actor; without one, the root object's sequence
 * of actions determines the change.
 */
import type { ObjectRef } from '../../events/observation.ts';
import { endChange, type TrackedChange, type TrackedKind } from '../change.ts';
import type { ObjectState } from '../context.ts';
import { type Occurrence, revisionOf } from '../occurrence.ts';
import type { Verb } from '../rules/rule.ts';
import { beginsAgainAfter } from '../settling-times.ts';
import { awaitReady, podControllers } from './children.ts';
import { originOf, originsToPlace } from './creation.ts';
import { type DomainPass, linkTo, type Placer } from './domain-pass.ts';
import { controllerPlacer } from './place-controller.ts';
import { evictionPlacer } from './place-deletion.ts';
import { replicaSetPlacer } from './place-replicas.ts';
import { cronJobPlacer, jobPlacer, suspensionPlacer } from './place-run.ts';
import { scalingPlacer } from './place-scaling.ts';
import { changeOfRevision } from './revision.ts';
import { isScaling } from './scaling-slots.ts';

export function actionPlacer(one: Occurrence, { ref: { kind } }: ObjectState): Placer {
  const { meaning, owners } = one.routed;
  const { verb, subject } = meaning;
  if (isScaling(one) && (kind === 'Deployment' || subject?.kind === 'ReplicaSet')) return scalingPlacer;
  if (kind === 'Job' && (verb === 'suspend' || verb === 'resume')) return suspensionPlacer;
  if (verb === 'evict' && !subject) return evictionPlacer;
  if (subject && (verb === 'create' || verb === 'delete')) {
    if (kind === 'CronJob') return cronJobPlacer;
    if (kind === 'Job') return jobPlacer;
    if (kind === 'ReplicaSet' && owners > 1) return replicaSetPlacer;
    if (podControllers.includes(kind) && owners === 1) return controllerPlacer;
  }
  return isNextRevision(one) ? revisionPlacer : otherPlacer;
}

/** Kinds of change that actions of other controllers begin. */
const kindsByVerb: Partial<Record<Verb, TrackedKind>> = {
  create: 'create',
  delete: 'delete',
  rescale: 'scale',
  'scale-up': 'scale',
  'scale-down': 'scale',
};

/** What the pods of a Deployment do for others (an operator's) is not done to the Deployment. */
function kindByVerb({ routed: { meaning, chain } }: Occurrence): TrackedKind {
  const isWorkload = chain[0]?.kind === 'Deployment' || chain[0]?.kind === 'Pod';
  return (isWorkload && meaning.begins === '' && meaning.verb !== 'rescale' ? undefined : kindsByVerb[meaning.verb]) ?? 'update';
}

/** Any other controller: under what made its object, else in what is open, else a change of its own. */
const otherPlacer: Placer = {
  causes: (pass, one, object) => (isOwnChange(one) ? [] : originsToPlace(pass, one, object)),
  place: (pass, one, object) => {
    const { meaning } = one.routed;
    const origin = isOwnChange(one) ? null : originOf(pass, one, object);
    if (origin) {
      pass.assign(one, origin);
      awaitReady(one, origin.change);
      return pass.remember(one, object, origin.change);
    }
    const same = changeOfRevision(pass, one);
    const open = isOwnChange(one) ? (drainUnderWay(pass, one) ?? same ?? justBegun(pass, one, object)) : joined(pass, one);
    const change = open ?? pass.begin(one, meaning.begins || kindByVerb(one), aboutOf(object));
    if (meaning.expectsEnd && change.end === 'none') change.end = 'expected';
    if (meaning.begins !== '') object.firstSign = { occurrence: '', change: change.id, at: one.at, by: 'self' };
    if (change === same) pass.assign(one, { change, rule: 'revision.same', evidence: `revision ${same.revision}` });
    else
      pass.assign(one, { change, rule: open ? 'domain.open-change' : 'change.own', evidence: change.id, confidence: open ? 'time' : '' });
    awaitReady(one, change);
    pass.remember(one, object, change);
    if (meaning.class === 'end' && meaning.ends) endChange(change, meaning.fails ? one.routed.observation.message : '');
  },
};

/** An edit of one pod is about that, not about all that its owner has made. */
function aboutOf({ ref }: ObjectState): { readonly about?: ObjectRef } {
  return ref.kind === 'Pod' ? { about: ref } : {};
}

/** The open change, unless the action, after a while, changes what that has made: then it answers another edit. */
function joined(pass: DomainPass, one: Occurrence): TrackedChange | undefined {
  const current = pass.latestChange();
  const { verb, subject } = one.routed.meaning;
  if (!current || verb !== 'update' || !subject || one.at - current.last < beginsAgainAfter) return current;
  const actions = pass.index.actionsOn(subject, current.start, one.at);
  const made = actions.some(({ id, routed }) => routed.meaning.verb === 'create' && pass.placeOf(id)?.change === current.id);
  return made ? undefined : current;
}

/** What the object has begun just now, in other words. */
function justBegun(pass: DomainPass, one: Occurrence, { firstSign }: ObjectState): TrackedChange | undefined {
  const change = pass.tracked(firstSign?.change);
  const { begins } = one.routed.meaning;
  if (!change || begins === '' || change.kind !== begins || one.at - change.last >= beginsAgainAfter) return undefined;
  return change.revision === '' || revisionOf(one) === '' ? change : undefined;
}

function isOwnChange({ routed: { meaning } }: Occurrence): boolean {
  return meaning.begins !== '' || meaning.verb === 'rescale';
}

function drainUnderWay(pass: DomainPass, { routed: { meaning } }: Occurrence) {
  return meaning.begins === 'drain' ? pass.latestChange(['drain']) : undefined;
}

/** Each Revision but the first answers an edit; what follows on its Configuration follows from it. */
const revisionPlacer: Placer = {
  place: (pass, one, object) => {
    const change = pass.begin(one, 'rollout');
    pass.assign(one, { change, rule: 'revision.next', evidence: `revision ${one.routed.meaning.subject?.name ?? ''}` });
    object.creation = linkTo(one, change, 'name');
    object.firstSign = null;
    awaitReady(one, change);
    pass.remember(one, object, change);
  },
};

function isNextRevision({ routed: { meaning } }: Occurrence): boolean {
  const { verb, subject } = meaning;
  return verb === 'create' && subject?.kind === 'Revision' && /-(?!0*1$)\d{5}$/.test(subject.name);
}
