/**
 * The correlator: takes Events as CloudEvents, keeps what is pending and what was recent in the store, decides which event caused which,
 * emits segments of traces. Here it is put together; `handle.ts` shows what happens to a request, `sweeper.ts` what happens later.
 */
import { randomUUID } from 'node:crypto';
import { factsMost } from '../../shared/correlation/routing/event-facts.ts';
import { builtInRules } from '../../shared/correlation/rules/built-in/index.ts';
import { type CompiledRules, compileRules } from '../../shared/correlation/rules/match.ts';
import { rememberFor } from '../../shared/correlation/settling-times.ts';
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import { type Answer, type RunningFunction, serveFunction } from '../../shared/http/server.ts';
import { createSink, type Sink, sinkOptionsOf } from '../../shared/http/sink.ts';
import type { ApiServer } from '../../shared/kubernetes/api-server.ts';
import { createLookup } from '../../shared/kubernetes/metadata-lookup.ts';
import { type Fields, messageOf } from '../../shared/process/log.ts';
import { type FunctionContext, portOf, type Stoppable } from '../../shared/process/run-function.ts';
import { ConfigError } from '../../shared/process/settings.ts';
import { noTracing } from '../../shared/process/tracing.ts';
import { clusterOf } from '../../shared/store/cluster.ts';
import { droppedParkedCounter } from '../../shared/store/metrics.ts';
import { openStore, readStoreSettings } from '../../shared/store/open.ts';
import type { Store } from '../../shared/store/store.ts';
import { Decider, type Decision } from './decide/decide.ts';
import { LateArrivalGate } from './decide/late-arrival-gate.ts';
import { OutboxPublisher, sendsMost } from './decide/outbox-publisher.ts';
import { LookedUpOwners, noOwners, type Owners, versionsMost } from './decide/owner-lookup.ts';
import { Router } from './decide/route.ts';
import { Sweeper } from './decide/sweep.ts';
import { SweepLoop } from './decide/sweep-loop.ts';
import { type Meters, metersOf } from './metrics.ts';
import { Backpressure } from './receive/backpressure.ts';
import { RecentFactFilter } from './receive/fact-filter.ts';
import { handler } from './receive/handle-request.ts';
import { InboxWriter } from './receive/inbox-writer.ts';
import { type CorrelatorConfig, readConfig } from './settings.ts';

/** What a local run or a test gives in place of what the settings would open. */
export interface Given {
  readonly store?: Store;
  readonly sink?: Sink;
  /** The cluster of Events that do not say theirs; then no API server is asked for anything. */
  readonly cluster?: string;
  readonly api?: ApiServer;
  readonly rules?: CompiledRules;
  readonly random?: () => number;
  /** False: nobody sweeps but who is asked to, as with a clock that is moved by hand. */
  readonly beats?: boolean;
}

export interface RunningCorrelator extends Stoppable {
  readonly url: string;
  /** What a request with these events is answered, without HTTP. */
  readonly receive: (events: readonly ReceivedEvent[]) => Promise<Answer>;
  /** Resolves when nothing is due any more and all that was decided is sent or postponed. */
  sweep(): Promise<void>;
}

/** Renewed with each batch. Nothing is decided beyond the earliest Event in an inbox, so after a sudden end everything waits for it. */
const inboxLeaseMs = 10_000;
/** Longer than the largest change takes to decide, on a slow machine too: one that is decided twice is committed once, but not in time. */
const domainLeaseMs = 60_000;
const holdMs = 45_000;
/** A healthy exporter has answered by then, an extension that hangs keeps everyone waiting for seconds. */
const patienceMs = 500;
const waitingMost = 20_000;
/** A little longer than the core remembers, ms. */
const factsFor = rememberFor / 1_000 + 30 * 60_000;
const uidWithinMs = 15_000;

export async function startCorrelator(surroundings: FunctionContext, given: Given = {}): Promise<RunningCorrelator> {
  const parts = await open(surroundings, given);
  const { log, metrics } = surroundings;
  const { port, store, config, rules, meters, now, cluster, owners } = parts;
  const { emitter, sweeper, hold } = workersOf(surroundings, parts, given.random ?? Math.random);
  const pulse = new SweepLoop(sweeper, surroundings);
  const room = new Backpressure(surroundings.clock);
  const handle = handler({
    cluster,
    rules,
    appender: new InboxWriter(store, { factsFor, factsMost, versionsFor: config.objectsFor, versionsMost, waitingMost }),
    recall: new RecentFactFilter(() => surroundings.clock.now()),
    room,
    hold,
    owners,
    meters,
    log,
    tracing: surroundings.tracing ?? noTracing,
    now,
    nudge: () => pulse.trigger(),
    tick: () => pulse.sweepFor(config.tickWaits),
  });
  const server = await serveFunction({
    name: 'correlator',
    port,
    log,
    metrics,
    ready: () => (!store.ready() ? 'the store does not answer' : room.isFull ? 'too much is pending' : true),
    handle,
    tracing: surroundings.tracing,
    beforeClose: async (graceMs) => {
      await pulse.stop();
      // After it, what is queued stays in the outbox; a timer left over would hold up the process.
      const cut = setTimeout(() => emitter.stop(), graceMs);
      await emitter.settled();
      clearTimeout(cut);
      emitter.stop();
    },
  });
  if (given.beats !== false) pulse.start();
  return running(server, handle, store, given, sweeper, emitter);
}

type Parts = Awaited<ReturnType<typeof open>>;

/** Reads the settings, all faults at once, and opens what they name. */
async function open(surroundings: FunctionContext, given: Given) {
  const { settings, log, metrics, clock } = surroundings;
  const config = readConfig(settings);
  const port = portOf(settings);
  const sinkOptions = given.sink ? null : sinkOptionsOf(settings);
  const storeSettings = given.store ? null : readStoreSettings(settings);
  settings.finish('correlator');
  const sink = given.sink ?? createSink({ url: '', ...sinkOptions, connectionsMost: sendsMost(config.emitAtOnce) });
  const store = given.store ?? (await openStore(storeSettings ?? readStoreSettings(settings), log, clock));
  const rules = given.rules ?? (await rulesOf(config));
  const meters = metersOf(metrics, store, () => clock.now());
  const identity =
    given.cluster === undefined ? await clusterAndOwners(config, surroundings, store, given) : { cluster: given.cluster, owners: noOwners };
  return { config, port, sink, store, rules, meters, ...identity, now: () => Math.round(clock.now() * 1_000) };
}

function workersOf({ log, metrics, tracing }: FunctionContext, parts: Parts, random: () => number) {
  const { store, sink, rules, owners, config, meters, now } = parts;
  const fault = (message: string, fields: Fields, error: unknown) =>
    log.sampled(message, 10)?.error(message, { ...fields, reason: String(error), stack: error instanceof Error ? error.stack : '' });
  const emitter = new OutboxPublisher({
    store,
    sink,
    log,
    random,
    tracing,
    atOnce: config.emitAtOnce,
    patienceMs,
    holdMs,
    onSent: (outcome) => meters.sent.add({ outcome }),
    onLost: droppedParkedCounter(metrics, log),
  });
  const router = new Router({
    store,
    rules,
    owners,
    token: tokenOnce(),
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
    holdMs: () => (emitter.hasRoom ? holdMs : 0),
    batch: 4,
    tracing,
    onDecision: (shard, decision) => {
      count(meters, decision);
      emitter.offer(shard, decision.outgoing);
    },
    onError: (domain, error) => {
      meters.decisions.add({ outcome: 'failed' });
      fault('could not decide a domain', { domain }, error);
    },
  });
  const hold = new LateArrivalGate(store);
  const onRouted = (routed: number) => meters.routed.add({}, routed);
  const onSwept = (seconds: number) => meters.latency.observe({ step: 'sweep' }, seconds);
  return { emitter, hold, sweeper: new Sweeper({ store, router, decider, emitter, hold, now, onRouted, onSwept }) };
}

function running(
  server: RunningFunction,
  receive: RunningCorrelator['receive'],
  store: Store,
  given: Given,
  sweeper: Sweeper,
  emitter: OutboxPublisher,
): RunningCorrelator {
  return {
    url: server.url,
    receive,
    sweep: async () => {
      await sweeper.sweep();
      await emitter.settled();
    },
    close: async (graceMs) => {
      await server.close(graceMs);
      if (!given.store) await store.close();
    },
  };
}

async function clusterAndOwners(
  { cluster: configured, lookups, objectsFor }: CorrelatorConfig,
  { log, metrics, clock }: FunctionContext,
  store: Store,
  { api }: Given,
): Promise<{ cluster: string; owners: Owners }> {
  const lookup = createLookup({ metrics, clock, ...(api ? { api } : {}) });
  const cluster = await clusterOf(configured, store, () => lookup.clusterUid(clock.now() + uidWithinMs));
  if (!cluster.ok) throw new ConfigError(`Cannot start correlator: ${cluster.reason}`);
  if (!lookups) return { cluster: cluster.value, owners: noOwners };
  const onError = (error: unknown) => log.sampled('owners', 5)?.warn('could not remember owners', { reason: String(error) });
  const owners = new LookedUpOwners({ store, lookup, cluster: cluster.value, clock, objectsFor, goneFor: rememberFor / 1_000, onError });
  return { cluster: cluster.value, owners };
}

/** Made when it is needed: after the first answer. */
function tokenOnce(): () => string {
  let token: string | undefined;
  return () => {
    token ??= randomUUID();
    return token;
  };
}

function count(meters: Meters, { outcome, segments }: Decision): void {
  meters.decisions.add({ outcome });
  for (const { severity, spans } of segments) {
    meters.segments.add({ severity });
    meters.spans.add({}, spans.length);
  }
}

/** The reader of rules files is loaded only where there are any: it takes longer than all the rest of the start. */
async function rulesOf({ rules: files }: CorrelatorConfig): Promise<CompiledRules> {
  if (files.length === 0) return compileRules(builtInRules, [], 'tested');
  const { loadRules } = await import('../../shared/cli/input/load-input.ts');
  const loaded = await loadRules(files, false).catch((error: unknown) => {
    throw new ConfigError(
      `Cannot start correlator: KNSPAN_RULES is '${files.join(',')}': ${messageOf(error)}, wanted files that can be read`,
    );
  });
  if (loaded.ok) return loaded.rules;
  throw new ConfigError(loaded.faults.map((fault) => `Cannot start correlator: ${fault.message}`).join('\n'));
}
