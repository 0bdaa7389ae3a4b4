/** Reconcilers over one store, for tests: real HTTP in and out, a fake API server, a manual clock. */
import { startReconciler } from '../../functions/reconciler/index.ts';
import { createApiServer } from '../../shared/kubernetes/api-server.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import type { Stoppable } from '../../shared/process/run-function.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import { defaultBounds, type Store, type StoreBounds } from '../../shared/store/store.ts';
import { type EventFields, eventJson } from './event.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { Receiver } from './receiver.ts';
import { metricOf, surroundingsFor } from './surroundings.ts';

/** 2025-11-21T00:00:00Z */
export const startedAt = 1_763_683_200_000;
export const eventsPath = '/api/v1/events';

export interface Reconciler extends Stoppable {
  readonly url: string;
  /** One line of the metrics. */
  readonly figure: (name: string) => Promise<number>;
}

export class World {
  readonly clock: ManualClock;
  readonly api = new FakeApiServer();
  readonly broker = new Receiver();
  readonly subscriber = new Receiver();
  readonly store: Store;
  readonly #running: Reconciler[] = [];
  #api: ReturnType<typeof createApiServer> | undefined;

  constructor(store?: Store, bounds: StoreBounds = defaultBounds, clock = new ManualClock(startedAt)) {
    this.clock = clock;
    this.store = store ?? new MemoryStore(() => this.clock.now(), bounds);
  }

  async start(): Promise<this> {
    const config = await this.api.start();
    this.#api = createApiServer(async () => config);
    await Promise.all([this.broker.start(), this.subscriber.start()]);
    return this;
  }

  async reconciler(env: Readonly<Record<string, string>> = {}, store: Store = this.store): Promise<Reconciler> {
    const own = { K_SINK: this.broker.url, KNSPAN_CLUSTER: 'test', KNSPAN_SUBSCRIBERS: this.subscriber.url };
    const surroundings = surroundingsFor({ ...own, ...env }, this.clock);
    const given = { store, random: () => 0.5, ...(this.#api ? { api: this.#api } : {}) };
    const started = await startReconciler(surroundings, given);
    const figure = async (name: string) => metricOf(await surroundings.metrics.text(), name);
    const running = { url: started.url, figure, close: (graceMs: number) => started.close(graceMs) };
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
    this.#api?.close();
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
