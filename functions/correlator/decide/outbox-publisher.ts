/**
 * Sends what was decided: out of the outbox, to the sink, and only then forgotten. Segments need no order, so one that gets stuck
 * holds up no other: a Broker may answer only when its slowest subscriber has, so what waits long for its answer makes room for the next.
 * What this process has just committed it sends at once; what others left behind it finds when it is due.
 */

import type { Sink, SinkOutcome } from '../../../shared/http/sink.ts';
import { type Backoff, backoffMs } from '../../../shared/process/backoff.ts';
import type { Log } from '../../../shared/process/log.ts';
import { noTracing, type Tracing } from '../../../shared/process/tracing.ts';
import type { DeliveryQueue, QueuedDelivery, Store } from '../../../shared/store/store.ts';

export interface OutboxPublisherOptions {
  readonly store: Store;
  readonly sink: Sink;
  readonly log: Log;
  /** From 0 up to 1, for the jitter. */
  readonly random: () => number;
  readonly tracing?: Tracing | undefined;
  /** Sent at the same time, beside those that wait long for their answer. */
  readonly atOnce: number;
  /** What waits longer for its answer makes room for the next. */
  readonly patienceMs: number;
  /** While an item is being sent it is nobody else's for so long; longer than a POST may take. */
  readonly holdMs: number;
  readonly onSent: (outcome: SinkOutcome['kind']) => void;
  /** Of what was put aside for a person: so many went for the newest. */
  readonly onLost: (count: number) => void;
}

interface Job {
  readonly box: DeliveryQueue;
  readonly item: QueuedDelivery;
}

const backoff: Backoff = { firstMs: 500, maxMs: 60_000 };
/** Characters of what waits in memory to be sent; the rest waits in the store alone. */
const queueMost = 8 * 1_024 * 1_024;
/** How many may wait long for their answer, and their characters. Beyond that they make no room. */
const waitersMost = 256;
const waitingMost = 8 * 1_024 * 1_024;

/** Connections that a sink must offer. */
export const sendsMost = (atOnce: number): number => atOnce + waitersMost;

export class OutboxPublisher {
  readonly #options: OutboxPublisherOptions;
  readonly #queue: Job[] = [];
  #queued = 0;
  #underWay = 0;
  /** Beside them: what waits long for its answer, and its characters. */
  #waiters = 0;
  #waiting = 0;
  /** Shards whose outbox had more that was due than could be taken. */
  readonly #more = new Set<number>();
  #refilling = false;
  #idle: (() => void)[] = [];
  #stopped = false;

  constructor(options: OutboxPublisherOptions) {
    this.#options = options;
  }

  /** Whether it takes more of what this process commits. */
  get hasRoom(): boolean {
    return this.#queued < queueMost;
  }

  /** What this process has committed and holds. What it does not take is found in the store. */
  offer(shard: number, items: readonly { readonly id: string; readonly body: string }[]): void {
    if (!this.hasRoom) {
      this.#more.add(shard);
      return;
    }
    for (const { id, body } of items) this.#push({ box: { kind: 'outbox', shard }, item: { id, body, tries: 1 } });
    this.#run();
  }

  /** Takes what is due in a shard's outbox, as much as can be sent at once. Says how many. */
  async collect(shard: number, clock: number): Promise<number> {
    if (this.#stopped) return 0;
    const free = this.#options.atOnce - this.#underWay - this.#queue.length;
    const box: DeliveryQueue = { kind: 'outbox', shard };
    const items = free > 0 ? await this.#options.store.claimDeliveries(box, clock, this.#options.holdMs, free) : [];
    // Behind the others: each gets its turn.
    this.#more.delete(shard);
    if (items.length >= free) this.#more.add(shard);
    for (const item of items) this.#push({ box, item });
    this.#run();
    return items.length;
  }

  /** After a backlog was found, the next part of it as soon as this one is sent: the next sweep may be long in coming. */
  async #refill(): Promise<void> {
    const { store, log } = this.#options;
    this.#refilling = true;
    try {
      const clock = await store.clock();
      for (const shard of [...this.#more]) await this.collect(shard, clock);
    } catch (error) {
      log.sampled('outbox', 10)?.warn('could not read the outbox', { reason: String(error) });
    }
    this.#refilling = false;
  }

  #push(job: Job): void {
    this.#queue.push(job);
    this.#queued += job.item.body.length;
  }

  /** Resolves when nothing is queued or under way, or it was stopped. */
  async settled(): Promise<void> {
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Takes nothing more. What is under way goes on; what is queued stays in the outbox. */
  stop(): void {
    this.#stopped = true;
    this.#queue.length = 0;
    this.#queued = 0;
    this.#more.clear();
    for (const wake of this.#idle.splice(0)) wake();
  }

  #run(): void {
    while (this.#underWay < this.#options.atOnce) {
      const job = this.#queue.shift();
      if (!job) break;
      this.#queued -= job.item.body.length;
      this.#underWay += 1;
      void this.#work(job);
    }
  }

  async #work(job: Job): Promise<void> {
    const leave = this.#place(job.item.body.length);
    const taken = await this.#send(job);
    // While the sink takes.
    if (taken && this.#more.size > 0 && this.#queue.length === 0 && !this.#refilling) await this.#refill();
    leave();
    this.#run();
    this.#rest();
  }

  /** The place of a send: given up after a while, where there is room to wait. Gives what ends it. */
  #place(size: number): () => void {
    let isWaiting = false;
    const patience = setTimeout(() => {
      if (this.#waiters >= waitersMost || this.#waiting + size > waitingMost) return;
      isWaiting = true;
      this.#underWay -= 1;
      this.#wait(1, size);
      this.#run();
    }, this.#options.patienceMs);
    return () => {
      clearTimeout(patience);
      if (isWaiting) this.#wait(-1, -size);
      else this.#underWay -= 1;
    };
  }

  #wait(count: 1 | -1, size: number): void {
    this.#waiters += count;
    this.#waiting += size;
  }

  get #isIdle(): boolean {
    return this.#underWay === 0 && this.#waiters === 0 && this.#queue.length === 0;
  }

  #rest(): void {
    if (this.#isIdle) for (const wake of this.#idle.splice(0)) wake();
  }

  /** True when the sink has it. */
  async #send({ box, item }: Job): Promise<boolean> {
    const { store, sink, log, onSent, tracing = noTracing } = this.#options;
    try {
      const sent = await tracing.below(item.id, 'emit', () => sink.send(item.body, tracing.headers()));
      onSent(sent.kind);
      if (sent.kind === 'accepted') {
        await store.removeDeliveries(box, [item.id]);
        return true;
      }
      if (sent.kind === 'rejected') {
        log.sampled('parked', 10)?.error('parked a segment that is refused for good', { id: item.id, reason: sent.reason });
        this.#options.onLost(await store.park(box, item.id, sent.reason));
      } else {
        log.sampled('postponed', 10)?.warn('could not send a segment', { id: item.id, tries: item.tries, reason: sent.reason });
        const pause = Math.max(sent.afterMs ?? 0, backoffMs(backoff, item.tries, this.#options.random));
        await store.postponeDelivery(box, item.id, (await store.clock()) + pause);
      }
    } catch (error) {
      // The store is away: the item is still there, and due again when it is no longer held.
      log.sampled('outbox', 10)?.warn('could not update the outbox', { id: item.id, reason: String(error) });
    }
    return false;
  }
}
