/**
 * The decision: which Event caused which, for one domain. Pure: no clock, no I/O, no randomness. The same observations give the same
 * spans in any order, under any duplication and any split over calls within the allowed lateness (`settling-times.ts`).
 *
 * It is a pass in event time. `now` only limits how far the pass goes; the start and end of changes follow from event times. Settled changes
 * are returned as segments, undecided ones as `keep`, and what later Events may refer to as `context`.
 */
import type { Micros } from '../events/observation.ts';
import type { Objects } from '../kubernetes/object-index.ts';
import type { Segment } from '../spans/span.ts';
import { type ChangeState, newChange } from './change.ts';
import type { CorrelateConfig } from './config.ts';
import { type Context, copyOf, forgetOld, type PendingState, type Placed } from './context.ts';
import { traceOf } from './ids.ts';
import { keyOf, type Occurrence, occurrencesOf, type Routed } from './occurrence.ts';
import { type Candidate, DomainPass } from './placement/domain-pass.ts';
import { place } from './placement/place.ts';
import { renderChange, renderLate } from './rendering/render.ts';
import { causeMayTrail, lateness, ownerMayTrail, second } from './settling-times.ts';

export interface CorrelateInput {
  readonly observations: readonly Routed[];
  readonly keep: PendingState;
  readonly objects: Objects;
  readonly context: Context;
  /** Infinity in a replay: everything is decided. */
  readonly now: Micros;
  /** Collects, by occurrence, the rejected parents and why. */
  readonly notes?: Map<string, Candidate[]>;
}

export interface CorrelateResult {
  readonly segments: readonly Segment[];
  readonly context: Context;
  readonly keep: PendingState;
  /** The decisions of this call: each occurrence and its placement. */
  readonly decided: readonly Placed[];
}

export function correlate(input: CorrelateInput, config: CorrelateConfig): CorrelateResult {
  const context = copyOf(input.context);
  const limit = decidableUntil(input.now);
  const waiting = [...input.keep.waiting, ...input.observations];
  const pinned = new Set(input.keep.placed.map((one) => one.occurrence.id));
  const placed = input.keep.placed.map((one) => one.occurrence);
  const queue = occurrencesOf(waiting, (id) => id in context.ledger || pinned.has(id), placed);
  const pass = new DomainPass({ context, objects: input.objects, placed: input.keep.placed, queue, considered: input.notes ?? null });
  const settled: ChangeState[] = [];
  const late: Placed[] = [];
  for (const one of queue) {
    if (one.at >= limit) break;
    if (pass.placeOf(one.id)) continue;
    if (one.at < input.context.watermark) {
      const beside = placeLate(pass, one);
      if (beside) late.push(beside);
      continue;
    }
    settle(pass, one.at, settled, config);
    place(pass, one);
  }
  settle(pass, limit, settled, config);
  context.watermark = Math.max(context.watermark, Number.isFinite(limit) ? limit : (queue.at(-1)?.at ?? 0) + 1);
  const segments = emit(pass, settled, late, config);
  const keep: PendingState = {
    placed: [...pass.placed].filter(({ occurrence }) => !(occurrence.id in context.ledger)),
    waiting: waiting.filter((routed) => !isPlaced(routed, pass)),
  };
  const decided = [...pass.placed].filter(({ occurrence }) => occurrence.id in context.ledger);
  forgetOld(context);
  return { segments, context, keep, decided };
}

/** The pass goes as far as everything has arrived, in whole seconds: a truncated time needs its whole second. */
export function decidableUntil(now: Micros): Micros {
  if (!Number.isFinite(now)) return now;
  return Math.floor((now - lateness - causeMayTrail) / second) * second;
}

/** The earliest `now` of a live correlator, which waits for owners too, at which the pass goes as far as `at`. */
export function decidableAt(at: Micros): Micros {
  return Math.ceil(at / second) * second + ownerMayTrail + lateness + causeMayTrail;
}

function settle(pass: DomainPass, at: Micros, settled: ChangeState[], config: CorrelateConfig): void {
  for (const { change, settledAt } of pass.settle(at)) {
    pass.context.settled[change.id] = {
      ...traceOf(config.cluster, change),
      start: change.start,
      end: change.last,
      settledAt: Math.min(settledAt, Number.MAX_SAFE_INTEGER),
    };
    settled.push(change);
  }
}

function emit(pass: DomainPass, settled: readonly ChangeState[], late: readonly Placed[], config: CorrelateConfig): Segment[] {
  const { context, objects } = pass;
  const segments: Segment[] = [];
  for (const change of settled) {
    const placed = pass.membersOf(change.id);
    for (const { occurrence } of placed) setEmitted(context, occurrence);
    if (change.kind === 'digest' && config.orphans === 'drop') continue;
    if (change.kind === 'digest' && config.orphans === 'each') {
      for (const one of placed) segments.push(renderAlone(pass, change, one, config));
      continue;
    }
    const info = context.settled[change.id];
    const segment = renderChange({ change, placed, objects, context, config, settledAt: info?.settledAt ?? change.last });
    const root = segment.spans[0];
    if (info && root) context.settled[change.id] = { ...info, start: root.start, end: root.end };
    segments.push(segment);
  }
  for (const placed of late) {
    setEmitted(context, placed.occurrence);
    segments.push(renderLate({ placed, objects, context, config }));
  }
  return segments;
}

/** Remembered from now on, however long ago it was: what is old by itself may still come again. */
function setEmitted(context: Context, { id, at }: Occurrence): void {
  context.ledger[id] = Math.max(at, context.watermark);
}

/** An Event without cause or effect, as a trace of its own. */
function renderAlone({ objects, context }: DomainPass, { about, root }: ChangeState, placed: Placed, config: CorrelateConfig): Segment {
  const { id, at } = placed.occurrence;
  const change = newChange({ id, kind: 'update', about, root, start: at, end: 'reached' });
  const place = { ...placed.place, change: id, on: '' };
  return renderChange({ change, placed: [{ ...placed, place }], objects, context, config, settledAt: at });
}

/**
 * An occurrence that arrives after its time was decided: part of its object's change while that is open, since a repaired Event may be what
 * the change waits for; else beside it. Null: it is placed already.
 */
function placeLate(pass: DomainPass, one: Occurrence): Placed | null {
  const ref = one.routed.chain[0];
  const object = ref ? pass.context.objects[keyOf(ref)] : undefined;
  const link = object?.firstSign ?? object?.creation ?? null;
  if (pass.change(link?.change)) {
    place(pass, one);
    return null;
  }
  pass.setLate(one);
  return {
    occurrence: one,
    place: {
      change: link?.change ?? '',
      parent: '',
      on: '',
      rule: 'late',
      evidence: 'arrived after its time was decided',
      confidence: '',
      from: null,
      late: true,
      terminating: false,
      named: false,
      unobserved: 0,
    },
  };
}

/** True if every occurrence in the notification is placed or emitted. */
function isPlaced({ observation: { uid, n }, tellsFirst }: Routed, pass: DomainPass): boolean {
  const has = (id: string) => id in pass.context.ledger || pass.placeOf(id) !== null;
  return has(`${uid}#${n}`) && (n === 1 || !tellsFirst || has(`${uid}#1`));
}
