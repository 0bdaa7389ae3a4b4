/**
 * How a change has ended: by the last word on each object, not by the scars on the way. A failure opens a trouble of its object and
 * container; a later sign of life (scheduled, pulled, started, ready, made after all) ends it; a later failure opens it again.
 */
import type { Micros, ObjectRef } from '../events/observation.ts';
import type { Objects } from '../kubernetes/object-index.ts';
import { boundOf, type ChangeState, type IncidentChange, isRolling, isTracked, type TrackedChange } from './change.ts';
import type { Placed } from './context.ts';
import { inWalkOrder, keyOf } from './occurrence.ts';
import type { Meaning, Wait } from './rules/rule.ts';
import { quietAfterEnd, second } from './settling-times.ts';

/** recovered: had trouble, is well; failing: in trouble when last seen; failed: ended in failure; incomplete: its end was not seen. */
export type Outcome = 'ok' | 'recovered' | 'failing' | 'failed' | 'incomplete';

export interface Verdict {
  readonly outcome: Outcome;
  /** The latest failure that nothing has ended, with container and object; empty unless it has failed or is failing. */
  readonly cause: string;
  /** What failed on the way and was overcome, in the order in which it began. */
  readonly overcome: readonly Trouble[];
  /** What was not, in the same order. */
  readonly lasting: readonly Trouble[];
}

export interface Trouble {
  readonly object: string;
  readonly kind: string;
  readonly name: string;
  readonly container: string;
  readonly owners: readonly string[];
  readonly waitsFor: '' | Wait;
  readonly probe: boolean;
  readonly recurs: boolean;
  /** A sign of life at this stage of its object, or at a later one, ends it. */
  readonly stage: number;
  readonly first: Micros;
  last: Micros;
  /** All that tells of it. */
  readonly members: Placed[];
  /** Of the failure that tells most, the latest of several, and how often that was. */
  reason: string;
  message: string;
  weight: number;
  count: number;
  /** Null: nothing has ended it. */
  overcomeAt: Micros | null;
}

const causeMost = 1_024;

export function verdictOf(change: ChangeState, placed: readonly Placed[], objects: Objects, settledAt: Micros): Verdict {
  if (change.kind === 'digest') return { outcome: 'ok', cause: '', overcome: [], lasting: [] };
  const troubles = troublesOf(placed);
  for (const trouble of troubles) {
    const { recurs, overcomeAt } = trouble;
    // What restarts after a crash may crash again: it has to last.
    if (recurs && overcomeAt !== null && settledAt - overcomeAt < quietAfterEnd) trouble.overcomeAt = null;
    trouble.overcomeAt ??= readyAfter(trouble, objects);
  }
  const rolling = isTracked(change) && isRolling(change);
  const isLasting = ({ overcomeAt, probe }: Trouble) => overcomeAt === null && (!probe || !isTracked(change) || rolling);
  const lasting = troubles.filter(isLasting);
  const overcome = troubles.filter((trouble) => !isLasting(trouble));
  if (change.failed !== '') return { outcome: 'failed', cause: change.failed.slice(0, causeMost), overcome, lasting };
  if (lasting.length > 0) {
    const hasEnded = isTracked(change) && settledAt < boundOf(change);
    return { outcome: hasEnded ? 'failed' : 'failing', cause: causeOf(lasting, change.root), overcome, lasting };
  }
  return { outcome: outcomeWithout(change, overcome), cause: '', overcome, lasting };
}

/** The outcome when no trouble lasts. */
function outcomeWithout(change: TrackedChange | IncidentChange, overcome: readonly Trouble[]): Outcome {
  if (!isTracked(change)) return overcome.length > 0 ? 'recovered' : 'ok';
  const expects = Object.values(change.made).includes('waiting') || change.end === 'expected' || isRolling(change);
  if (change.end !== 'reached' && expects) return 'incomplete';
  // To wait, or not to be ready at once, is no trouble of a change that came about.
  return overcome.some(({ waitsFor, probe }) => waitsFor === '' && !probe) ? 'recovered' : 'ok';
}

/** True for what tells of trouble. */
export function tellsTrouble({ class: role, fails, probe, groups }: Meaning): boolean {
  return role === 'failure' || fails || probe || groups['outcome'] === 'Failed';
}

/** `Reason: message`, without a reason that the message begins with (`Failed: Failed to pull`, `BackOff: Back-off restarting`). */
export function saying(reason: string, message: string): string {
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (reason === '' || message === '') return reason || message;
  return letters(message).startsWith(letters(reason)) ? message : `${reason}: ${message}`;
}

function troublesOf(placed: readonly Placed[]): Trouble[] {
  if (!placed.some(({ occurrence }) => tellsTrouble(occurrence.routed.meaning))) return [];
  const troubles = new Map<string, Trouble>();
  const byObject = new Map<string, Trouble[]>();
  for (const one of [...placed].sort((a, b) => inWalkOrder(a.occurrence, b.occurrence))) {
    if (one.place.terminating) continue;
    if (!tellsTrouble(one.occurrence.routed.meaning)) {
      if (troubles.size > 0) overcomeBy(one, troubles, byObject);
      continue;
    }
    const found = troubleOf(one);
    const before = byObject.get(found.object) ?? [];
    // What fails at a later stage has got over the earlier ones.
    for (const trouble of before) if (concerns(found, trouble) && trouble.stage < found.stage) end(trouble, found.first);
    const key = `${found.object}|${found.container}|${topicOf(found, one)}`;
    const known = troubles.get(key);
    if (known) {
      renew(known, found);
      continue;
    }
    troubles.set(key, found);
    byObject.set(found.object, [...before, found]);
  }
  return [...troubles.values()];
}

function troubleOf(one: Placed): Trouble {
  const { routed, at } = one.occurrence;
  const { meaning, observation, chain } = routed;
  const about = chain[0] ?? observation.involved;
  return {
    object: keyOf(about),
    kind: about.kind,
    name: about.name,
    container: observation.container || meaning.groups['container'] || '',
    owners: chain.slice(1).map(keyOf),
    waitsFor: meaning.waitsFor,
    probe: meaning.probe,
    recurs: meaning.recurs,
    stage: meaning.waitsFor === '' ? stages.running : stageOfWait[meaning.waitsFor],
    first: at,
    last: at,
    members: [one],
    reason: observation.reason,
    message: observation.message,
    weight: weightOf(meaning) + (observation.type === 'Warning' ? 10 : 0),
    count: 1 + one.place.unobserved,
    overcomeAt: null,
  };
}

function renew(known: Trouble, { last, members, reason, message, weight, count }: Trouble): void {
  known.last = last;
  known.overcomeAt = null;
  known.members.push(...members);
  if (weight < known.weight) return;
  const told = weight === known.weight ? known.count : 0;
  Object.assign(known, { reason, message, weight, count: told + count });
}

/** What is one trouble: to wait for the same thing, to be found unhealthy, not to keep running; else what has the same reason. */
function topicOf({ waitsFor, probe, recurs, reason, kind, container }: Trouble, { occurrence }: Placed): string {
  if (waitsFor !== '') return waitsFor;
  if (probe) return 'probe';
  return recurs || (kind === 'Pod' && container !== '') ? 'run' : reason || occurrence.routed.observation.uid;
}

/** That something is tried again later tells least; then that it has failed; most the reason why. */
function weightOf({ phase, class: role, groups }: Meaning): number {
  if (phase === 'backoff') return 0;
  return role === 'failure' && groups['outcome'] !== undefined ? 1 : 2;
}

/** What a pod goes through, in its order. */
const stages = { scheduled: 1, prepared: 2, pulled: 3, running: 4 } as const;

const stageOfWait: Readonly<Record<Wait, number>> = {
  node: stages.scheduled,
  quota: stages.running,
  volume: stages.prepared,
  network: stages.prepared,
  image: stages.pulled,
  certificate: stages.running,
};

/** What the occurrence shows to have been overcome. */
function overcomeBy(
  { occurrence }: Placed,
  troubles: ReadonlyMap<string, Trouble>,
  byObject: ReadonlyMap<string, readonly Trouble[]>,
): void {
  const { routed, at } = occurrence;
  const { meaning, observation, chain } = routed;
  const object = keyOf(chain[0] ?? observation.involved);
  const container = observation.container || meaning.groups['container'] || '';
  const isPod = (chain[0] ?? observation.involved).kind === 'Pod';
  const stage = isPod ? stageOf(meaning) : meaning.class === 'end' || meaning.class === 'action' ? stages.running : 0;
  for (const trouble of byObject.get(object) ?? [])
    if (trouble.stage <= stage && concerns({ object, container }, trouble)) end(trouble, at);
  // What has come about in the end had no trouble below it that lasted.
  if (meaning.class !== 'end' || !(meaning.ends || meaning.phase === 'run')) return;
  for (const trouble of troubles.values()) if (trouble.object === object || trouble.owners.includes(object)) end(trouble, at);
}

/** How far a pod has come by that; 0: it does not tell. */
function stageOf({ class: role, phase, remark }: Meaning): number {
  if (phase === 'schedule') return stages.scheduled;
  if (phase === 'pull') return role === 'start' ? stages.prepared : stages.pulled;
  if (phase === 'container') return role === 'start' ? stages.pulled : stages.running;
  if (phase === 'ready' && role === 'end') return stages.running;
  return remark ? stages.pulled : 0;
}

/** The same object; what its containers have in common they overcome in common. */
function concerns({ object, container }: Pick<Trouble, 'object' | 'container'>, trouble: Trouble): boolean {
  if (trouble.object !== object) return false;
  return trouble.stage <= stages.prepared || container === '' || trouble.container === '' || trouble.container === container;
}

function end(trouble: Trouble, at: Micros): void {
  trouble.overcomeAt ??= at;
}

/** When the pod was found ready after its trouble, as far as it is known as an object; null: it was not. */
function readyAfter({ kind, object, last }: Trouble, objects: Objects): Micros | null {
  if (kind !== 'Pod') return null;
  let since: Micros | null = null;
  for (const { object: pod, seenAt, gone } of objects.versions(object)) {
    const ready = pod.conditions.find(({ type }) => type === 'Ready');
    if (ready?.status !== 'True' || gone) since = null;
    else if (ready.at !== null && ready.at + second > last) since = Math.max(ready.at, last);
    // A list tells how it is in the end.
    else if (seenAt === null || seenAt > last) since = last;
  }
  return since;
}

/** Of what is broken for good the latest, since it tells of probes what is behind them. */
function causeOf(lasting: readonly Trouble[], root: ObjectRef): string {
  const broken = lasting.filter(({ probe }) => !probe);
  const latest = (broken.length > 0 ? broken : lasting).reduce((one, other) => (other.last >= one.last ? other : one));
  const { reason, message, container, kind, name, object } = latest;
  const said = saying(reason, message);
  const names = (text: string) => text !== '' && !said.includes(text);
  const where = [
    ...(names(container) ? [`container ${container}`] : []),
    ...(names(name) && object !== keyOf(root) ? [`${kind} ${name}`] : []),
  ].join(', ');
  const text = where === '' ? '' : ` (${where})`;
  return `${said.slice(0, causeMost - text.length)}${text}`;
}
