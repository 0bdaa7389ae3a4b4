/**
 * What happens after the acknowledgement, put together: sweep-loop.ts looks for what is due in the store, route.ts finds each Event its
 * domain, decide.ts makes segments of a domain, outbox-publisher.ts sends them. It shares nothing with receiving but the store.
 */
import { randomUUID } from 'node:crypto';
import type { CompiledRules } from '../../../shared/correlation/rules/match.ts';
import type { Sink } from '../../../shared/http/sink.ts';
import { systemClock } from '../../../shared/process/clock.ts';
import type { Fields } from '../../../shared/process/log.ts';
import type { FunctionContext } from '../../../shared/process/run-function.ts';
import { within } from '../../../shared/process/timeout.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { DecideMeters } from '../metrics.ts';
import type { CorrelatorConfig } from '../settings.ts';
import { Decider } from './decide.ts';
import { GapRepair } from './gap-repair.ts';
import { LateArrivalGate } from './late-arrival-gate.ts';
import { OutboxPublisher } from './outbox-publisher.ts';
import type { Owners } from './owner-lookup.ts';
import { Router } from './route.ts';
import { SweepLoop } from './sweep-loop.ts';

/** Deciding as the rest of the correlator sees it: in this thread, or in one of its own. */
export interface Deciding {
  /** Sweeps by itself from now on, not only when it is asked to. */
  start(): void;
  /** A sweep soon, without waiting. */
  trigger(): void;
  /** Waits for a sweep, but no longer than so many ms: the rest goes on in the background. False when the store is away. */
  sweepFor(ms: number): Promise<boolean>;
  /** Resolves when nothing is due any more and all that was decided is sent or postponed. Rejects when the store is away. */
  settle(): Promise<void>;
  /** Nothing new is begun; what is decided is sent while the time lasts, the rest stays in the store. */
  stop(graceMs: number): Promise<void>;
}

export interface DecidingParts {
  readonly store: Store;
  readonly sink: Sink;
  readonly rules: CompiledRules;
  readonly owners: Owners;
  readonly config: Pick<CorrelatorConfig, 'cluster' | 'correlate' | 'source' | 'emitAtOnce' | 'repairsGaps'>;
  readonly meters: DecideMeters;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** Renewed with each batch. Nothing is decided beyond the earliest Event in an inbox, so after a sudden end everything waits for it. */
const inboxLeaseMs = 10_000;
/** Longer than the largest change takes to decide, on a slow machine too: one that is decided twice is committed once, but not in time. */
const domainLeaseMs = 60_000;
const holdMs = 45_000;
/** A healthy exporter has answered by then, an extension that hangs keeps everyone waiting for seconds. */
const patienceMs = 500;

export function createDeciding({ log, clock, tracing }: Omit<FunctionContext, 'settings' | 'metrics'>, parts: DecidingParts): Deciding {
  const { store, sink, rules, owners, config, meters, random } = parts;
  const fault = (message: string, fields: Fields, error: unknown) =>
    log.sampled(message, 10)?.error(message, { ...fields, reason: String(error), stack: error instanceof Error ? error.stack : '' });
  const publisher = new OutboxPublisher({
    store,
    sink,
    log,
    random,
    tracing,
    atOnce: config.emitAtOnce,
    patienceMs,
    holdMs,
    onSent: meters.sent,
    onLost: meters.dropped,
  });
  const router = new Router({
    store,
    rules,
    owners,
    token: randomUUID(),
    leaseMs: inboxLeaseMs,
    batch: 250,
    onError: (event, error) => fault('could not route an event', { event }, error),
  });
  const decider = new Decider({
    store,
    rules,
    config: config.correlate,
    source: config.source,
    leaseMs: domainLeaseMs,
    holdMs: () => (publisher.hasRoom ? holdMs : 0),
    batch: 4,
    tracing,
    gaps: config.repairsGaps
      ? new GapRepair({ store, sink, clock, cluster: config.cluster, source: config.source, onAsked: meters.asked })
      : null,
    onDecision: (shard, { outcome, segments, outgoing }) => {
      meters.decided(
        outcome,
        segments.map(({ severity, spans }) => ({ severity, spans: spans.length })),
      );
      publisher.offer(shard, outgoing);
    },
    onError: (domain, error) => {
      meters.decided('failed', []);
      fault('could not decide a domain', { domain }, error);
    },
  });
  const loop = new SweepLoop({ store, router, decider, publisher, gate: new LateArrivalGate(store), log, clock, meters });
  return {
    start: () => loop.start(),
    trigger: () => loop.trigger(),
    sweepFor: (ms) => loop.sweepFor(ms),
    settle: async () => {
      await loop.sweep();
      await publisher.settled();
    },
    stop: async (graceMs) => {
      await loop.stop();
      // What is still queued then stays in the outbox.
      await within(publisher.settled(), graceMs, systemClock(), undefined);
      publisher.stop();
    },
  };
}
