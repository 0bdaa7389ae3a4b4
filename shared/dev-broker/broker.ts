/** All Brokers of a wiring: accepts an event for one of them, fans it out to its Triggers and tracks the deliveries in progress. */

import type { Clock } from '../process/clock.ts';
import { type Log, messageOf } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import { Semaphore } from '../process/semaphore.ts';
import { type BrokerEvent, withAttributes, withoutAttribute } from './broker-event.ts';
import { arrivalName, Delivery, type DeliveryContext, type DeliveryDependencies, type DeliveryOutcome, ttlName } from './delivery.ts';
import { passes } from './filters.ts';
import type { Poster } from './http-client.ts';
import type { BrokerSpec, Destination, Trigger, Wiring } from './wiring.ts';

export interface BrokerBounds {
  /** Events in progress per Broker, and their bytes; above that the ingress answers 503. */
  readonly eventsMost: number;
  readonly bytesMost: number;
  /** Concurrent requests per Trigger; further ones wait. */
  readonly attemptsAtOnce: number;
  /** Requests that one event may cause, replies to replies included. */
  readonly attemptsMost: number;
  /** Initial `knativebrokerttl`. */
  readonly ttl: number;
  readonly bodyMost: number;
}

export const defaultBounds: BrokerBounds = {
  eventsMost: 10_000,
  bytesMost: 256 * 1024 * 1024,
  attemptsAtOnce: 100,
  attemptsMost: 1_000,
  ttl: 255,
  bodyMost: 8 * 1024 * 1024,
};

interface BrokerOptions {
  readonly wiring: Wiring;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly poster: Poster;
  readonly signal: AbortSignal;
  readonly bounds: BrokerBounds;
  readonly urlOf: (destination: Destination) => string;
}

interface Subscription {
  readonly trigger: Trigger;
  readonly slots: Semaphore;
}

interface BrokerState {
  readonly spec: BrokerSpec;
  readonly subscriptions: readonly Subscription[];
  events: number;
  bytes: number;
}

const eventOutcomes = ['accepted', 'failed', 'expired', 'full'] as const;
const deliveryOutcomes = ['delivered', 'dead_lettered', 'failed', 'filtered'] as const;
const attemptOutcomes = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;

export class Broker implements DeliveryDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly poster: Poster;
  readonly signal: AbortSignal;
  readonly urlOf: (destination: Destination) => string;
  readonly #bounds: BrokerBounds;
  readonly #brokers: ReadonlyMap<string, BrokerState>;
  readonly #countEvent: (broker: string, outcome: (typeof eventOutcomes)[number]) => void;
  readonly #countDelivery: (trigger: Trigger, outcome: (typeof deliveryOutcomes)[number]) => void;
  readonly countAttempt: (trigger: Trigger, status: number) => void;
  #waiting: (() => void)[] = [];

  constructor({ wiring, metrics, bounds, ...dependencies }: BrokerOptions) {
    this.clock = dependencies.clock;
    this.log = dependencies.log;
    this.poster = dependencies.poster;
    this.signal = dependencies.signal;
    this.urlOf = dependencies.urlOf;
    this.#bounds = bounds;
    this.#brokers = new Map(wiring.brokers.map((spec) => [keyOf(spec), stateOf(spec, wiring, bounds)]));
    const broker = [...this.#brokers.keys()];
    const trigger = wiring.triggers.map(keyOf);
    const events = metrics.counter('knspan_broker_events_total', 'Events at the ingress by outcome', { broker, outcome: eventOutcomes });
    this.#countEvent = (name, outcome) => events.add({ broker: name, outcome });
    const deliveries = metrics.counter('knspan_broker_deliveries_total', 'Events by Trigger', { trigger, outcome: deliveryOutcomes });
    this.#countDelivery = (one, outcome) => deliveries.add({ trigger: keyOf(one), outcome });
    const tries = metrics.counter('knspan_broker_attempts_total', 'Requests to subscribers and sinks', {
      trigger,
      outcome: attemptOutcomes,
    });
    this.countAttempt = (one, status) =>
      tries.add({ trigger: keyOf(one), outcome: status === 0 ? 'none' : `${Math.floor(status / 100)}xx` });
  }

  has(broker: string): boolean {
    return this.#brokers.has(broker);
  }

  newContext(headers: DeliveryContext['headers']): DeliveryContext {
    return { headers, budget: { left: this.#bounds.attemptsMost } };
  }

  /** Ingress: time to live, arrival time, then all Triggers concurrently. An asynchronous Broker answers before they finish. */
  async accept(broker: string, event: BrokerEvent, context: DeliveryContext): Promise<number> {
    const state = this.#brokers.get(broker);
    if (state === undefined) return 404;
    const ttl = this.#ttlOf(event);
    if (ttl <= 0) return this.#counted(broker, 'expired', 400);
    const isFull = state.events >= this.#bounds.eventsMost || state.bytes + event.data.length > this.#bounds.bytesMost;
    if (isFull || this.signal.aborted) return this.#counted(broker, 'full', 503);
    const stamped = withAttributes(event, { [arrivalName]: new Date(this.clock.now()).toISOString(), [ttlName]: String(ttl) });
    state.events += 1;
    state.bytes += event.data.length;
    const fanOut = this.#fanOut(state, stamped, context).finally(() => {
      state.events -= 1;
      state.bytes -= event.data.length;
      this.#wakeIfIdle();
    });
    if (state.spec.isAsync) return this.#counted(broker, 'accepted', 202);
    return (await fanOut) ? this.#counted(broker, 'accepted', 202) : this.#counted(broker, 'failed', 500);
  }

  async idle(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** true if every matching Trigger has delivered the event or dead-lettered it. Never rejects. */
  async #fanOut(state: BrokerState, event: BrokerEvent, context: DeliveryContext): Promise<boolean> {
    const { attributes } = withoutAttribute(event, ttlName);
    const outcomes = state.subscriptions.map(async ({ trigger, slots }): Promise<boolean> => {
      if (!passes(trigger.filter, attributes)) {
        this.#countDelivery(trigger, 'filtered');
        return true;
      }
      const outcome = await this.#deliver(new Delivery(trigger, event, context, this, slots));
      this.#countDelivery(trigger, outcome);
      return outcome !== 'failed';
    });
    return (await Promise.all(outcomes)).every(Boolean);
  }

  async #deliver(delivery: Delivery): Promise<DeliveryOutcome> {
    try {
      return await delivery.run();
    } catch (error) {
      if (!this.signal.aborted) this.log.error('delivery failed', { reason: messageOf(error) });
      return 'failed';
    }
  }

  /** A value that is not a number counts as absent, as in a cluster. */
  #ttlOf(event: BrokerEvent): number {
    const text = event.attributes.get(ttlName) ?? '';
    return /^-?\d{1,9}$/.test(text) ? Number(text) - 1 : this.#bounds.ttl;
  }

  #counted(broker: string, outcome: (typeof eventOutcomes)[number], status: number): number {
    this.#countEvent(broker, outcome);
    return status;
  }

  #isIdle(): boolean {
    return [...this.#brokers.values()].every(({ events }) => events === 0);
  }

  #wakeIfIdle(): void {
    if (!this.#isIdle()) return;
    for (const wake of this.#waiting) wake();
    this.#waiting = [];
  }
}

export function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function stateOf(spec: BrokerSpec, wiring: Wiring, bounds: BrokerBounds): BrokerState {
  const triggers = wiring.triggers.filter(({ namespace, broker }) => namespace === spec.namespace && broker === spec.name);
  return {
    spec,
    subscriptions: triggers.map((trigger) => ({ trigger, slots: new Semaphore(bounds.attemptsAtOnce) })),
    events: 0,
    bytes: 0,
  };
}
