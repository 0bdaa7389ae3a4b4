/**
 * One simulated run, determined by a seed: correlators with different clocks over a store that fails, ending between any two calls, before a
 * sink that fails; Events that are late, duplicated, out of order or retried. The sink's content is judged.
 */
import { type RunningCorrelator, startCorrelator } from '../../functions/correlator/index.ts';
import { randomOf } from '../../shared/cli/simulated-delivery.ts';
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import type { SinkOutcome } from '../../shared/http/sink.ts';
import { type Clock, ManualClock } from '../../shared/process/clock.ts';
import { Log } from '../../shared/process/log.ts';
import { Metrics } from '../../shared/process/metrics.ts';
import { Settings } from '../../shared/process/settings.ts';
import type { Store } from '../../shared/store/store.ts';
import { KeepingSink } from '../helpers/correlators.ts';
import { FaultyStore } from './faulty-store.ts';
import { judge } from './judge.ts';
import { type Plan, planOf } from './plan.ts';
import { type Happening, makeWorld, type World } from './world.ts';

export interface Outcome {
  /** Empty when all is well. */
  readonly faults: readonly string[];
  readonly what: string;
}

interface Replica {
  readonly store: FaultyStore;
  readonly running: RunningCorrelator;
  sweeping: boolean;
}

interface Delivery {
  readonly happening: Happening;
  readonly event: ReceivedEvent;
  at: number;
  /** From then on nothing goes wrong with it any more. */
  readonly surelyAt: number;
}

/** Longer than any trace stays open, leases and pauses included. */
const stepsAfter = [30_000, 60_000, 16 * 60_000, 65 * 60_000, 2 * 60_000, 2 * 60_000];
const quietTurns = 5;

export async function simulate(seed: number, openStore: (clock: Clock) => Store): Promise<Outcome> {
  const random = randomOf(seed);
  const plan = planOf(random);
  const world = makeWorld(random);
  const simulation = new Simulation(plan, world, random, openStore);
  return simulation.run();
}

class Simulation {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #random: () => number;
  readonly #clock: ManualClock;
  readonly #store: Store;
  readonly #sink = new KeepingSink();
  readonly #busy = { calls: 0, faults: 0, arriving: 0 };
  readonly #logged: string[] = [];
  readonly #deliveries: Delivery[];
  readonly #ended: Promise<void>[] = [];
  #replicas: Replica[] = [];
  #underWay = 0;
  #crashes = 0;
  #isCalm = false;

  constructor(plan: Plan, world: World, random: () => number, openStore: (clock: Clock) => Store) {
    this.#plan = plan;
    this.#world = world;
    this.#random = random;
    this.#clock = new ManualClock((world.happenings[0]?.at ?? 0) - 1_000);
    this.#store = openStore(this.#clock);
    this.#deliveries = world.happenings.flatMap((happening) => this.#deliveriesOf(happening));
  }

  async run(): Promise<Outcome> {
    while (this.#deliveries.length > 0 || this.#underWay > 0) await this.#step();
    this.#isCalm = true;
    for (const step of stepsAfter) {
      await this.#clock.advance(step);
      await this.#quiet();
      await this.#restart();
      for (const replica of this.#replicas) this.#sweep(replica);
      await this.#quiet();
    }
    const figures = await this.#store.sizes();
    const parked = await this.#store.listParked(10_000);
    for (const replica of this.#replicas) this.#end(replica);
    await Promise.all(this.#ended);
    const { names, happenings } = this.#world;
    const faults = await judge(this.#plan, this.#world, { figures, parked, sink: this.#sink, logged: this.#logged });
    const counts = `${happenings.length} Events, ${this.#sink.bodies.size} segments, ${this.#sink.copies} copies`;
    return {
      faults,
      what: `${this.#plan.title}; ${names.join(' + ')}: ${counts}, ${this.#crashes} crashes, ${this.#busy.faults} failed calls`,
    };
  }

  #deliveriesOf(happening: Happening): Delivery[] {
    const { delayMostMs, surelyAfterMs, copies, copyDelayMostMs } = this.#plan;
    const one = (most: number): Delivery => ({
      happening,
      event: eventOf(happening),
      at: happening.at + this.#random() * most,
      surelyAt: happening.at + surelyAfterMs,
    });
    const more = this.#random() < copies ? [one(copyDelayMostMs)] : [];
    return [one(delayMostMs), ...more];
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const next = this.#deliveries.reduce((at, delivery) => Math.min(at, delivery.at), Number.POSITIVE_INFINITY);
    const stride = this.#busy.arriving > 0 ? 200 : random() < 0.8 ? 1_500 : 12_000;
    const now = Math.max(this.#clock.now(), Math.min(next, this.#clock.now() + 1 + random() * stride));
    await this.#clock.set(now);
    await this.#quiet();
    await this.#restart();
    const due = this.#deliveries.filter(({ at }) => at <= now);
    for (const delivery of due) {
      this.#deliveries.splice(this.#deliveries.indexOf(delivery), 1);
      void this.#deliver(delivery);
    }
    for (const replica of this.#replicas) {
      if (random() < this.#plan.sweeps) this.#sweep(replica);
      if (random() < this.#plan.crashes) replica.store.crashAfter(Math.floor(random() * 25));
    }
    await this.#quiet();
  }

  /** As a Broker does: again, to anyone, until it is taken. */
  async #deliver(delivery: Delivery): Promise<void> {
    this.#underWay += 1;
    const surely = this.#clock.now() >= delivery.surelyAt;
    const replica = this.#replicas[Math.floor(this.#random() * this.#replicas.length)];
    if (surely && replica) replica.store.calm += 1;
    const answer = await replica?.running.receive([delivery.event]).catch(() => null);
    if (surely && replica) replica.store.calm -= 1;
    // A process that ends has answered nothing.
    const taken = answer?.status === 202 && !replica?.store.dead;
    if (!taken || this.#random() < this.#plan.answersLost * (surely ? 0 : 1))
      this.#deliveries.push({ ...delivery, at: this.#clock.now() + 100 + this.#random() * 900 });
    this.#underWay -= 1;
  }

  #sweep(replica: Replica): void {
    if (replica.sweeping) return;
    replica.sweeping = true;
    void replica.running
      .sweep()
      .catch(() => {})
      .finally(() => {
        replica.sweeping = false;
      });
  }

  /** New ones in place of those that have ended. */
  async #restart(): Promise<void> {
    for (const replica of this.#replicas.filter(({ store }) => store.dead)) {
      this.#crashes += 1;
      this.#end(replica);
    }
    this.#replicas = this.#replicas.filter(({ store }) => !store.dead);
    while (this.#replicas.length < this.#plan.replicas) this.#replicas.push(await this.#start());
    for (const { store } of this.#replicas) store.calm = this.#isCalm ? Math.max(1, store.calm) : store.calm;
  }

  #end({ store, running }: Replica): void {
    store.crash();
    this.#ended.push(running.close(0).catch(() => {}));
  }

  async #start(): Promise<Replica> {
    const skew = this.#plan.skewMostMs * (2 * this.#random() - 1);
    const clock: Clock = { now: () => this.#clock.now() + skew, sleep: (ms, signal) => this.#clock.sleep(ms, signal) };
    const store = new FaultyStore({
      store: this.#store,
      rates: this.#plan.rates,
      random: this.#random,
      clock: this.#clock,
      busy: this.#busy,
      away: () => this.#plan.away.some(([from, to]) => this.#since() >= from && this.#since() < to),
    });
    const settings = new Settings({ PORT: '0' });
    const log = new Log({ function: 'correlator', level: 'error', clock, write: (line) => !store.dead && this.#logged.push(line) });
    const sink = { send: (body: string) => this.#send(store, body), close: () => {} };
    const given = { store, sink, cluster: 'c0', beats: false, random: this.#random };
    return { store, running: await startCorrelator({ settings, log, metrics: new Metrics(), clock }, given), sweeping: false };
  }

  #since(): number {
    return this.#clock.now() - (this.#world.happenings[0]?.at ?? 0);
  }

  /** A sink that takes, refuses for now or for good, hangs, or takes and is not heard. */
  async #send(store: FaultyStore, body: string): Promise<SinkOutcome> {
    store.signal.throwIfAborted();
    const [luck, heard] = [this.#random(), this.#random()];
    const trouble = this.#isCalm ? 0 : this.#plan.sinkFails;
    if (luck >= trouble) return this.#sink.send(body);
    if (luck < trouble * 0.1) return { kind: 'rejected', status: 400, reason: 'made to refuse' };
    if (heard < 0.3) await this.#sink.send(body);
    if (luck < trouble * 0.4) await this.#clock.sleep(30_000, store.signal);
    return { kind: 'retry', reason: 'made to fail', ...(luck > trouble * 0.8 ? { afterMs: 5_000 } : {}) };
  }

  /** Until nothing moves any more without the clock. */
  async #quiet(): Promise<void> {
    for (let turns = 0; turns < quietTurns; turns = this.#busy.calls > 0 ? 0 : turns + 1)
      await new Promise((resolve) => setImmediate(resolve));
  }
}

let sent = 0;

function eventOf({ cluster, object }: Happening): ReceivedEvent {
  sent += 1;
  return {
    id: `random-${sent}`,
    source: 'https://10.96.0.1:443',
    type: 'dev.knative.apiserver.resource.update',
    subject: '',
    time: '',
    dataContentType: 'application/json',
    extensions: { kind: 'Event', cluster },
    data: object,
  };
}
