/**
 * The way to the database: opened at the start, or as soon as PostgreSQL answers, so that a function that starts while PostgreSQL is away
 * says so to whoever sends instead of failing. While it is open, what is older than the retention is dropped now and then.
 */
import type { Database } from '../../shared/history/database.ts';
import type { OpenedDatabase } from '../../shared/history/open.ts';
import { dropBefore } from '../../shared/history/retention.ts';
import { HistoryWriter } from '../../shared/history/writer.ts';
import type { Clock } from '../../shared/process/clock.ts';
import { type Log, messageOf } from '../../shared/process/log.ts';

export interface ConnectionOptions {
  readonly open: () => Promise<OpenedDatabase>;
  /** ms; null: everything is kept. */
  readonly retention: number | null;
  readonly waitingMax: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onDropped: (partitions: number) => void;
}

const retryMs = 1_000;
const dropEveryMs = 10 * 60_000;
const linesPerMinute = 6;

export class HistoryConnection {
  readonly #options: ConnectionOptions;
  #opened: OpenedDatabase | null = null;
  #writer: HistoryWriter | null = null;
  #opening: Promise<HistoryWriter> | null = null;
  /** The last failure, and until when it stands for the next attempt. */
  #failed: { readonly error: unknown; readonly until: number } | null = null;
  #dropping: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get open(): HistoryWriter | null {
    return this.#writer;
  }

  /** Rejects while PostgreSQL is away. */
  writer(): Promise<HistoryWriter> {
    if (this.#writer) return Promise.resolve(this.#writer);
    if (this.#failed && performance.now() < this.#failed.until) return Promise.reject(this.#failed.error);
    this.#opening ??= this.#openWriter().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async close(graceMs: number): Promise<void> {
    clearInterval(this.#dropping);
    await this.#opening?.catch(() => {});
    await this.#opened?.close(graceMs);
  }

  async #openWriter(): Promise<HistoryWriter> {
    const { open, retention, waitingMax, clock, log } = this.#options;
    try {
      const opened = await open();
      const keepSince = () => (retention === null ? null : (clock.now() - retention) * 1_000);
      const writer = new HistoryWriter({ database: opened.database, keepSince, waitingMax });
      this.#opened = opened;
      this.#writer = writer;
      const drop = () => this.#drop(opened.database, keepSince());
      this.#dropping = setInterval(drop, dropEveryMs);
      this.#dropping.unref();
      drop();
      log.info('writing the history');
      return writer;
    } catch (error) {
      this.#failed = { error, until: performance.now() + retryMs };
      log.sampled('open', linesPerMinute)?.error('cannot open the history', { reason: messageOf(error) });
      throw error;
    }
  }

  #drop(database: Database, before: number | null): void {
    const { log, onDropped } = this.#options;
    if (before === null) return;
    dropBefore(database, before)
      .then((dropped) => {
        if (dropped && dropped.partitions > 0) {
          onDropped(dropped.partitions);
          log.info('dropped what is older than the retention', { ...dropped });
        }
      })
      .catch((error: unknown) => log.sampled('drop', linesPerMinute)?.warn('cannot drop old history', { reason: messageOf(error) }));
  }
}
