/** One correlator over an in-memory store that can be made to fail: real HTTP in, a sink that keeps what it gets, time by hand. */
import { type Given, type RunningCorrelator, startCorrelator } from '../../functions/correlator/index.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import { defaultBounds, type Store, type StoreBounds } from '../../shared/store/store.ts';
import { KeepingSink } from './correlators.ts';
import type { EventFields } from './event.ts';
import { Faults, faultyStore } from './faulty-store.ts';
import { agedEvent, post, startedAt } from './reconcilers.ts';
import { metricOf, surroundingsFor, type TestSurroundings } from './surroundings.ts';

export interface Answered {
  readonly status: number;
  readonly text: string;
}

export class OneCorrelator {
  readonly clock = new ManualClock(startedAt);
  readonly sink = new KeepingSink();
  readonly faults = new Faults();
  readonly store: Store;
  surroundings: TestSurroundings = surroundingsFor({});
  url = '';
  #running: RunningCorrelator | undefined;

  constructor(bounds: Partial<StoreBounds> = {}) {
    this.store = faultyStore(new MemoryStore(() => this.clock.now(), { ...defaultBounds, ...bounds }), this.faults);
  }

  async start(env: Readonly<Record<string, string>> = {}, given: Given = { cluster: 'test' }): Promise<this> {
    this.surroundings = surroundingsFor(env, this.clock);
    this.#running = await startCorrelator(this.surroundings, {
      store: this.store,
      sink: this.sink,
      beats: false,
      random: () => 0,
      ...given,
    });
    this.url = this.#running.url;
    return this;
  }

  send(type: string, data: unknown, more: Readonly<Record<string, unknown>> = {}): Promise<Answered> {
    return post(this.url, { type: type.includes('.') ? type : `dev.knative.apiserver.resource.${type}`, data, ...more });
  }

  /** An Event so many seconds old at the start. */
  event(uid: string, ageSeconds: number, fields: EventFields = {}): Promise<Answered> {
    return this.send('add', agedEvent(uid, ageSeconds, fields), { kind: 'Event' });
  }

  tick(): Promise<Answered> {
    return this.send('dev.knative.sources.ping', undefined);
  }

  async sweep(): Promise<void> {
    await this.#running?.sweep();
  }

  /** Until nothing can be undecided any more. */
  async settle(): Promise<void> {
    for (const step of [60_000, 16 * 60_000, 65 * 60_000]) {
      await this.clock.advance(step);
      await this.sweep();
    }
  }

  text(): Promise<string> {
    return this.surroundings.metrics.text();
  }

  async figure(name: string): Promise<number> {
    return metricOf(await this.text(), name);
  }

  async stop(): Promise<void> {
    await this.#running?.close(1_000);
  }
}
