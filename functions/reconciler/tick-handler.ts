/** A tick starts a listing, one at a time. The response is sent within a bound; a longer listing continues after it. */

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

export class TickHandler {
  readonly #options: TickHandlerOptions;
  readonly #stop = new AbortController();
  #running: Promise<RepairOutcome> | undefined;

  constructor(options: TickHandlerOptions) {
    this.#options = options;
  }

  async tick(): Promise<Answer> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    const { clock, waitMs } = this.#options;
    const outcome = await within(this.#running, waitMs, clock, null);
    if (outcome?.kind !== 'failed') return { status: 202 };
    return { status: 503, retryAfterSeconds: 5, reason: outcome.reason };
  }

  /** Stops a listing between two steps; the next tick restarts it. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<RepairOutcome> {
    const { repair, meters, log } = this.#options;
    const outcome = await repair
      .run(this.#stop.signal)
      .catch((error: unknown): RepairOutcome => ({ kind: 'failed', reason: `Cannot find missed Events: ${messageOf(error)}` }));
    meters.ticks.add({ outcome: outcome.kind });
    if (outcome.kind === 'failed') log.sampled('tick', 5)?.error('listing failed', { reason: outcome.reason });
    return outcome;
  }
}
