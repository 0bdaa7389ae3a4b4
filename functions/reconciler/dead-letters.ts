/**
 * Dead letters: what a Broker could not deliver is put into the store, then acknowledged, and sent again to the subscriber that failed,
 * with growing pauses. What has no configured subscriber, is refused, or fails for too long is parked for a person. It is sent without
 * `Prefer: reply`: what a subscriber replies goes nowhere, since which Broker waited for it is not known here.
 */
import { createHash } from 'node:crypto';
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import type { Json } from '../../shared/events/json.ts';
import { textField } from '../../shared/events/json.ts';
import type { Answer } from '../../shared/http/server.ts';
import type { Sink, SinkOutcome } from '../../shared/http/sink.ts';
import { reduceObject } from '../../shared/kubernetes/reduce-object.ts';
import { tickType } from '../../shared/process/event-selection.ts';
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
  /** Of what was parked: so many went for the newest. */
  readonly onLost: (count: number) => void;
  readonly log: Log;
}

type Outcome = (typeof letterOutcomes)[number];

const box = { kind: 'dead-letters' } as const;
const firstPauseMs = 5_000;
const pauseMostMs = 3_600_000;
/** Longer than a whole batch to one subscriber takes, where the first that is not answered in time ends the batch. */
const holdMs = 300_000;
const batchMost = 20;
const dropped = ['knativeerrordest', 'knativeerrorcode', 'knativeerrordata', 'knativebrokerttl'];

/**
 * Where the path does not tell. After an attempt that timed out or a malformed reply a Broker says nothing of the failure; but its time to
 * live it never shows to a subscriber. A tick with it is a tick all the same: to take it for a dead letter would end all listings.
 */
export function isDeadLetter({ type, extensions }: ReceivedEvent): boolean {
  if (extensions['knativeerrordest'] !== undefined || extensions['knativeerrorcode'] !== undefined) return true;
  return extensions['knativebrokerttl'] !== undefined && type !== tickType;
}

export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #sinks = new Map<string, Sink>();
  #stopped = false;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** `name`: the subscriber that failed; empty where only the event may say it. Rejects when the store is away. */
  async take(events: readonly ReceivedEvent[], name: string): Promise<Answer> {
    const { store, meters } = this.#options;
    const now = await store.clock();
    // A tick means nothing later; the next one comes anyway.
    const kept = events.filter(({ type }) => type !== tickType);
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
    const taken = await store.enqueue(box, items, now + this.#pause(1));
    meters.letters.add({ outcome: taken ? 'taken' : 'full' }, items.length);
    return taken ? { status: 202 } : { status: 503, retryAfterSeconds: 60, reason: 'Cannot take dead letter: too many wait already' };
  }

  /** Sends what is due; says how many there were. Rejects when the store is away. */
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

  /** What is claimed and not yet sent is due again at once. */
  stop(): void {
    this.#stopped = true;
  }

  /** Sends that are under way fail. */
  close(): void {
    for (const sink of this.#sinks.values()) sink.close();
    this.#sinks.clear();
  }

  /** One after the other: a subscriber that is away is spared the rest; one that only fails on a letter may take the next. */
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
    const { store, meters, giveUpAfter } = this.#options;
    if (outcome.kind === 'accepted') {
      await store.removeDeliveries(box, [item.id]);
      meters.letters.add({ outcome: 'delivered' });
    } else if (outcome.kind === 'rejected') await this.#park(item, 'refused', outcome.reason);
    else if (now - letter.since >= giveUpAfter) await this.#park(item, 'given_up', `given up after ${item.tries} tries: ${outcome.reason}`);
    else {
      await store.postponeDelivery(box, item.id, now + Math.max(outcome.afterMs ?? 0, this.#pause(item.tries)));
      meters.letters.add({ outcome: 'again' });
    }
  }

  async #park(item: QueuedDelivery, outcome: Outcome, reason: string): Promise<void> {
    const { store, meters, log, onLost } = this.#options;
    onLost(await store.park(box, item.id, reason));
    meters.letters.add({ outcome });
    log.sampled('parked', 20)?.warn('parked a dead letter', { id: item.id, reason });
  }

  /** Doubles with each try; half of it is chance, so that many that failed together do not come back together. */
  #pause(tries: number): number {
    const whole = Math.min(pauseMostMs, firstPauseMs * 2 ** Math.min(tries - 1, 30));
    return Math.round(whole * (0.5 + this.#options.random() / 2));
  }

  #sink(url: string): Sink {
    const sink = this.#sinks.get(url) ?? this.#options.sinkTo(url);
    this.#sinks.set(url, sink);
    return sink;
  }
}

/** It did not answer, or says that it cannot now. */
function isAway(status: number | undefined): boolean {
  return status === undefined || [429, 502, 503, 504].includes(status);
}

/** The event as it was before it failed; of an object only what knspan may keep. */
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
