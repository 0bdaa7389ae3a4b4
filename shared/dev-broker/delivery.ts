/**
 * One event to one Trigger's subscriber: attempts, the reply back into the Broker, the dead letter. As the filter and the channel
 * dispatcher of Knative's MT broker do it together, down to which headers go along and which dead letters say why.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../process/clock.ts';
import { type Log, messageOf } from '../process/log.ts';
import type { Semaphore } from '../process/semaphore.ts';
import { type BrokerEvent, readEvent, toBinary, toStructured, type Wire, withAttributes, withoutAttribute } from './broker-event.ts';
import { type Attempt, attempts, isDelivered, noAnswer } from './delivery-attempts.ts';
import type { Poster } from './http-client.ts';
import type { Destination, Trigger } from './wiring.ts';

export const ttlName = 'knativebrokerttl';
export const arrivalName = 'knativearrivaltime';

export type PassedHeaders = Readonly<Record<string, string>>;

/** What belongs to one event and all that it causes. */
export interface Journey {
  readonly headers: PassedHeaders;
  /** Requests that may still be made. */
  readonly budget: { left: number };
}

/** What a delivery needs of the world around it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly poster: Poster;
  readonly signal: AbortSignal;
  urlOf(destination: Destination): string;
  /** The status that the ingress of this Broker (`namespace/name`) gives. */
  accept(broker: string, event: BrokerEvent, journey: Journey): Promise<number>;
  countAttempt(trigger: Trigger, status: number): void;
}

/** `mute`: a dead letter that cannot say why, since Knative's filter answers without a body, or not at all. */
interface Failure {
  readonly destination: string;
  readonly status: number;
  readonly body: Buffer;
  readonly mute: boolean;
}

type Reply = BrokerEvent | 'empty' | 'malformed';

/** Cut as Knative cuts it. */
const errorDataMost = 1_024;
const passed = /^(?:knative-.*|x-b3-.*|x-request-id|retry-after|traceparent|tracestate|baggage)$/;
const passedMost = 8_192;

/** The few headers that go through a broker. */
export function passedHeaders(headers: IncomingHttpHeaders): PassedHeaders {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (passed.test(name) && value !== undefined) found[name] = (Array.isArray(value) ? value.join(', ') : value).slice(0, passedMost);
  }
  return found;
}

export type DeliveryOutcome = 'delivered' | 'dead_lettered' | 'failed';

export class Delivery {
  readonly #trigger: Trigger;
  readonly #event: BrokerEvent;
  readonly #journey: Journey;
  readonly #by: Surroundings;
  readonly #slots: Semaphore;

  /** The event as the Broker holds it, with its time to live. */
  constructor(trigger: Trigger, event: BrokerEvent, journey: Journey, by: Surroundings, slots: Semaphore) {
    this.#trigger = trigger;
    this.#event = event;
    this.#journey = journey;
    this.#by = by;
    this.#slots = slots;
  }

  async run(): Promise<DeliveryOutcome> {
    const got: { reply: Reply } = { reply: 'empty' };
    const target = this.#urlOf(this.#trigger.subscriber);
    const wire = this.#wireToSubscriber();
    const sent = await this.#attempts(async (signal) => {
      const attempt = await this.#post(target, wire, signal);
      got.reply = isDelivered(attempt.status) ? readReply(attempt) : 'empty';
      return got.reply === 'malformed' ? { ...noAnswer, status: 502 } : attempt;
    });
    if (!isDelivered(sent.status))
      return this.#deadLetter({
        destination: target,
        status: sent.status,
        body: sent.body,
        mute: sent.status === 0 || got.reply === 'malformed',
      });
    return typeof got.reply === 'string' ? 'delivered' : this.#reply(got.reply, sent.headers);
  }

  /** The reply comes into the same Broker as if it were sent; when that fails it is the original that is lost or put aside. */
  async #reply(reply: BrokerEvent, answered: IncomingHttpHeaders): Promise<DeliveryOutcome> {
    const ttl = this.#event.attributes.get(ttlName) ?? '';
    const journey = { headers: { ...this.#journey.headers, ...passedHeaders(answered) }, budget: this.#journey.budget };
    const { namespace, broker } = this.#trigger;
    const sent = await this.#attempts(async () => {
      const status = await this.#by.accept(`${namespace}/${broker}`, withAttributes(reply, { [ttlName]: ttl }), journey);
      return { ...noAnswer, status };
    });
    if (isDelivered(sent.status)) return 'delivered';
    return this.#deadLetter({
      destination: this.#urlOf({ kind: 'broker', namespace, name: broker }),
      status: sent.status,
      body: sent.body,
      mute: false,
    });
  }

  async #deadLetter(failure: Failure): Promise<DeliveryOutcome> {
    const { namespace, name, delivery } = this.#trigger;
    const fields = { trigger: `${namespace}/${name}`, status: failure.status, id: this.#event.attributes.get('id') };
    const sink = delivery.deadLetterSink;
    if (sink === null) {
      this.#by.log.sampled('broker-failed', 20)?.error('delivery failed, no dead letter sink', fields);
      return 'failed';
    }
    const event = failure.mute ? this.#event : withAttributes(this.#event, errorAttributes(failure));
    const { headers, body } = toBinary(event);
    const wire = { headers: { ...this.#journey.headers, ...headers, 'kn-namespace': namespace }, body };
    const sent = await this.#attempts((signal) => this.#post(this.#urlOf(sink), wire, signal));
    if (isDelivered(sent.status)) {
      this.#by.log.sampled('broker-dead-letter', 20)?.warn('delivery failed, sent to the dead letter sink', fields);
      return 'dead_lettered';
    }
    this.#by.log
      .sampled('broker-failed', 20)
      ?.error('delivery failed, and so did the dead letter', { ...fields, deadLetterStatus: sent.status });
    return 'failed';
  }

  #attempts(once: (signal: AbortSignal) => Promise<Attempt>): Promise<Attempt> {
    return attempts(this.#trigger.delivery, this.#by.clock, this.#by.signal, once);
  }

  /** A place is held for the request only, never in a pause or while a reply goes its way, which may need a place itself. */
  async #post(url: string, wire: Wire, signal: AbortSignal): Promise<Attempt> {
    if (this.#journey.budget.left <= 0) {
      this.#by.log.sampled('broker-budget', 5)?.error('one event has caused too many requests: a reply may match its own Trigger', {
        trigger: `${this.#trigger.namespace}/${this.#trigger.name}`,
      });
      return { ...noAnswer, status: 400 };
    }
    this.#journey.budget.left -= 1;
    const exchange = await this.#slots.run(signal, () => this.#by.poster.post(url, wire, signal));
    this.#by.countAttempt(this.#trigger, exchange.kind === 'answer' ? exchange.status : 0);
    // So the filter answers when it cannot reach the subscriber.
    if (exchange.kind === 'none') return { ...noAnswer, status: 500, body: Buffer.from(`dispatch error: ${exchange.reason}`) };
    return exchange;
  }

  #wireToSubscriber(): Wire {
    const event = withoutAttribute(this.#event, ttlName);
    const { headers, body } = this.#trigger.delivery.format === 'json' ? toStructured(event) : toBinary(event);
    return { headers: { ...this.#journey.headers, ...headers, 'kn-namespace': this.#trigger.namespace, prefer: 'reply' }, body };
  }

  /** Empty when the Service is not known: then no request can be made, and it is tried again. */
  #urlOf(destination: Destination): string {
    try {
      return this.#by.urlOf(destination);
    } catch (error) {
      this.#by.log.sampled('broker-url', 5)?.warn('no URL', { reason: messageOf(error) });
      return '';
    }
  }
}

function readReply({ headers, body }: Attempt): Reply {
  const isEvent = headers['ce-specversion'] !== undefined || /^application\/cloudevents/i.test(headers['content-type'] ?? '');
  if (!isEvent) return body.length === 0 ? 'empty' : 'malformed';
  const event = readEvent(headers, body);
  return event.ok ? event.value : 'malformed';
}

function errorAttributes({ destination, status, body }: Failure): Record<string, string> {
  const data = body.toString('base64').slice(0, errorDataMost);
  return { knativeerrordest: destination, knativeerrorcode: String(status), knativeerrordata: data };
}
