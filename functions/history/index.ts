/** The history: Events, object versions and segments in, rows in PostgreSQL out. */
import type { CompiledRules } from '../../shared/correlation/rules/match.ts';
import type { Result } from '../../shared/events/json.ts';
import { type OpenedDatabase, openDatabase } from '../../shared/history/open.ts';
import { serveFunction } from '../../shared/http/server.ts';
import type { FunctionContext, Stoppable } from '../../shared/process/run-function.ts';
import { clusterOf } from '../../shared/store/cluster.ts';
import { openStore, type StoreSettings } from '../../shared/store/open.ts';
import type { Store } from '../../shared/store/store.ts';
import { rulesOf } from '../correlator/rules.ts';
import { HistoryConnection } from './connection.ts';
import { HistoryHandler } from './handle-request.ts';
import { meterQueue, metricsOf } from './metrics.ts';
import { readConfig } from './settings.ts';

export const historyName = 'history';

/** What a local run or a test gives in place of what the settings would open. */
export interface Given {
  /** Closed by the caller. */
  readonly opened?: OpenedDatabase;
  /** Of the correlator, which stores there of which cluster its Events are. */
  readonly store?: Store;
  /** The cluster of Events that do not say theirs. */
  readonly cluster?: string;
  readonly rules?: CompiledRules;
}

export async function startHistory(context: FunctionContext, given: Given = {}): Promise<Stoppable & { readonly url: string }> {
  const { settings, log, metrics, clock, tracing } = context;
  const config = readConfig(settings, {
    database: given.opened !== undefined,
    cluster: given.cluster !== undefined || given.store !== undefined,
  });
  settings.finish(historyName);
  const meters = metricsOf(metrics);
  const connection = new HistoryConnection({
    open: async () =>
      given.opened
        ? { database: given.opened.database, close: async () => {} }
        : openDatabase({ kind: 'url', url: config.databaseUrl }, { name: `knspan ${historyName}`, log }),
    retention: config.retention,
    waitingMax: config.waitingMax,
    clock,
    log,
    onDropped: (partitions) => meters.partitions.add({}, partitions),
  });
  meterQueue(metrics, () => connection.open);
  const handler = new HistoryHandler({
    writer: () => connection.writer(),
    rules: given.rules ?? (await rulesOf(config, historyName)),
    cluster: rememberedCluster(given.cluster ?? config.cluster, () => storeOf(given.store, config.store, context)),
    now: () => Math.round(clock.now() * 1_000),
    metrics: meters,
    log,
  });
  const server = await serveFunction({
    name: historyName,
    port: config.port,
    log,
    metrics,
    tracing,
    // PostgreSQL that is away is told by 503 to each sender: to be taken out of service would change nothing.
    ready: () => true,
    handle: (events) => handler.handle(events),
    beforeClose: (graceMs) => connection.close(graceMs),
  });
  // Beside the first request, not in it.
  connection.writer().catch(() => {});
  return server;
}

interface OpenedStore {
  readonly store: Store;
  close(): Promise<void>;
}

async function storeOf(given: Store | undefined, settings: StoreSettings, { log, clock }: FunctionContext): Promise<OpenedStore> {
  if (given) return { store: given, close: async () => {} };
  const store = await openStore({ ...settings, allowVolatile: true }, log, clock);
  return { store, close: () => store.close() };
}

const unknown = 'the name of the cluster is not known, wanted KNSPAN_CLUSTER or a correlator that has stored it';

/** Asked of the store until it is known, then remembered: all functions must give the same answer. */
function rememberedCluster(configured: string | undefined, open: () => Promise<OpenedStore>): () => Promise<Result<string>> {
  let known: Result<string> | null = configured === undefined ? null : { ok: true, value: configured };
  let asking: Promise<Result<string>> | null = null;
  const ask = async (): Promise<Result<string>> => {
    const { store, close } = await open();
    try {
      return await clusterOf(undefined, store, async () => ({ ok: false, reason: unknown }));
    } finally {
      await close();
    }
  };
  return async () => {
    if (known) return known;
    asking ??= ask().catch((error: unknown) => ({ ok: false, reason: error instanceof Error ? error.message : String(error) }));
    const answer = await asking;
    asking = null;
    if (answer.ok) known = answer;
    return answer;
  };
}
