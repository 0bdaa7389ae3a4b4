/**
 * The reconciler: finds Events that the source has missed, and retries dead letters. Wired up here; `handle-request.ts` is the path of a
 * request, `list-and-repair.ts` a listing, `dead-letters.ts` the life of a dead letter.
 */
import { randomUUID } from 'node:crypto';
import type { Result } from '../../shared/events/json.ts';
import { serveFunction } from '../../shared/http/server.ts';
import { createSink, type Sink, sinkOptionsOf } from '../../shared/http/sink.ts';
import { type ApiServer, createApiServer } from '../../shared/kubernetes/api-server.ts';
import type { Lookup } from '../../shared/kubernetes/lookup.ts';
import { createLookup } from '../../shared/kubernetes/metadata-lookup.ts';
import { type FunctionContext, portOf, type Stoppable } from '../../shared/process/run-function.ts';
import { rememberCluster } from '../../shared/store/cluster.ts';
import { droppedParkedCounter } from '../../shared/store/metrics.ts';
import { openStore, readStoreSettings } from '../../shared/store/open.ts';
import type { Store } from '../../shared/store/store.ts';
import { DeadLetterLoop } from './dead-letter-loop.ts';
import { DeadLetters } from './dead-letters.ts';
import { handler } from './handle-request.ts';
import { ListAndRepair } from './list-and-repair.ts';
import { metersOf } from './metrics.ts';
import { readConfig } from './settings.ts';
import { TickHandler } from './tick-handler.ts';

/** Given by a local run or a test in place of what the settings would open. */
export interface Given {
  readonly store?: Store;
  readonly sink?: Sink;
  readonly api?: ApiServer;
  readonly lookup?: Lookup;
  /** Returns a number in [0, 1). */
  readonly random?: () => number;
}

const name = 'reconciler';
const uidWithinMs = 15_000;
/** Below the visibility timeout of a letter and the timeout of a request. */
const letterTimeoutMs = 10_000;

export async function startReconciler(surroundings: FunctionContext, given: Given = {}): Promise<Stoppable & { url: string }> {
  const { settings, log, metrics, clock } = surroundings;
  const config = readConfig(settings);
  const port = portOf(settings);
  const storeSettings = readStoreSettings(settings);
  const sinkOptions = given.sink ? null : sinkOptionsOf(settings);
  settings.finish(name);
  const store = given.store ?? (await openStore(storeSettings, log, clock));
  const sink = given.sink ?? createSink({ ...(sinkOptions ?? { url: '' }), clock });
  const api = given.api ?? createApiServer();
  const lookup = given.lookup ?? createLookup({ api, metrics, clock });
  const meters = metersOf(metrics, store);
  const cluster = clusterBy(config.cluster, store, () => lookup.clusterUid(clock.now() + uidWithinMs));
  const repair = new ListAndRepair({ config, api, store, sink, meters, log, clock, holder: randomUUID(), cluster });
  const ticks = new TickHandler({ repair, meters, log, clock, waitMs: config.tickWaits });
  const letters = new DeadLetters({
    store,
    subscribers: config.subscribers,
    // Without the token, which is for the Broker only.
    sinkTo: (url) =>
      createSink({
        url,
        clock,
        timeoutMs: letterTimeoutMs,
        ...(sinkOptions?.certificates ? { certificates: sinkOptions.certificates } : {}),
      }),
    giveUpAfter: config.giveUpAfter,
    random: given.random ?? Math.random,
    meters,
    onLost: droppedParkedCounter(metrics, log),
    log,
  });
  const deadLetterLoop = new DeadLetterLoop(letters, clock, log);
  const server = await serveFunction({
    name,
    port,
    log,
    metrics,
    ready: () => (store.ready() ? true : 'the store does not answer'),
    handle: handler({ letters, deadLetterLoop, ticks, log }),
    below: '/dead-letters/',
  });
  // Without subscribers it would park letters that another cluster's reconciler on the same store can send.
  if (config.subscribers.urls.length > 0) deadLetterLoop.start();
  return {
    url: server.url,
    close: async (graceMs) => {
      // A send longer than the grace period ends with its sink.
      const cut = given.sink ? undefined : setTimeout(() => sink.close(), graceMs);
      // Before the server closes: a running listing keeps its request open.
      await Promise.all([ticks.stop(), deadLetterLoop.stop(graceMs), server.close(graceMs)]);
      clearTimeout(cut);
      if (!given.sink) sink.close();
      if (!given.api) api.close();
      if (!given.store) await store.close();
    },
  };
}

/** The configured name, else the uid, looked up once and stored for functions whose start must not wait for it. */
function clusterBy(configured: string | undefined, store: Store, ask: () => Promise<Result<string>>): () => Promise<Result<string>> {
  let known: Result<string> | undefined = configured === undefined ? undefined : { ok: true, value: configured };
  return async () => {
    if (known) return known;
    const answer = await ask();
    if (!answer.ok) return answer;
    await rememberCluster(store, answer.value);
    known = answer;
    return answer;
  };
}
