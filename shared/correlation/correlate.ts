/**
 * The decision: which event caused which, for one domain. Pure: no clock, no I/O, no chance. The same observations give the same
 * spans in any order, under any duplication and any split over calls within the lateness allowed (`figures.ts`).
 *
 * It is a walk in event time. `now` only says how far the walk may go; where changes begin and end follows from event times. What
 * is settled leaves as segments, what is not comes back as `keep`, what later events may refer to as `context`.
 */
import type { Micros } from '../events/observation.ts';
import type { Objects } from '../kubernetes/object-index.ts';
import type { Segment } from '../spans/span.ts';
import type { CorrelateConfig } from './config.ts';
import {
  type CausalLink,
  type ChangeState,
  type Context,
  dropOldest,
  ledgerRemembered,
  objectsRemembered,
  type PendingState,
  type Placed,
} from './context.ts';
import { traceOf } from './ids.ts';
import { keyOf, occurrencesOf, type Routed } from './occurrence.ts';
import { settlesAt } from './placement/change.ts';
import { type Candidate, DomainPass } from './placement/domain-pass.ts';
import { placeOne } from './placement/place.ts';
import { renderChange, renderLate } from './rendering/render.ts';
import { causeMayTrail, lateness, longestChange, ownerMayTrail, quietAfterEnd, rememberFor, second } from './settling-times.ts';

export interface CorrelateInput {
  readonly observations: readonly Routed[];
  readonly keep: PendingState;
  readonly objects: Objects;
  readonly context: Context;
  /** Infinity in a replay: everything may be decided. */
  readonly now: Micros;
  /** Collects, by occurrence, which other parents lost and why. */
  readonly notes?: Map<string, Candidate[]>;
}

export interface CorrelateResult {
  readonly segments: readonly Segment[];
  readonly context: Context;
  readonly keep: PendingState;
  /** What was decided in this call: each occurrence and its place. */
  readonly decided: readonly Placed[];
}

export function correlate(input: CorrelateInput, config: CorrelateConfig): CorrelateResult {
  const context = structuredClone(input.context);
  const limit = walkLimit(input.now);
  const waiting = [...input.keep.waiting, ...input.observations];
  const pinned = new Set(input.keep.placed.map((one) => one.occurrence.id));
  const placed = input.keep.placed.map((one) => one.occurrence);
  const queue = occurrencesOf(waiting, (id) => id in context.ledger || pinned.has(id), placed);
  const walk = new DomainPass({ context, objects: input.objects, placed: input.keep.placed, queue, notes: input.notes ?? null, placeOne });
  const settled: ChangeState[] = [];
  const late: Placed[] = [];
  for (; walk.position < queue.length; walk.position += 1) {
    const one = queue[walk.position];
    if (!one || one.at >= limit) break;
    if (one.at < input.context.watermark && !walk.placed.has(one.id)) {
      const placed = placeLate(walk, one);
      if (placed) late.push(placed);
      if (placed) walk.late.add(one.id);
      continue;
    }
    settle(walk, one.at, settled, config);
    walk.place(one);
  }
  settle(walk, limit, settled, config);
  context.watermark = Math.max(context.watermark, Number.isFinite(limit) ? limit : (queue.at(-1)?.at ?? 0) + 1);
  const segments = emit(walk, settled, late, config);
  const undecided = waiting.filter((routed) => !told(routed, context, walk));
  const decided = [...walk.placed.values()].filter(({ occurrence }) => occurrence.id in context.ledger);
  const keep: PendingState = {
    placed: [...walk.placed.values()].filter(({ occurrence }) => !(occurrence.id in context.ledger)),
    waiting: undecided,
  };
  forget(context);
  return { segments, context, keep, decided };
}

/** The walk goes as far as everything has arrived, by whole seconds: times cut to the second need their whole second. */
export function walkLimit(now: Micros): Micros {
  if (!Number.isFinite(now)) return now;
  return Math.floor((now - lateness - causeMayTrail) / second) * second;
}

/** The earliest `now` of a live correlator, which waits for owners too, at which the walk goes as far as `at`. */
export function decidableAt(at: Micros): Micros {
  return Math.ceil(at / second) * second + ownerMayTrail + lateness + causeMayTrail;
}

function settle(walk: DomainPass, at: Micros, settled: ChangeState[], config: CorrelateConfig): void {
  for (const change of Object.values(walk.context.changes)) {
    // Most changes are plainly too young; only the rest is worth the closer look.
    if (change.kind !== 'digest' && at < change.last + quietAfterEnd && at < change.start + longestChange) continue;
    const settledAt = settlesAt(change);
    if (settledAt > at) continue;
    walk.close(change);
    walk.context.settled[change.id] = {
      ...traceOf(config.cluster, change),
      start: change.start,
      end: change.last,
      settledAt: Math.min(settledAt, Number.MAX_SAFE_INTEGER),
    };
    settled.push(change);
  }
}

function emit(walk: DomainPass, settled: readonly ChangeState[], late: readonly Placed[], config: CorrelateConfig): Segment[] {
  const segments: Segment[] = [];
  for (const change of settled) {
    const placed = walk.membersOf(change.id);
    for (const { occurrence } of placed) note(walk.context, occurrence);
    if (change.kind === 'digest' && config.orphans === 'drop') continue;
    if (change.kind === 'digest' && config.orphans === 'each') {
      for (const one of placed) segments.push(alone(walk, change, one, config));
      continue;
    }
    const segment = renderChange({ change, placed, objects: walk.objects, context: walk.context, config });
    const info = walk.context.settled[change.id];
    const root = segment.spans[0];
    if (info && root) walk.context.settled[change.id] = { ...info, start: root.start, end: root.end };
    segments.push(segment);
  }
  for (const placed of late) {
    note(walk.context, placed.occurrence);
    segments.push(renderLate({ placed, objects: walk.objects, context: walk.context, config }));
  }
  return segments;
}

/** Remembered from now on, however long ago it was: what is old by itself may still come again. */
function note(context: Context, { id, at }: Placed['occurrence']): void {
  context.ledger[id] = Math.max(at, context.watermark);
}

/** An event without cause or effect as a trace of its own. */
function alone(walk: DomainPass, digest: ChangeState, placed: Placed, config: CorrelateConfig): Segment {
  const { id, at } = placed.occurrence;
  const change: ChangeState = { ...digest, id, kind: 'update', start: at, last: at, closed: true };
  const place = { ...placed.place, change: id, on: '' };
  return renderChange({ change, placed: [{ ...placed, place }], objects: walk.objects, context: walk.context, config });
}

/**
 * An occurrence that comes after its time was decided: in its object's change while that is open, else beside it. Null when it
 * could still be given a place in the ordinary way.
 */
function placeLate(walk: DomainPass, one: Parameters<typeof placeOne>[1]): Placed | null {
  const ref = one.routed.chain[0];
  const object = ref ? walk.context.objects[keyOf(ref)] : undefined;
  const bond = object?.anchor ?? object?.birth ?? null;
  const change = walk.open(bond?.change);
  const evidence = 'arrived after its time was decided';
  if (bond && change) {
    // Nothing of the change is told yet: what the source has lost and a listing has found may still be what it waits for.
    if (walk.place(one) !== null) return null;
    walk.assign(one, { change, parent: bond.by === 'self' ? '' : bond.occurrence, rule: 'late', evidence, counts: false });
    return null;
  }
  const place = {
    change: bond?.change ?? '',
    parent: '',
    on: '',
    rule: 'late',
    evidence,
    confidence: '' as const,
    from: null,
    late: true,
    terminating: false,
    named: false,
    unobserved: 0,
  };
  return { occurrence: one, place };
}

/** True when every occurrence that the notification tells of has its place or has been told. */
function told({ observation: { uid, n }, tellsFirst }: Routed, context: Context, walk: DomainPass): boolean {
  const done = (id: string) => id in context.ledger || walk.placed.has(id);
  return done(`${uid}#${n}`) && (n === 1 || !tellsFirst || done(`${uid}#1`));
}

/** What a settled change has begun nothing ends or repeats any more. */
function dropSettled(links: Record<string, CausalLink>, context: Context): void {
  for (const key in links) if (!((links[key]?.change ?? '') in context.changes)) delete links[key];
}

/** Drops what is older than any Event can be, and the oldest beyond the bounds. */
function forget(context: Context): void {
  const before = context.watermark - rememberFor;
  dropOldest(context.ledger, (at) => at, before, ledgerRemembered);
  dropOldest(context.highest, (one) => one.at, before, ledgerRemembered);
  dropOldest(context.objects, (object) => object.lastSeen, before, objectsRemembered);
  dropOldest(context.ended, (at) => at, before, objectsRemembered);
  dropOldest(context.settled, (one) => one.end, before, objectsRemembered);
  for (const object of Object.values(context.objects)) {
    dropSettled(object.open, context);
    dropSettled(object.series, context);
  }
  for (const [name, key] of Object.entries(context.names)) if (!(key in context.objects)) delete context.names[name];
  for (const [action, key] of Object.entries(context.births)) if (!(key in context.objects)) delete context.births[action];
}
