/** PingSources by the clock: each due time one CloudEvent, sent as Knative's adapter sends it. A time that was missed is not made up. */

import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { type BrokerEvent, toBinary } from './broker-event.ts';
import { attempts, isDelivered, noAnswer } from './delivery-attempts.ts';
import type { Poster } from './http-client.ts';
import type { Delivery, Destination, PingSource } from './wiring.ts';

export interface PingOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly poster: Poster;
  readonly signal: AbortSignal;
  readonly urlOf: (destination: Destination) => string;
}

/** The retries of the CloudEvents SDK for Go; what it does not get through then is lost. */
const sdkDelivery: Delivery = {
  retry: 5,
  backoffPolicy: 'exponential',
  backoffDelayMs: 100,
  timeoutMs: 30_000,
  deadLetterSink: null,
  retryAfterMaxMs: null,
  format: 'binary',
};
const sdkRetried = [404, 413, 425, 429, 502, 503, 504];
/** Sources of one schedule do not all fire at once. */
const jitterMostMs = 500;
/** A timer of the runtime must not be longer than 24 days. */
const napMostMs = 3_600_000;

/** Runs until the signal; never rejects. */
export async function runPingSource(source: PingSource, options: PingOptions): Promise<void> {
  const { clock, signal, random } = options;
  let last = clock.now();
  try {
    for (;;) {
      const due = source.schedule.next(Math.max(last, clock.now()));
      if (due === null) return;
      last = due;
      while (clock.now() < due) await clock.sleep(Math.min(due - clock.now(), napMostMs), signal);
      await clock.sleep(Math.floor(random() * jitterMostMs), signal);
      await sendPing(source, options);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Throws the signal's reason only. */
export async function sendPing(source: PingSource, options: PingOptions): Promise<void> {
  const { clock, signal, log, poster } = options;
  const wire = toBinary(pingEvent(source, options));
  const sent = await attempts(sdkDelivery, clock, signal, async (attemptSignal) => {
    const exchange = await poster.post(urlOrNone(source, options), wire, attemptSignal);
    if (exchange.kind === 'none') return noAnswer;
    // Of the failures that a delivery tries again the SDK leaves out some, 500 above all.
    const isFinal = !isDelivered(exchange.status) && !sdkRetried.includes(exchange.status);
    return isFinal ? { ...exchange, status: 400 } : exchange;
  });
  if (!isDelivered(sent.status)) log.sampled('ping', 10)?.error('tick lost', { source: `${source.namespace}/${source.name}` });
}

/** Empty, which no request can be made to, while the sink is not there. */
function urlOrNone(source: PingSource, options: PingOptions): string {
  try {
    return options.urlOf(source.sink);
  } catch {
    return '';
  }
}

function pingEvent(source: PingSource, { clock, random }: PingOptions): BrokerEvent {
  const attributes = new Map([
    ['specversion', '1.0'],
    ['id', randomId(random)],
    ['source', `/apis/v1/namespaces/${source.namespace}/pingsources/${source.name}`],
    ['type', 'dev.knative.sources.ping'],
    ['time', new Date(clock.now()).toISOString()],
  ]);
  if (source.contentType !== '') attributes.set('datacontenttype', source.contentType);
  return { attributes, data: Buffer.from(source.data) };
}

/** In the form of a random UUID. */
function randomId(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5');
}
