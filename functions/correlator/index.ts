/**
 * The correlator: takes Events as CloudEvents, keeps what is pending and what was recent in the store, decides which event caused which,
 * emits segments of traces. Here it is put together; receive/handle-request.ts shows what happens to a request, decide/deciding.ts what
 * happens after it.
 */
import { factsMost } from '../../shared/correlation/routing/event-facts.ts';
import type { CompiledRules } from '../../shared/correlation/rules/match.ts';
import { rememberFor } from '../../shared/correlation/settling-times.ts';
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import { type Answer, serveFunction } from '../../shared/http/server.ts';
import { createSink, type Sink, sinkOptionsOf } from '../../shared/http/sink.ts';
import type { ApiServer } from '../../shared/kubernetes/api-server.ts';
import { createLookup } from '../../shared/kubernetes/metadata-lookup.ts';
import type { Clock } from '../../shared/process/clock.ts';
import { type FunctionContext, portOf, type Stoppable } from '../../shared/process/run-function.ts';
import { ConfigError } from '../../shared/process/settings.ts';
import { noTracing } from '../../shared/process/tracing.ts';
import { clusterOf } from '../../shared/store/cluster.ts';
import { openStore, readStoreSettings } from '../../shared/store/open.ts';
import type { Store } from '../../shared/store/store.ts';
import type { Deciding, DecidingParts } from './decide/deciding.ts';
import { LateArrivalGate } from './decide/late-arrival-gate.ts';
import { sendsMost } from './decide/outbox-publisher.ts';
import { LookedUpOwners, noOwners, type Owners, versionsMost } from './decide/owner-lookup.ts';
import { sweepEveryMs } from './decide/sweep-loop.ts';
import { metersOf } from './metrics.ts';
import { Backpressure } from './receive/backpressure.ts';
import { RecentFactFilter } from './receive/fact-filter.ts';
import { handler } from './receive/handle-request.ts';
import { InboxWriter } from './receive/inbox-writer.ts';
import { rulesOf } from './rules.ts';
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
  /** The argument with which the program of this process decides in a thread of its own: where the store is not within the process. */
  readonly threadArgument?: string;
}

export interface RunningCorrelator extends Stoppable {
  readonly url: string;
  /** What a request with these events is answered, without HTTP. */
  readonly receive: (events: readonly ReceivedEvent[]) => Promise<Answer>;
  /** Resolves when nothing is due any more and all that was decided is sent or postponed. */
  sweep(): Promise<void>;
}

const waitingMost = 20_000;
/** A little longer than the core remembers, ms. */
const factsFor = rememberFor / 1_000 + 30 * 60_000;
const uidWithinMs = 15_000;

export async function startCorrelator(surroundings: FunctionContext, given: Given = {}): Promise<RunningCorrelator> {
  const parts = await open(surroundings, given);
  const { log, metrics, clock } = surroundings;
  const { port, store, config, rules, meters, cluster, owners, deciding } = parts;
  const room = new Backpressure(clock);
  const triggerNow = atMostEvery(sweepEveryMs, clock, () => deciding.trigger());
  const handle = handler({
    cluster,
    rules,
    appender: new InboxWriter(store, { factsFor, factsMost, versionsFor: config.objectsFor, versionsMost, waitingMost }),
    recall: new RecentFactFilter(() => clock.now()),
    room,
    hold: new LateArrivalGate(store),
    owners,
    meters,
    log,
    tracing: surroundings.tracing ?? noTracing,
    now: () => Math.round(clock.now() * 1_000),
    nudge: triggerNow,
    tick: () => deciding.sweepFor(config.tickWaits),
  });
  const server = await serveFunction({
    name: 'correlator',
    port,
    log,
    metrics,
    ready: () => (!store.ready() ? 'the store does not answer' : room.isFull ? 'too much is pending' : true),
    handle,
    tracing: surroundings.tracing,
    beforeClose: (graceMs) => deciding.stop(graceMs),
  });
  if (given.beats !== false) deciding.start();
  return {
    url: server.url,
    receive: handle,
    sweep: () => deciding.settle(),
    close: async (graceMs) => {
      await server.close(graceMs);
      if (!given.store) await store.close();
    },
  };
}

/** Reads the settings, all faults at once, and opens what they name. */
async function open(surroundings: FunctionContext, given: Given) {
  const { settings, log, metrics, clock } = surroundings;
  const config = readConfig(settings);
  const port = portOf(settings);
  const sinkOptions = given.sink ? null : sinkOptionsOf(settings);
  const storeSettings = given.store ? null : readStoreSettings(settings);
  settings.finish('correlator');
  const store = given.store ?? (await openStore(storeSettings ?? readStoreSettings(settings), log, clock));
  const rules = given.rules ?? (await rulesOf(config));
  const meters = metersOf(metrics, store, () => clock.now(), log);
  const identity =
    given.cluster === undefined ? await clusterAndOwners(config, surroundings, store, given) : { cluster: given.cluster, owners: noOwners };
  const common = { owners: identity.owners, meters: meters.deciding };
  const sink = () => given.sink ?? createSink({ url: '', ...sinkOptions, connectionsMost: sendsMost(config.emitAtOnce) });
  const deciding =
    given.threadArgument !== undefined && storeSettings?.target
      ? await decidingApart(given.threadArgument, common)
      : await decidingHere(surroundings, { ...common, store, sink: sink(), rules, config, random: given.random ?? Math.random });
  return { config, port, store, rules, meters, ...identity, deciding };
}

async function decidingHere(surroundings: FunctionContext, parts: DecidingParts): Promise<Deciding> {
  return (await import('./decide/deciding.ts')).createDeciding(surroundings, parts);
}

/** The thread runs the program that runs here: the one file that is surely there, whether bundled or not. */
async function decidingApart(argument: string, { owners, meters }: Pick<DecidingParts, 'owners' | 'meters'>): Promise<Deciding> {
  const { DecidingThread } = await import('./decide/deciding-thread.ts');
  return new DecidingThread({
    program: process.argv[1] ?? '',
    argument,
    owners,
    meters,
    onFailed: (error) => {
      throw error;
    },
  });
}

function atMostEvery(ms: number, clock: Pick<Clock, 'now'>, run: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock.now();
    if (now - last < ms && now >= last) return;
    last = now;
    run();
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
