/**
 * A tick starts a listing of all namespaces, a suspected gap one of its namespace; one at a time of each. The response is sent within a
 * bound; a longer listing continues after it.
 */

import type { Answer } from '../../shared/http/server.ts';
import type { Clock } from '../../shared/process/clock.ts';
import { type Log, messageOf } from '../../shared/process/log.ts';
import { within } from '../../shared/process/timeout.ts';
import type { ListAndRepair, RepairOutcome } from './list-and-repair.ts';
import type { Meters } from './metrics.ts';

export interface TickHandlerOptions {
  readonly repair: ListAndRepair;
  readonly meters: Meters;
  readonly log: Log;
  readonly clock: Clock;
  readonly waitMs: number;
}

const listingsMax = 100;

export class TickHandler {
  readonly #options: TickHandlerOptions;
  readonly #stop = new AbortController();
  /** By namespace; '': all. */
  readonly #running = new Map<string, Promise<RepairOutcome>>();

  constructor(options: TickHandlerOptions) {
    this.#options = options;
  }

  tick(): Promise<Answer> {
    return this.#answer('', (signal) => this.#options.repair.run(signal));
  }

  /** Events of this namespace seem to be missing. */
  gap(namespace: string): Promise<Answer> {
    if (!this.#running.has(namespace) && this.#running.size >= listingsMax)
      return Promise.resolve({ status: 503, retryAfterSeconds: 5, reason: `Cannot list '${namespace}': too many listings are running` });
    return this.#answer(namespace, (signal) => this.#options.repair.repair(namespace, signal));
  }

  /** Stops listings between two steps; the next tick restarts them. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running.values());
  }

  async #answer(namespace: string, list: (signal: AbortSignal) => Promise<RepairOutcome>): Promise<Answer> {
    const running = this.#running.get(namespace) ?? this.#run(list).finally(() => this.#running.delete(namespace));
    this.#running.set(namespace, running);
    const { clock, waitMs } = this.#options;
    const outcome = await within(running, waitMs, clock, null);
    if (outcome?.kind !== 'failed') return { status: 202 };
    return { status: 503, retryAfterSeconds: 5, reason: outcome.reason };
  }

  async #run(list: (signal: AbortSignal) => Promise<RepairOutcome>): Promise<RepairOutcome> {
    const { meters, log } = this.#options;
    const outcome = await list(this.#stop.signal).catch(
      (error: unknown): RepairOutcome => ({ kind: 'failed', reason: `Cannot find missed Events: ${messageOf(error)}` }),
    );
    meters.ticks.add({ outcome: outcome.kind });
    if (outcome.kind === 'failed') log.sampled('tick', 5)?.error('listing failed', { reason: outcome.reason });
    return outcome;
  }
}
