/**
 * Lists one resource of the Kubernetes API and follows it: every change is reported, whatever ends a watch. After 410 Gone the list is
 * repeated and compared with the known state, so that deletions in the gap are reported too.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { field, isJson, textField } from '../../events/json.ts';
import { createApiServer, pagesOf } from '../../kubernetes/api-server.ts';
import { reduceObject } from '../../kubernetes/reduce-object.ts';
import { messageOf } from '../../process/log.ts';

const backoffFirstMs = 500;
const backoffMaxMs = 30_000;
/** A watch that ends sooner is reopened after a pause. */
const shortestWatchMs = 1_000;
/** Missed changes arrive within this time after a watch is reopened. */
const catchUpMs = 2_000;

export interface ResourceChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** As on the wire; for a missed deletion, the reduced object (`reduceObject`). */
  readonly object: unknown;
  /** From the first list: the state at the start, not a change. */
  readonly isInitial: boolean;
}

export interface ResourceWatchOptions {
  readonly config: KubeConfig;
  readonly path: string;
  /** Remember objects, to report those missing from a later list as DELETED. Not for Events: they expire. */
  readonly reportsMissing: boolean;
  readonly onChange: (change: ResourceChange) => void;
  readonly onProblem: (sentence: string) => void;
}

export type Listed =
  | { readonly ok: true; readonly items: readonly unknown[]; readonly version: string }
  /** `status` is null if there was no answer. */
  | { readonly ok: false; readonly status: number | null; readonly reason: string };

/** All pages of a list. */
export async function listAll(config: KubeConfig, path: string): Promise<Listed> {
  const api = createApiServer(async () => config);
  let items: unknown[] = [];
  let version = '';
  try {
    for await (const page of pagesOf(api, path)) {
      if (page.kind === 'failed') return { ok: false, status: page.status, reason: page.reason };
      if (page.kind === 'again') items = [];
      else {
        for (const item of page.items) items.push(item);
        version = page.version;
      }
    }
  } finally {
    api.close();
  }
  return { ok: true, items, version };
}

export class ResourceWatch {
  readonly #options: ResourceWatchOptions;
  /** By uid: the known version, and the object to report on deletion. */
  readonly #known = new Map<string, { readonly version: string; readonly object: unknown }>();
  #version = '';
  #hasListed = false;
  #stopped = false;
  /** Since when changes are missing, ms; null while the watch is open and has caught up. */
  lostAt: number | null = null;
  #abort: AbortController | null = null;
  #wake: () => void = () => {};
  #backoffMs = backoffFirstMs;
  /** A lasting problem is reported once. */
  #reported = false;
  #reason = '';

  constructor(options: ResourceWatchOptions) {
    this.#options = options;
  }

  /** Resolves with the first list; a failed one is retried until it succeeds or `stop` is called. */
  async start(): Promise<Listed> {
    const began = Date.now();
    const listed = await this.#list();
    if (!listed.ok) this.lostAt = began;
    void this.#follow(listed.ok);
    return listed;
  }

  stop(): void {
    this.#stopped = true;
    this.#abort?.abort();
    this.#wake();
  }

  async #list(): Promise<Listed> {
    const { config, path } = this.#options;
    const listed = await listAll(config, path);
    if (this.#stopped) return listed;
    if (!listed.ok) {
      this.#report(`Cannot list ${path}: ${listed.reason}, retrying`);
      return listed;
    }
    this.#reported = false;
    this.#version = listed.version;
    const missing = new Set(this.#known.keys());
    for (const item of listed.items) {
      missing.delete(uidOf(item));
      this.#take('ADDED', item);
    }
    for (const uid of missing) this.#take('DELETED', this.#known.get(uid)?.object);
    this.#hasListed = true;
    return listed;
  }

  #report(sentence: string): void {
    if (!this.#reported) this.#options.onProblem(sentence);
    this.#reported = true;
  }

  #take(type: ResourceChange['type'], object: unknown): void {
    const { reportsMissing, onChange } = this.#options;
    const isInitial = !this.#hasListed;
    if (!reportsMissing) return onChange({ type, object, isInitial });
    const uid = uidOf(object);
    const version = textField(field(object, 'metadata'), 'resourceVersion');
    const before = this.#known.get(uid);
    // A repeated list contains mostly known objects.
    if (type === 'ADDED' && before !== undefined && version !== '' && before.version === version) return;
    if (type === 'DELETED') this.#known.delete(uid);
    else this.#known.set(uid, { version, object: reduceObject(object) });
    onChange({ type: type === 'ADDED' && before !== undefined ? 'MODIFIED' : type, object, isInitial });
  }

  async #follow(isListed: boolean): Promise<void> {
    for (let listed = isListed; !listed; listed = (await this.#list()).ok) {
      await this.#pause();
      if (this.#stopped) return;
    }
    const { Watch } = await import('../../kubernetes/kube-client.ts');
    while (!this.#stopped) {
      const opened = Date.now();
      const end = await this.#watchOnce(new Watch(this.#options.config));
      this.lostAt ??= Date.now();
      if (this.#stopped) return;
      const lasted = Date.now() - opened >= shortestWatchMs;
      if (lasted) this.#backoffMs = backoffFirstMs;
      if (end === 'failed' && !lasted) this.#report(`Cannot watch ${this.#options.path}: ${this.#reason}, retrying`);
      const listed = end !== 'gone' || (await this.#list()).ok;
      if (!listed || !lasted || end === 'failed') await this.#pause();
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
          this.#reason = `the API server reports: ${textField(raw, 'message')}`;
          this.#abort?.abort();
          return;
        }
        this.#backoffMs = backoffFirstMs;
        this.#reported = false;
        const version = textField(field(raw, 'metadata'), 'resourceVersion');
        if (version !== '') this.#version = version;
        if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') this.#take(type, raw);
      };
      const onEnd = (error: unknown) => {
        const status = isJson(error) ? field(error, 'statusCode') : undefined;
        if (!fault) this.#reason = typeof status === 'number' ? `the API server answered ${status}` : messageOf(error);
        // The client closes a watch after long silence: not a failure.
        const quiet = error instanceof Error && ['AbortError', 'TimeoutError'].includes(error.name);
        resolve(status === 410 ? 'gone' : (fault ?? (!error || quiet ? 'ended' : 'failed')));
      };
      watch.watch(this.#options.path, query, onItem, onEnd).then(
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
    this.#backoffMs = Math.min(backoffMaxMs, wait * 2);
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

function uidOf(object: unknown): string {
  return textField(field(object, 'metadata'), 'uid');
}
