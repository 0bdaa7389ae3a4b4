/**
 * The life of one object: its steps (scheduled, pulling, started) and states, and the ends of what was started. They hang on what made
 * the object, else on its first sign of life.
 */
import { type CausalLink, endChange, type TrackedChange } from '../change.ts';
import type { ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { beginsAgainAfter } from '../settling-times.ts';
import { childKey, setFailing, setReady, setStarted } from './children.ts';
import { type Origin, originOf, originsToPlace } from './creation.ts';
import { type DomainPass, linkTo, type Placer, pairKey, seriesKey } from './domain-pass.ts';
import { involvedOf } from './occurrence-index.ts';
import { deletingChange } from './place-deletion.ts';
import { placeDigest } from './place-digest.ts';
import { incidentOf, openIncident, placeTerminating } from './place-failure.ts';

export const lifePlacer: Placer = {
  causes: (pass, one, object) => (isTerminating(pass, one, object) ? [] : originsToPlace(pass, one, object)),
  place: placeLife,
};

/** Of an object that is being deleted only states belong to the deletion; its steps come from before. */
function isTerminating(pass: DomainPass, one: Occurrence, object: ObjectState): boolean {
  const { meaning } = one.routed;
  return meaning.class === 'state' && !meaning.remark && deletingChange(pass, one, object) !== null;
}

function placeLife(pass: DomainPass, one: Occurrence, object: ObjectState): void {
  const { meaning } = one.routed;
  if (isTerminating(pass, one, object) && placeTerminating(pass, one, object)) return;
  const origin = originOf(pass, one, object);
  if (!origin) return placeWithoutOrigin(pass, one, object);
  if (isAgain(one, object, origin)) return beginAgain(pass, one, object);
  const { change, parent } = origin;
  if (meaning.remark)
    return pass.assign(one, { ...origin, parent: '', on: parent === '' ? 'root' : parent, confidence: '', counts: !object.troubled });
  const isPhase = meaning.phase === 'schedule' && object.creation?.by === 'name';
  pass.assign(one, {
    ...origin,
    from: isPhase ? (object.creation?.at ?? null) : null,
    counts: !meaning.warns && !(object.troubled && one.n > 1),
  });
  pass.remember(one, object, change);
  endAnnounced(one, change);
  // What created the container may have been lost.
  if (meaning.phase === 'container' && meaning.class === 'end') setStarted(pass, one, object, change);
  if (meaning.phase === 'schedule') setScheduled(one, object, change);
  if (meaning.class !== 'end' || (meaning.phase !== 'ready' && meaning.phase !== 'run')) return;
  if (meaning.fails) setFailing(pass, object, change, meaning);
  else setReady(pass, object, change);
}

/** The root object says that what it has announced is over. */
function endAnnounced(one: Occurrence, change: TrackedChange): void {
  const { meaning, observation } = one.routed;
  if (!meaning.ends || change.end !== 'expected' || keyOf(change.root) !== keyOf(involvedOf(one))) return;
  endChange(change, meaning.fails ? observation.message : '');
}

/** What began the object's change begins another when it comes again: after its end, or on other grounds after a while. */
function isAgain(one: Occurrence, object: ObjectState, { change }: Origin): boolean {
  const { class: role, firstSign, pairs } = one.routed.meaning;
  const [pair] = pairs;
  if (object.ref.kind === 'Pod' || role !== 'start' || !firstSign || pair === undefined) return false;
  if (one.at - change.last < beginsAgainAfter) return false;
  const opened = object.open[pairKey(one, pair)];
  if (opened?.change === change.id) return eventOf(opened.occurrence) !== one.routed.observation.uid;
  return object.ended?.change === change.id;
}

function beginAgain(pass: DomainPass, one: Occurrence, object: ObjectState): void {
  const change = pass.begin(one, 'update', { about: object.ref });
  pass.assign(one, { change, rule: 'object.again', evidence: object.ended?.occurrence ?? one.id });
  object.firstSign = linkTo(one, change, 'self');
  pass.remember(one, object, change);
}

/** The uid of the Event that an occurrence is one of. */
function eventOf(occurrence: string): string {
  return occurrence.slice(0, occurrence.lastIndexOf('#'));
}

function setScheduled(one: Occurrence, object: ObjectState, change: TrackedChange): void {
  object.troubled = false;
  if (object.creation?.by !== 'name') object.firstSign = linkTo(one, change, 'self');
  const key = childKey(object.ref);
  if (change.made[key] === 'failing' || !(key in change.made)) change.made[key] = 'waiting';
}

/** Kinds whose first state is reported when they are made. */
const reportedWhenMade: readonly string[] = ['Pod', 'PersistentVolumeClaim'];

/** First signs of life that nothing caused begin a change; other states go to what is open, or to the digest. */
function placeWithoutOrigin(pass: DomainPass, one: Occurrence, object: ObjectState): void {
  const { meaning, chain, owners } = one.routed;
  const isPod = object.ref.kind === 'Pod';
  const isStep = meaning.firstSign || meaning.class === 'start' || meaning.class === 'end';
  const wasSeen = object.creation !== null || object.firstSign !== null;
  const incident = openIncident(pass, object) ?? (wasSeen && isStep && isPod ? incidentOf(pass, one, object) : null);
  if (incident) {
    pass.assign(one, meaning.remark ? { ...incident, on: 'root' } : incident);
    return pass.remember(one, object, incident.change);
  }
  const open = pass.latestChange();
  if (open && (chain.length === 1 || isStep || owners < chain.length)) {
    const counts = meaning.class !== 'state';
    pass.assign(one, { change: open, rule: 'domain.open-change', evidence: open.id, confidence: 'time', counts });
    endAnnounced(one, open);
    if (isStep && isPod) object.firstSign = linkTo(one, open, 'self');
    return pass.remember(one, object, open);
  }
  if (!isStep) return placeDigest(pass, one, 'orphan.state');
  const isEdit = meaning.class === 'state' && !reportedWhenMade.includes(object.ref.kind);
  const change = pass.begin(one, isEdit ? 'update' : 'create');
  pass.assign(one, { change, rule: 'object.first-sign', evidence: one.id });
  object.firstSign = linkTo(one, change, 'self');
  if (isPod) change.made[childKey(object.ref)] = 'waiting';
  pass.remember(one, object, change);
}

/** Bookkeeping says nothing by itself, but where its object belongs to an open change it is part of the story. */
export const noisePlacer: Placer = {
  causes: originsToPlace,
  place: (pass, one, object) => {
    const origin = originOf(pass, one, object);
    if (origin) pass.assign(one, { ...origin, counts: false });
    else placeDigest(pass, one, 'orphan.noise');
  },
};

/** A repeat of a state or failure that the same open change has already: it is a span event there. */
export const repeatPlacer: Placer = {
  place: (pass, one, object) => {
    const series = object.series[seriesKey(one)];
    const change = pass.change(series?.change);
    if (!series || !change) return placeLife(pass, one, object);
    const { occurrence } = series;
    const counts = change.kind === 'incident';
    pass.assign(one, { change, on: occurrence, rule: 'series', evidence: `repeat ${one.n} of ${occurrence}`, counts });
    // A controller that still can't make what it should has not made all of it.
    const owes = one.routed.meaning.verb === 'create';
    if (one.routed.meaning.recurs || owes) setFailing(pass, object, change, one.routed.meaning);
  },
};

export function isRepeat(pass: DomainPass, one: Occurrence, object: ObjectState): boolean {
  const { meaning } = one.routed;
  return (meaning.class === 'state' || meaning.class === 'failure') && pass.change(object.series[seriesKey(one)]?.change) !== null;
}

/** The end of a pair is a span event of the span that began it. */
export const pairEndPlacer: Placer = {
  place: (pass, one, object) => {
    const { meaning, observation } = one.routed;
    const opened = openPair(pass, one, object);
    const change = pass.change(opened?.link.change);
    if (!opened || !change) return placeLife(pass, one, object);
    delete object.open[opened.key];
    object.ended = linkTo(one, change, 'self');
    const { occurrence } = opened.link;
    pass.assign(one, { change, on: occurrence, rule: `pair.${meaning.pairs[0]}`, evidence: `end of ${occurrence}` });
    if (meaning.phase === 'container') setStarted(pass, one, object, change);
    if (meaning.fails) setFailing(pass, object, change, meaning);
    // What a change of something else holds as well does not end that.
    if (meaning.ends && (change.id === occurrence || meaning.fails)) endChange(change, meaning.fails ? observation.message : '');
  },
};

/** Of the pairs that it may end the first that is open, if its change is. */
export function openPair(
  pass: DomainPass,
  one: Occurrence,
  { open }: ObjectState,
): { readonly key: string; readonly link: CausalLink } | null {
  const { meaning, observation } = one.routed;
  // What is reported of the whole pod ends what was reported of a container.
  const inside = observation.container === '' ? Object.keys(open) : [];
  const keys = meaning.pairs.flatMap((pair) => [pairKey(one, pair), ...inside.filter((known) => known.startsWith(`${pair}|`))]);
  const key = keys.find((known) => known in open) ?? '';
  const link = open[key];
  return link && pass.change(link.change) ? { key, link } : null;
}
