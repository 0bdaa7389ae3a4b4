/**
 * `/live`: server-sent events that say only that the history has changed; the browser then fetches its page again. Asked of the database
 * once a second, for all listeners together, and only while there are any.
 */
import type { ServerResponse } from 'node:http';
import type { Database } from '../../shared/history/database.ts';
import { historyStatus } from '../../shared/history/queries/status.ts';

const everyMs = 1_000;
/** Proxies close what is silent; a comment keeps it open. */
const commentEveryMs = 15_000;
/** Under the 5 minutes that Knative gives a request; the browser comes back by itself. */
const lastsMs = 270_000;
const listenersMax = 1_000;

export class Live {
  readonly #database: () => Promise<Database>;
  readonly #listeners = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #batches: number | null = null;
  #isAway = false;

  constructor(database: () => Promise<Database>) {
    this.#database = database;
  }

  /** False: there are too many. */
  add(response: ServerResponse): boolean {
    if (this.#listeners.size >= listenersMax) return false;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    response.write('retry: 2000\n\n');
    this.#listeners.add(response);
    const comment = setInterval(() => response.write(': \n\n'), commentEveryMs);
    const end = setTimeout(() => response.end(), lastsMs);
    response.once('close', () => {
      clearInterval(comment);
      clearTimeout(end);
      this.#listeners.delete(response);
    });
    this.#timer ??= setTimeout(() => void this.#look(), 0);
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const response of this.#listeners) response.end();
  }

  async #look(): Promise<void> {
    try {
      const { batches } = await historyStatus(await this.#database());
      if (this.#isAway || (this.#batches !== null && batches !== this.#batches)) this.#say('changed');
      this.#batches = batches;
      this.#isAway = false;
    } catch {
      if (!this.#isAway) this.#say('away');
      this.#isAway = true;
    }
    const isHeard = this.#listeners.size > 0;
    if (!isHeard) this.#batches = null;
    this.#timer = isHeard ? setTimeout(() => void this.#look(), everyMs) : undefined;
  }

  #say(event: 'changed' | 'away'): void {
    for (const response of this.#listeners) response.write(`event: ${event}\ndata:\n\n`);
  }
}
