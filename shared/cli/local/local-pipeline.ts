/** The whole pipeline in one process: a broker wired by the same YAML as a cluster, the functions behind it, one store. */
import { fileURLToPath } from 'node:url';
import { createLocalBroker, type LocalBroker } from '../../dev-broker/index.ts';
import { readWiring } from '../../dev-broker/read-wiring.ts';
import type { Trigger, Wiring } from '../../dev-broker/wiring.ts';
import { type RunningFunction, serveFunction } from '../../http/server.ts';
import { systemClock } from '../../process/clock.ts';
import { Log } from '../../process/log.ts';
import { Metrics } from '../../process/metrics.ts';
import type { FunctionContext } from '../../process/run-function.ts';
import { type Environment, Settings } from '../../process/settings.ts';
import { within } from '../../process/timeout.ts';
import { SegmentAssembler } from '../../spans/segment-assembler.ts';
import { parseSegmentEvent } from '../../spans/segment-event.ts';
import { loadStore, saveStore } from '../../store/memory/saved-file.ts';
import { MemoryStore } from '../../store/memory/store.ts';
import { openStore, readStoreSettings } from '../../store/open.ts';
import type { Store } from '../../store/store.ts';
import { Tracings } from '../../telemetry/open-tracing.ts';
import { type Extensions, extensionsOf, overlayFolder } from './local-extensions.ts';
import type { LocalCorrelator, LocalFunctions, LocalOptions, LocalRun, Running, Trial } from './local-run.ts';

const folders = ['base', 'overlays/objects', 'overlays/history'].map((name) =>
  fileURLToPath(new URL(`../../../knative/${name}/`, import.meta.url)),
);
const graceMs = 5_000;
const viewer = 'viewer';
const explorer = 'explorer';
/** The function that takes OTLP, if an overlay adds it. */
const runtimeSpans = 'runtime-spans';
const tracesPath = '/v1/traces';
/** Max remembered ids of shown segments. */
const shownMost = 10_000;

/** Grace period of started parts, ms. */
type End = (graceMs: number) => Promise<void>;

/** Stops the parts that have started if another one fails to, so that the process ends. */
export async function startLocal(functions: LocalFunctions, options: LocalOptions): Promise<LocalRun> {
  const begun: End[] = [];
  try {
    return await startAll(functions, options, begun);
  } catch (error) {
    for (const end of begun.reverse()) await end(0).catch(() => {});
    throw error;
  }
}

async function startAll(functions: LocalFunctions, options: LocalOptions, begun: End[]): Promise<LocalRun> {
  const urls = new Map<string, string[]>();
  let turn = 0;
  const urlOf = (service: string): string => {
    const found = urls.get(service) ?? [];
    turn += 1;
    const url = found[turn % Math.max(1, found.length)];
    if (url === undefined) throw new Error(`Cannot deliver: the function '${service}' does not run`);
    return url;
  };
  const tracings = new Tracings();
  const surroundings = (name: string, more: Environment = {}): FunctionContext => ({
    settings: new Settings({ ...options.environment, ...more, PORT: '0' }),
    log: new Log({ function: name, level: options.logLevel, clock: options.clock, write: options.log }),
    metrics: new Metrics(),
    clock: options.clock,
  });
  const { log, metrics, settings } = surroundings('broker');
  const store = await openLocalStore(options, settings, log, begun);
  settings.finish('knspan');
  const overlays = (options.overlays ?? []).map(overlayFolder);
  const read = await wiringOf(overlays, options.trial);
  const extensions = await extensionsOf(functions, read, overlays, options.trial);
  const wiring = fit(read, options, extensions);
  const broker = await createLocalBroker({
    wiring,
    urlOf,
    log,
    metrics,
    clock: options.clock,
    random: Math.random,
    port: options.port,
    host: options.host,
    rootBroker: 'events',
    pings: options.beats,
    page: () => urls.get(explorer)?.[0] ?? null,
    functionAt: (path) => (path === tracesPath && urls.has(runtimeSpans) ? urlOf(runtimeSpans) + tracesPath : null),
  });
  begun.push(
    () => broker.stop(),
    () => tracings.close(),
  );
  const started = (name: string, one: Running) => {
    begun.push((within) => one.close(within));
    urls.set(name, [...(urls.get(name) ?? []), one.url]);
  };
  if (options.onSegment) started(viewer, await serveViewer(surroundings(viewer), options.onSegment));
  if (options.exports) {
    const page = options.history && !options.environment['KNSPAN_PAGE_URL'] ? { KNSPAN_PAGE_URL: `http://localhost:${broker.port}` } : {};
    started('exporter', await functions.startExporter(await tracings.into('exporter', surroundings('exporter', page))));
  }
  const sinkOf = (name: string) => ({ K_SINK: broker.sinkOf(name) });
  for (const [name, { environment, start }] of extensions)
    started(
      name,
      await start(await tracings.into(name, surroundings(name, { ...environment, ...options.environment, ...sinkOf(name) })), wiring),
    );
  const live = options.reconciles ? {} : { cluster: options.environment['KNSPAN_CLUSTER'] ?? '' };
  const given = { store, ...live, ...(options.rules ? { rules: options.rules } : {}) };
  if (options.history) {
    const context = await tracings.into('history', surroundings('history'));
    started('history', await functions.startHistory(context, { ...given, opened: options.history }));
    started(explorer, await functions.startExplorer(surroundings(explorer), { opened: options.history }));
  }
  const correlators: LocalCorrelator[] = [];
  for (let count = 0; count < options.correlators; count += 1) {
    const correlator = await functions.startCorrelator(
      await tracings.into('correlator', surroundings('correlator', sinkOf('correlator'))),
      { ...given, beats: options.beats },
    );
    correlators.push(correlator);
    started('correlator', correlator);
  }
  if (options.reconciles) {
    const more = { ...sinkOf('reconciler'), KNSPAN_SUBSCRIBERS: subscribersOf(urls, options.environment) };
    started('reconciler', await functions.startReconciler(surroundings('reconciler', more), { store }));
  }
  return localRun(options, broker, store, begun, correlators);
}

/** Redis where it is configured; else the memory, which a file may keep. */
async function openLocalStore({ clock, pendingFile }: LocalOptions, settings: Settings, log: Log, begun: End[]): Promise<Store> {
  const config = readStoreSettings(settings);
  if (config.target !== null || pendingFile === undefined) {
    const store = await openStore(config, log, clock);
    begun.push(() => store.close());
    return store;
  }
  const store = new MemoryStore(() => clock.now(), config.bounds);
  loadStore(store, pendingFile, log);
  begun.push(async () => saveStore(store, pendingFile));
  return store;
}

/** Subscribers for dead letters: one of each function, by its name in the Triggers, and those the user adds. */
function subscribersOf(urls: ReadonlyMap<string, readonly string[]>, { KNSPAN_SUBSCRIBERS = '' }: Environment): string {
  const own = [...urls].map(([name, [url = '']]) => `${name}=${url}`);
  return [...own, KNSPAN_SUBSCRIBERS].join(',');
}

/** Adds the manifests of the function under test, unless the files have them. */
async function wiringOf(overlays: readonly string[], trial?: Trial): Promise<Wiring> {
  const wiring = await readWiring(...folders, ...overlays);
  const leads = ({ subscriber }: Trigger) => subscriber.kind === 'service' && subscriber.name === trial?.extension.name;
  return trial === undefined || wiring.triggers.some(leads) ? wiring : readWiring(...folders, ...overlays, ...trial.manifests);
}

/** Drops Triggers of functions that do not run here; adds the viewer beside the exporter. */
function fit(wiring: Wiring, { onSegment, exports, reconciles, history }: LocalOptions, extensions: Extensions): Wiring {
  const pipeline = new Map([
    ['correlator', true],
    ['exporter', exports],
    ['reconciler', reconciles],
    ['history', history !== undefined],
  ]);
  const runs = (name: string) => pipeline.get(name) ?? extensions.has(name);
  const triggers: Trigger[] = wiring.triggers
    .filter(({ subscriber }) => subscriber.kind !== 'service' || runs(subscriber.name))
    .map((trigger) => (reconciles ? trigger : { ...trigger, delivery: { ...trigger.delivery, deadLetterSink: null } }));
  const exporting = wiring.triggers.find(({ subscriber }) => subscriber.kind === 'service' && subscriber.name === 'exporter');
  if (onSegment && exporting)
    triggers.push({ ...exporting, name: viewer, subscriber: { kind: 'service', namespace: exporting.namespace, name: viewer, path: '' } });
  // A response means here that the store has it: no source would re-send what this process has lost.
  const brokers = wiring.brokers.map((one) => ({ ...one, isAsync: false }));
  return { ...wiring, brokers, triggers };
}

function serveViewer({ log, metrics }: FunctionContext, onSegment: NonNullable<LocalOptions['onSegment']>): Promise<RunningFunction> {
  const parts = new SegmentAssembler();
  const shown = new Set<string>();
  return serveFunction({
    name: viewer,
    port: 0,
    host: '127.0.0.1',
    log,
    metrics,
    ready: () => true,
    handle: async ([event]) => {
      const parsed = event ? parseSegmentEvent(event) : null;
      if (!parsed?.ok) return { status: 400, reason: parsed?.reason ?? 'Cannot show: wanted a segment' };
      // A duplicate delivery.
      if (shown.has(event?.id ?? '')) return { status: 204 };
      shown.add(event?.id ?? '');
      for (const oldest of shown) if (shown.size > shownMost) shown.delete(oldest);
      for (const segment of parts.add(parsed.value)) await onSegment(segment);
      return { status: 204 };
    },
  });
}

function localRun(
  options: LocalOptions,
  broker: LocalBroker,
  store: Store,
  begun: readonly End[],
  correlators: readonly LocalCorrelator[],
): LocalRun {
  return {
    url: `http://${options.host === '0.0.0.0' ? '127.0.0.1' : options.host}:${broker.port}/`,
    figures: () => store.sizes(),
    delivered: () => broker.idle(),
    settle: async () => {
      await broker.idle();
      await broker.tick();
      await broker.idle();
      await Promise.all(correlators.map((one) => one.sweep()));
      await broker.idle();
    },
    close: async () => {
      // Accepted events are delivered first, if their subscribers respond.
      await within(broker.idle(), graceMs, systemClock(), undefined);
      // Against the flow: the store's last user stops last.
      for (const end of [...begun].reverse()) await end(graceMs);
    },
  };
}
