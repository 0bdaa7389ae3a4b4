/** PingSources: one CloudEvent at each time of the schedule, sent like Knative's adapter. Missed times are skipped. */

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

/** The retries of the CloudEvents SDK for Go; after them the event is lost. */
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
/** Jitter, so that sources of the same schedule do not fire at once. */
const maxJitterMs = 500;
/** Timers of the runtime are limited to 24 days. */
const maxSleepMs = 3_600_000;

/** Runs until the signal aborts; never rejects for that. */
export async function runPingSource(source: PingSource, options: PingOptions): Promise<void> {
  const { clock, signal, random } = options;
  let last = clock.now();
  try {
    for (;;) {
      const due = source.schedule.next(Math.max(last, clock.now()));
      if (due === null) return;
      last = due;
      while (clock.now() < due) await clock.sleep(Math.min(due - clock.now(), maxSleepMs), signal);
      await clock.sleep(Math.floor(random() * maxJitterMs), signal);
      await sendPing(source, options);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Throws only the reason of the signal. */
export async function sendPing(source: PingSource, options: PingOptions): Promise<void> {
  const { clock, signal, log, poster } = options;
  const wire = toBinary(pingEvent(source, options));
  const sent = await attempts(sdkDelivery, clock, signal, async (attemptSignal) => {
    const exchange = await poster.post(urlOrNone(source, options), wire, attemptSignal);
    if (exchange.kind === 'none') return noAnswer;
    // The SDK retries fewer failures than a delivery; it does not retry 500.
    const isFinal = !isDelivered(exchange.status) && !sdkRetried.includes(exchange.status);
    return isFinal ? { ...exchange, status: 400 } : exchange;
  });
  if (!isDelivered(sent.status)) log.sampled('ping', 10)?.error('tick lost', { source: `${source.namespace}/${source.name}` });
}

/** Empty while the sink does not run, so that the request fails. */
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

/** A UUID, version 4. */
function randomId(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5');
}
