/** Reconcilers over one store, for tests: real HTTP in and out, a fake API server, time by hand. */
import { startReconciler } from '../../functions/reconciler/index.ts';
import { createApiServer } from '../../shared/objects/api-server.ts';
import { ManualClock } from '../../shared/runtime/clock.ts';
import { Settings } from '../../shared/runtime/config.ts';
import { Log } from '../../shared/runtime/log.ts';
import type { Stoppable } from '../../shared/runtime/main.ts';
import { Metrics } from '../../shared/runtime/metrics.ts';
import { MemoryStore } from '../../shared/store/memory.ts';
import { type Bounds, defaultBounds, type Store } from '../../shared/store/store.ts';
import { type EventFields, eventJson } from './event.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { Receiver } from './receiver.ts';

/** 2025-11-21T00:00:00Z */
export const startedAt = 1_763_683_200_000;
export const eventsPath = '/api/v1/events';

export interface Reconciler extends Stoppable {
  readonly url: string;
  readonly metrics: Metrics;
}

export class World {
  readonly clock = new ManualClock(startedAt);
  readonly api = new FakeApiServer();
  readonly broker = new Receiver();
  readonly subscriber = new Receiver();
  readonly logged: string[] = [];
  readonly store: Store;
  readonly #running: Reconciler[] = [];
  #config: ReturnType<typeof createApiServer> | undefined;

  constructor(store?: Store, bounds: Bounds = defaultBounds) {
    this.store = store ?? new MemoryStore(() => this.clock.now(), bounds);
  }

  async start(): Promise<this> {
    const config = await this.api.start();
    this.#config = createApiServer(async () => config);
    await Promise.all([this.broker.start(), this.subscriber.start()]);
    return this;
  }

  async reconciler(env: Readonly<Record<string, string>> = {}, store: Store = this.store): Promise<Reconciler> {
    const own = { PORT: '0', K_SINK: this.broker.url, KNSPAN_CLUSTER: 'test', KNSPAN_SUBSCRIBERS: this.subscriber.url };
    const settings = new Settings({ ...own, ...env });
    const metrics = new Metrics();
    const log = new Log({ function: 'reconciler', clock: this.clock, write: (line) => this.logged.push(line) });
    const given = { store, random: () => 0.5, ...(this.#config ? { api: this.#config } : {}) };
    const started = await startReconciler({ settings, log, metrics, clock: this.clock }, given);
    const running = { url: started.url, metrics, close: (graceMs: number) => started.close(graceMs) };
    this.#running.push(running);
    return running;
  }

  /** An Event in the listing, so many seconds old at the start. */
  list(
    uid: string,
    ageSeconds: number,
    { n = 1, path = eventsPath, namespace = 'shop' }: { n?: number; path?: string; namespace?: string } = {},
  ): void {
    this.api.put(path, uid, agedEvent(uid, ageSeconds, { count: n, metadata: { namespace } }));
  }

  async stop(): Promise<void> {
    for (const one of this.#running) await one.close(1_000);
    this.#config?.close();
    await Promise.all([this.api.stop(), this.broker.stop(), this.subscriber.stop()]);
  }
}

export function agedEvent(uid: string, ageSeconds: number, { metadata, ...fields }: EventFields = {}): Record<string, unknown> {
  const stamp = new Date(startedAt - ageSeconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
  return eventJson({ metadata: { name: `${uid}.x`, uid, ...metadata }, firstTimestamp: stamp, lastTimestamp: stamp, ...fields });
}

export async function post(url: string, event: Readonly<Record<string, unknown>>): Promise<{ status: number; text: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({ specversion: '1.0', id: '1', source: '/test', ...event }),
  });
  return { status: response.status, text: await response.text() };
}

export function tick(url: string): Promise<{ status: number; text: string }> {
  return post(url, { type: 'dev.knative.sources.ping' });
}

/** The value of a counter or gauge; with labels as they stand in the text. */
export async function figure(metrics: Metrics, name: string): Promise<number> {
  const line = (await metrics.text()).split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}
