/** The way to the database: opened with the first request, or as soon as PostgreSQL answers; while it is away, each page says so. */
import type { Database } from '../../shared/history/database.ts';
import type { OpenedDatabase } from '../../shared/history/open.ts';

const retryMs = 1_000;

export class ExplorerConnection {
  readonly #open: () => Promise<OpenedDatabase>;
  #opened: OpenedDatabase | null = null;
  #opening: Promise<Database> | null = null;
  /** The last failure, and until when it stands for the next attempt. */
  #failed: { readonly error: unknown; readonly until: number } | null = null;

  constructor(open: () => Promise<OpenedDatabase>) {
    this.#open = open;
  }

  /** Rejects while PostgreSQL is away. */
  database(): Promise<Database> {
    if (this.#opened) return Promise.resolve(this.#opened.database);
    if (this.#failed && performance.now() < this.#failed.until) return Promise.reject(this.#failed.error);
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async close(graceMs: number): Promise<void> {
    await this.#opening?.catch(() => {});
    await this.#opened?.close(graceMs);
  }

  async #connect(): Promise<Database> {
    try {
      this.#opened = await this.#open();
      return this.#opened.database;
    } catch (error) {
      this.#failed = { error, until: performance.now() + retryMs };
      throw error;
    }
  }
}
