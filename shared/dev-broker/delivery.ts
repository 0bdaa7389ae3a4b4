/**
 * Delivers one event to the subscriber of one Trigger: attempts, the reply back into the Broker, the dead letter. Matches the filter and the
 * channel dispatcher of Knative's MT broker, including the headers passed on and the error attributes of dead letters.
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

/** Shared by an event and all events that it causes. */
export interface DeliveryContext {
  readonly headers: PassedHeaders;
  /** Requests still allowed. */
  readonly budget: { left: number };
}

/** Dependencies of a delivery. */
export interface DeliveryDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly poster: Poster;
  readonly signal: AbortSignal;
  urlOf(destination: Destination): string;
  /** Response status of the ingress of this Broker (`namespace/name`). */
  accept(broker: string, event: BrokerEvent, context: DeliveryContext): Promise<number>;
  countAttempt(trigger: Trigger, status: number): void;
}

/** `mute`: a dead letter without error attributes, since Knative's filter answers without a body, or not at all. */
interface Failure {
  readonly destination: string;
  readonly status: number;
  readonly body: Buffer;
  readonly mute: boolean;
}

type Reply = BrokerEvent | 'empty' | 'malformed';

/** Knative's limit for `knativeerrordata`, in characters. */
const errorDataMost = 1_024;
const passed = /^(?:knative-.*|x-b3-.*|x-request-id|retry-after|traceparent|tracestate|baggage)$/;
const passedMost = 8_192;

/** The request headers that a broker passes on. */
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
  readonly #context: DeliveryContext;
  readonly #dependencies: DeliveryDependencies;
  readonly #slots: Semaphore;

  /** The event includes its time to live. */
  constructor(trigger: Trigger, event: BrokerEvent, context: DeliveryContext, dependencies: DeliveryDependencies, slots: Semaphore) {
    this.#trigger = trigger;
    this.#event = event;
    this.#context = context;
    this.#dependencies = dependencies;
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

  /** Sends the reply to the same Broker; if that fails, the original event is dead-lettered. */
  async #reply(reply: BrokerEvent, answered: IncomingHttpHeaders): Promise<DeliveryOutcome> {
    const ttl = this.#event.attributes.get(ttlName) ?? '';
    const context = { headers: { ...this.#context.headers, ...passedHeaders(answered) }, budget: this.#context.budget };
    const { namespace, broker } = this.#trigger;
    const sent = await this.#attempts(async () => {
      const status = await this.#dependencies.accept(`${namespace}/${broker}`, withAttributes(reply, { [ttlName]: ttl }), context);
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
      this.#dependencies.log.sampled('broker-failed', 20)?.error('delivery failed, no dead letter sink', fields);
      return 'failed';
    }
    const event = failure.mute ? this.#event : withAttributes(this.#event, errorAttributes(failure));
    const { headers, body } = toBinary(event);
    const wire = { headers: { ...this.#context.headers, ...headers, 'kn-namespace': namespace }, body };
    const sent = await this.#attempts((signal) => this.#post(this.#urlOf(sink), wire, signal));
    if (isDelivered(sent.status)) {
      this.#dependencies.log.sampled('broker-dead-letter', 20)?.warn('delivery failed, sent to the dead letter sink', fields);
      return 'dead_lettered';
    }
    this.#dependencies.log
      .sampled('broker-failed', 20)
      ?.error('delivery failed, and so did the dead letter', { ...fields, deadLetterStatus: sent.status });
    return 'failed';
  }

  #attempts(once: (signal: AbortSignal) => Promise<Attempt>): Promise<Attempt> {
    return attempts(this.#trigger.delivery, this.#dependencies.clock, this.#dependencies.signal, once);
  }

  /** Holds a slot for the request only, not during a pause or while the reply is delivered, which may need a slot itself. */
  async #post(url: string, wire: Wire, signal: AbortSignal): Promise<Attempt> {
    if (this.#context.budget.left <= 0) {
      this.#dependencies.log
        .sampled('broker-budget', 5)
        ?.error('one event has caused too many requests: a reply may match its own Trigger', {
          trigger: `${this.#trigger.namespace}/${this.#trigger.name}`,
        });
      return { ...noAnswer, status: 400 };
    }
    this.#context.budget.left -= 1;
    const exchange = await this.#slots.run(() => this.#dependencies.poster.post(url, wire, signal), signal);
    this.#dependencies.countAttempt(this.#trigger, exchange.kind === 'answer' ? exchange.status : 0);
    // The filter answers 500 if it cannot reach the subscriber.
    if (exchange.kind === 'none') return { ...noAnswer, status: 500, body: Buffer.from(`dispatch error: ${exchange.reason}`) };
    return exchange;
  }

  #wireToSubscriber(): Wire {
    const event = withoutAttribute(this.#event, ttlName);
    const { headers, body } = this.#trigger.delivery.format === 'json' ? toStructured(event) : toBinary(event);
    return { headers: { ...this.#context.headers, ...headers, 'kn-namespace': this.#trigger.namespace, prefer: 'reply' }, body };
  }

  /** Empty for an unknown Service: the request fails and is retried. */
  #urlOf(destination: Destination): string {
    try {
      return this.#dependencies.urlOf(destination);
    } catch (error) {
      this.#dependencies.log.sampled('broker-url', 5)?.warn('no URL', { reason: messageOf(error) });
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
