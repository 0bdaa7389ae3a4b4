/** One watch of one resource: lists it, follows it, and answers every end of the watch. */
import type { KubeConfig } from '@kubernetes/client-node';
import { field, isJson, textField } from '../../events/json.ts';
import { messageOf } from '../../process/log.ts';
import { list } from './list-pages.ts';

const backoffFirstMs = 500;
const backoffMostMs = 30_000;
/** A watch that ends sooner is not opened again at once. */
const shortestWatchMs = 1_000;
/** What was missed comes within this time once a watch is open again. */
const catchUpMs = 2_000;

/** `firstList`: the item comes from the list at the start, not from a notification or a list that was read again. */
type Taken = (type: string, raw: unknown, firstList: boolean) => void;

/** List, then watch, for ever; every end of the watch is answered. */
export class Watcher {
  readonly #config: KubeConfig;
  readonly #path: string;
  readonly #onProblem: (sentence: string) => void;
  readonly #take: Taken;
  #version = '';
  #stopped = false;
  /** When the watch ended; null while it is open and has caught up. */
  lostAt: number | null = null;
  #abort: AbortController | null = null;
  #listedBefore = false;
  #wake: () => void = () => {};
  #backoffMs = backoffFirstMs;
  /** A watch that fails again and again is said once. */
  #complained = false;
  #reason = '';

  constructor(config: KubeConfig, path: string, onProblem: (sentence: string) => void, take: Taken) {
    this.#config = config;
    this.#path = path;
    this.#onProblem = onProblem;
    this.#take = take;
  }

  /** False when the list is refused. */
  async start(): Promise<boolean> {
    const listed = await this.#relist();
    if (!listed) return false;
    void this.#watch();
    return true;
  }

  stop(): void {
    this.#stopped = true;
    this.#abort?.abort();
    this.#wake();
  }

  async #relist(): Promise<boolean> {
    const listed = await list(this.#config, this.#path);
    if (!listed.ok) {
      this.#onProblem(`Cannot list ${this.#path}: ${listed.reason}`);
      return false;
    }
    if (this.#stopped) return true;
    this.#version = listed.version;
    for (const item of listed.items) this.#take('ADDED', item, !this.#listedBefore);
    this.#listedBefore = true;
    return true;
  }

  async #watch(): Promise<void> {
    const { Watch } = await import('../../kubernetes/kube-client.ts');
    while (!this.#stopped) {
      const began = Date.now();
      const end = await this.#watchOnce(new Watch(this.#config));
      this.lostAt ??= Date.now();
      if (this.#stopped) return;
      const lived = Date.now() - began >= shortestWatchMs;
      if (lived) this.#backoffMs = backoffFirstMs;
      if (end === 'failed' && !lived && !this.#complained) {
        this.#complained = true;
        this.#onProblem(`Cannot watch ${this.#path}: ${this.#reason}, trying again`);
      }
      const listed = end !== 'gone' || (await this.#relist());
      if (!listed || !lived || end === 'failed') await this.#pause();
    }
  }

  /** Resolves when the watch ends: quietly, in failure, or because the version is too old. */
  #watchOnce(watch: InstanceType<typeof import('@kubernetes/client-node').Watch>): Promise<'ended' | 'failed' | 'gone'> {
    return new Promise((resolve) => {
      let fault: 'failed' | 'gone' | null = null;
      const query = { resourceVersion: this.#version, allowWatchBookmarks: true };
      const onItem = (type: string, raw: unknown) => {
        if (this.#stopped) return;
        if (type === 'ERROR') {
          fault = field(raw, 'code') === 410 ? 'gone' : 'failed';
          this.#reason = `the API server says: ${textField(raw, 'message')}`;
          this.#abort?.abort();
          return;
        }
        this.#backoffMs = backoffFirstMs;
        this.#complained = false;
        const version = textField(field(raw, 'metadata'), 'resourceVersion');
        if (version !== '') this.#version = version;
        if (type !== 'BOOKMARK') this.#take(type, raw, false);
      };
      const onEnd = (error: unknown) => {
        const status = isJson(error) ? field(error, 'statusCode') : undefined;
        if (!fault) this.#reason = typeof status === 'number' ? `the API server answered ${status}` : messageOf(error);
        // The client lets go of a watch that was silent for long: nothing has failed.
        const quiet = error instanceof Error && ['AbortError', 'TimeoutError'].includes(error.name);
        resolve(status === 410 ? 'gone' : (fault ?? (!error || quiet ? 'ended' : 'failed')));
      };
      watch.watch(this.#path, query, onItem, onEnd).then(
        (abort) => {
          this.#abort = abort;
          if (this.#stopped) abort.abort();
          const caughtUp = () => {
            if (this.#abort === abort && !abort.signal.aborted) this.lostAt = null;
          };
          setTimeout(caughtUp, catchUpMs).unref();
        },
        (error: unknown) => {
          this.#reason = messageOf(error);
          resolve('failed');
        },
      );
    });
  }

  async #pause(): Promise<void> {
    const wait = this.#backoffMs;
    this.#backoffMs = Math.min(backoffMostMs, wait * 2);
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
