/** Sends dead letters while the process runs: at once after a tick, then whenever some may be due. */
import { type Clock, systemClock } from '../../shared/process/clock.ts';
import { type Log, messageOf } from '../../shared/process/log.ts';
import { within } from '../../shared/process/timeout.ts';
import type { DeadLetters } from './dead-letters.ts';

const busyMs = 1_000;
const idleMs = 5_000;

export class DeadLetterLoop {
  readonly #letters: DeadLetters;
  readonly #clock: Clock;
  readonly #log: Log;
  #stopped = false;
  #pause = new AbortController();
  #running: Promise<void> | undefined;

  constructor(letters: DeadLetters, clock: Clock, log: Log) {
    this.#letters = letters;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the current pause. */
  nudge(): void {
    this.#pause.abort();
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#letters.stop();
    this.#pause.abort();
    await within(this.#running ?? Promise.resolve(), graceMs, systemClock(), undefined);
    this.#letters.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#pause = new AbortController();
      const sent = await this.#letters.send().catch((error: unknown) => {
        this.#log.sampled('letters', 5)?.error('sending dead letters failed', { reason: messageOf(error) });
        return 0;
      });
      if (this.#stopped) return;
      await this.#clock.sleep(sent > 0 ? busyMs : idleMs, this.#pause.signal).catch(() => {});
    }
  }
}
