/**
 * Dead letters: events that a Broker could not deliver are stored, then acknowledged, and re-sent to the failed subscriber with growing
 * delays. Those without a configured subscriber, rejected ones, and those failing for too long are parked for an operator. They are sent
 * without `Prefer: reply`: a reply would be lost, since the Broker that waited for it is unknown here.
 */
import { createHash } from 'node:crypto';
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import type { Json } from '../../shared/events/json.ts';
import { textField } from '../../shared/events/json.ts';
import type { Answer } from '../../shared/http/server.ts';
import type { Sink, SinkOutcome } from '../../shared/http/sink.ts';
import { reduceObject } from '../../shared/kubernetes/reduce-object.ts';
import { type Backoff, backoffMs } from '../../shared/process/backoff.ts';
import { tickType } from '../../shared/process/event-selection.ts';
import { gapType } from '../../shared/process/gap-event.ts';
import type { Log } from '../../shared/process/log.ts';
import { type DeadLetter, deadLetterText, parseDeadLetter } from '../../shared/store/dead-letter.ts';
import type { QueuedDelivery, Store } from '../../shared/store/store.ts';
import type { letterOutcomes, Meters } from './metrics.ts';
import type { Subscribers } from './subscribers.ts';

export interface DeadLettersOptions {
  readonly store: Store;
  readonly subscribers: Subscribers;
  readonly sinkTo: (url: string) => Sink;
  readonly giveUpAfter: number;
  readonly random: () => number;
  readonly meters: Meters;
  /** Called with the number of parked items dropped because of the limit. */
  readonly onLost: (count: number) => void;
  readonly log: Log;
}

type Outcome = (typeof letterOutcomes)[number];

const box = { kind: 'dead-letters' } as const;
const backoff: Backoff = { firstMs: 5_000, maxMs: 3_600_000 };
/** Longer than a batch to one subscriber takes: the first send without a response ends the batch. */
const holdMs = 300_000;
const batchMost = 20;
const dropped = ['knativeerrordest', 'knativeerrorcode', 'knativeerrordata', 'knativebrokerttl'];

/**
 * Recognises a dead letter without a path. After a timeout or a malformed reply the Broker adds no error attributes; but only a dead letter
 * has its time-to-live attribute. A tick with it is still a tick: taken for a dead letter, it would end all listings.
 */
export function isDeadLetter({ type, extensions }: ReceivedEvent): boolean {
  if (extensions['knativeerrordest'] !== undefined || extensions['knativeerrorcode'] !== undefined) return true;
  return extensions['knativebrokerttl'] !== undefined && type !== tickType && type !== gapType;
}

export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #sinks = new Map<string, Sink>();
  #stopped = false;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** `name`: the failed subscriber; empty: named by the event, if at all. Rejects if the store is unavailable. */
  async take(events: readonly ReceivedEvent[], name: string): Promise<Answer> {
    const { store, meters } = this.#options;
    const now = await store.clock();
    // A late tick or request for a listing is useless; the next one follows.
    const kept = events.filter(({ type }) => type !== tickType && type !== gapType);
    meters.letters.add({ outcome: 'tick' }, events.length - kept.length);
    const items = kept.map((event) => {
      const { knativeerrordest = '', knativeerrorcode: code = '' } = event.extensions;
      // After a failed reply the event names the Broker.
      const dest = name === '' ? knativeerrordest : name;
      const id = createHash('sha256')
        .update(JSON.stringify([event.source, event.id, dest]))
        .digest('hex')
        .slice(0, 16);
      return { id, body: deadLetterText({ dest, code, since: now, event: structured(event) }) };
    });
    if (items.length === 0) return { status: 202 };
    const taken = await store.enqueue(box, items, now + backoffMs(backoff, 1, this.#options.random));
    meters.letters.add({ outcome: taken ? 'accepted' : 'full' }, items.length);
    return taken ? { status: 202 } : { status: 503, retryAfterSeconds: 60, reason: 'Cannot accept dead letter: too many are pending' };
  }

  /** Sends due dead letters; returns their number. Rejects if the store is unavailable. */
  async send(): Promise<number> {
    const { store, subscribers } = this.#options;
    const now = await store.clock();
    const items = await store.claimDeliveries(box, now, holdMs, batchMost);
    const read = items.map((item) => ({ item, letter: parseDeadLetter(item.body) }));
    const byTarget = new Map<string, { item: QueuedDelivery; letter: DeadLetter }[]>();
    for (const { item, letter } of read) {
      const url = letter.ok ? subscribers.find(letter.value.dest) : null;
      if (!letter.ok) await this.#park(item, 'unreadable', letter.reason);
      else if (url === null) await this.#park(item, 'unknown', `its subscriber '${letter.value.dest}' is not in KNSPAN_SUBSCRIBERS`);
      else byTarget.set(url, [...(byTarget.get(url) ?? []), { item, letter: letter.value }]);
    }
    await Promise.all([...byTarget].map(([url, letters]) => this.#sendTo(url, letters, now)));
    return items.length;
  }

  /** Makes claimed and unsent dead letters due again at once. */
  stop(): void {
    this.#stopped = true;
  }

  /** Aborts sends in flight. */
  close(): void {
    for (const sink of this.#sinks.values()) sink.close();
    this.#sinks.clear();
  }

  /** Sequentially: an unavailable subscriber is spared the rest; one that fails on a single letter gets the next. */
  async #sendTo(url: string, letters: readonly { item: QueuedDelivery; letter: DeadLetter }[], now: number): Promise<void> {
    let away: SinkOutcome | null = null;
    for (const { item, letter } of letters) {
      if (this.#stopped) {
        await this.#options.store.postponeDelivery(box, item.id, now);
        continue;
      }
      const outcome: SinkOutcome = away ?? (await this.#sink(url).send(JSON.stringify(letter.event)));
      if (outcome.kind === 'retry' && isAway(outcome.status)) away = outcome;
      await this.#settle(item, letter, outcome, now);
    }
  }

  async #settle(item: QueuedDelivery, letter: DeadLetter, outcome: SinkOutcome, now: number): Promise<void> {
    const { store, meters, giveUpAfter, random } = this.#options;
    if (outcome.kind === 'accepted') {
      await store.removeDeliveries(box, [item.id]);
      meters.letters.add({ outcome: 'delivered' });
    } else if (outcome.kind === 'rejected') await this.#park(item, 'rejected', outcome.reason);
    else if (now - letter.since >= giveUpAfter) await this.#park(item, 'given_up', `given up after ${item.tries} tries: ${outcome.reason}`);
    else {
      await store.postponeDelivery(box, item.id, now + Math.max(outcome.afterMs ?? 0, backoffMs(backoff, item.tries, random)));
      meters.letters.add({ outcome: 'retry' });
    }
  }

  async #park(item: QueuedDelivery, outcome: Outcome, reason: string): Promise<void> {
    const { store, meters, log, onLost } = this.#options;
    onLost(await store.park(box, item.id, reason));
    meters.letters.add({ outcome });
    log.sampled('parked', 20)?.warn('parked a dead letter', { id: item.id, reason });
  }

  #sink(url: string): Sink {
    const sink = this.#sinks.get(url) ?? this.#options.sinkTo(url);
    this.#sinks.set(url, sink);
    return sink;
  }
}

/** No response, or temporarily unavailable. */
function isAway(status: number | undefined): boolean {
  return status === undefined || [429, 502, 503, 504].includes(status);
}

/** The event as it was before the failure; an object is reduced to what knspan may keep. */
function structured({ id, source, type, subject, time, dataContentType, extensions, data, dataText, dataBase64 }: ReceivedEvent): Json {
  const isObject = type.startsWith('dev.knative.apiserver.resource.') && textField(data, 'kind') !== 'Event';
  const content = data === undefined ? dataText : isObject ? reduceObject(data) : data;
  return {
    ...Object.fromEntries(Object.entries(extensions).filter(([name]) => !dropped.includes(name))),
    specversion: '1.0',
    id,
    source,
    type,
    ...(subject === '' ? {} : { subject }),
    ...(time === '' ? {} : { time }),
    ...(dataContentType === '' ? {} : { datacontenttype: dataContentType }),
    ...(content === undefined ? {} : { data: content }),
    ...(dataBase64 === undefined ? {} : { data_base64: dataBase64 }),
  };
}
