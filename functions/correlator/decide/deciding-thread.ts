/**
 * Deciding in a thread of its own, as this thread sees it. A large change takes seconds to decide; meanwhile requests are acknowledged
 * here. The thread starts after the first acknowledgement, so that a cold start need not wait for it, and shares nothing with this one
 * but the store: what passes between the two is small. When it fails, the process fails.
 */
import type { Worker } from 'node:worker_threads';
import { messageOf } from '../../../shared/process/log.ts';
import { StoreError } from '../../../shared/store/store.ts';
import type { DecideMeters } from '../metrics.ts';
import type { Deciding } from './deciding.ts';
import type { Owned, Owners } from './owner-lookup.ts';
import { sweepEveryMs } from './sweep-loop.ts';

/** To the thread. */
export type ThreadOrder =
  | { readonly kind: 'trigger' }
  /** For so many ms at most; null: until nothing is due. */
  | { readonly kind: 'sweep'; readonly id: number; readonly ms: number | null }
  | { readonly kind: 'stop'; readonly graceMs: number }
  | { readonly kind: 'learnt'; readonly id: number; readonly ok: boolean };

/** From the thread. */
export type ThreadReport =
  | { readonly kind: 'swept'; readonly id: number; readonly done: boolean }
  | { readonly kind: 'learn'; readonly id: number; readonly owned: readonly Owned[] }
  | {
      readonly [Name in keyof DecideMeters]: { readonly kind: 'meter'; readonly name: Name; readonly of: Parameters<DecideMeters[Name]> };
    }[keyof DecideMeters];

export interface DecidingThreadOptions {
  /** The file that the thread runs, and its argument. */
  readonly program: string;
  readonly argument: string;
  readonly owners: Owners;
  readonly meters: DecideMeters;
  /** The process cannot go on. */
  readonly onFailed: (error: Error) => void;
}

/** What the end of the thread may take beyond the grace period. */
const endsWithinMs = 1_000;

export class DecidingThread implements Deciding {
  readonly #options: DecidingThreadOptions;
  #worker: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();
  #isStopping = false;
  #sweeps = 0;
  #starting: NodeJS.Timeout | undefined;
  readonly #waiting = new Map<number, (done: boolean) => void>();

  constructor(options: DecidingThreadOptions) {
    this.#options = options;
  }

  trigger(): void {
    this.#tell({ kind: 'trigger' });
  }

  /** The thread sweeps by itself as soon as it is there. */
  start(): void {
    this.#starting = setTimeout(() => this.trigger(), sweepEveryMs).unref();
  }

  sweepFor(ms: number): Promise<boolean> {
    return this.#sweep(ms);
  }

  async settle(): Promise<void> {
    if (!(await this.#sweep(null))) throw new StoreError('Cannot sweep: the store does not answer');
  }

  #sweep(ms: number | null): Promise<boolean> {
    this.#sweeps += 1;
    const id = this.#sweeps;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#tell({ kind: 'sweep', id, ms });
    });
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#starting);
    const worker = this.#worker;
    if (!worker) return;
    this.#tell({ kind: 'stop', graceMs });
    const cut = setTimeout(() => void worker.terminate(), graceMs + endsWithinMs);
    await this.#ended;
    clearTimeout(cut);
  }

  #tell(order: ThreadOrder): void {
    if (!this.#worker && this.#isStopping) return;
    this.#worker ??= this.#open();
    this.#worker.postMessage(order);
  }

  #open(): Worker {
    // To import it would take time of every cold start.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const { program, argument } = this.#options;
    const worker = new Worker(program, { argv: [argument] });
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        for (const tell of this.#waiting.values()) tell(false);
        this.#waiting.clear();
        if (!this.#isStopping) this.#options.onFailed(new Error('the deciding thread has ended by itself'));
        resolve();
      });
    });
    worker.on('error', (error) => this.#options.onFailed(new Error(`the deciding thread failed: ${messageOf(error)}`, { cause: error })));
    worker.on('message', (report: ThreadReport) => this.#hear(report));
    return worker;
  }

  #hear(report: ThreadReport): void {
    if (report.kind === 'learn') void this.#learn(report.id, report.owned);
    else if (report.kind === 'meter') count(this.#options.meters, report);
    else {
      this.#waiting.get(report.id)?.(report.done);
      this.#waiting.delete(report.id);
    }
  }

  /** Here, where the API server is asked about what arrives, too. */
  async #learn(id: number, owned: readonly Owned[]): Promise<void> {
    const ok = await this.#options.owners.learn(owned).then(
      () => true,
      () => false,
    );
    this.#tell({ kind: 'learnt', id, ok });
  }
}

function count(meters: DecideMeters, report: Extract<ThreadReport, { readonly kind: 'meter' }>): void {
  switch (report.name) {
    case 'routed':
      return meters.routed(...report.of);
    case 'decided':
      return meters.decided(...report.of);
    case 'sent':
      return meters.sent(...report.of);
    case 'swept':
      return meters.swept(...report.of);
    case 'held':
      return meters.held(...report.of);
    case 'asked':
      return meters.asked(...report.of);
    case 'dropped':
      return meters.dropped(...report.of);
  }
}
