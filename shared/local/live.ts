/**
 * A live cluster through the current kubeconfig: lists Events and objects, then follows them. A watch that ends goes on from where it
 * was; after 410 Gone the list is read again and compared, so that nothing is lost and nothing comes twice.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { field, isJson, textField } from '../cloudevent/json.ts';
import type { Micros, Observation } from '../cloudevent/observation.ts';
import { parseEvent } from '../cloudevent/parse.ts';
import { ObjectIndex } from '../objects/index.ts';
import { parseObject } from '../objects/parse.ts';
import { messageOf } from './documents.ts';
import type { Loaded } from './engine.ts';
import { InputError } from './input.ts';
import { list } from './live-list.ts';

const nodesPath = '/api/v1/nodes';
/** What is followed; a kind that may not be read is gone without. */
const objectPaths: readonly string[] = [
  '/api/v1/pods',
  nodesPath,
  '/apis/apps/v1/deployments',
  '/apis/apps/v1/replicasets',
  '/apis/apps/v1/statefulsets',
  '/apis/apps/v1/daemonsets',
  '/apis/batch/v1/jobs',
  '/apis/batch/v1/cronjobs',
  '/apis/autoscaling/v2/horizontalpodautoscalers',
];
const eventsPath = '/api/v1/events';
const backoffFirstMs = 500;
const backoffMostMs = 30_000;
/** A watch that ends sooner is not opened again at once. */
const shortestWatchMs = 1_000;
/** What was missed comes within this time once a watch is open again. */
const catchUpMs = 2_000;
/** Event uid -> count: at most so many are compared with a new list. */
const rememberedMost = 200_000;

export interface Follower {
  readonly objects: ObjectIndex;
  /** All Events until then have come: now, or when the watch of Events was lost. */
  knownUntil(): Micros;
  stop(): void;
}

export interface FollowOptions {
  readonly onEvent: (observation: Observation) => void;
  readonly onProblem: (sentence: string) => void;
  /** Events of the first list that are older than this are left out. */
  readonly since: Micros;
  /** Only this namespace is read, which needs no rights beyond it; absent: all. */
  readonly namespace?: string | undefined;
  /** For tests: another configuration than the current kubeconfig. */
  readonly config?: KubeConfig;
}

export async function follow(options: FollowOptions): Promise<Follower> {
  const config = options.config ?? (await currentConfig());
  const objects = new ObjectIndex();
  const watchers: Watcher[] = [];
  for (const path of objectPaths) {
    const watcher = new Watcher(config, within(path, options.namespace), options.onProblem, (type, raw, firstList) => {
      const object = parseObject(raw);
      if (!object.ok) return;
      const { uid, resourceVersion } = object.value;
      // A list that is read again holds much that is known.
      if (type === 'ADDED' && resourceVersion !== '' && objects.latest(uid)?.resourceVersion === resourceVersion) return;
      objects.add({ object: object.value, seenAt: firstList ? null : Date.now() * 1_000, gone: type === 'DELETED' });
    });
    if (await watcher.start()) watchers.push(watcher);
  }
  const seen = new Map<string, number>();
  const events = new Watcher(config, within(eventsPath, options.namespace), options.onProblem, (type, raw, firstList) => {
    if (type === 'DELETED') return;
    const event = parseEvent(raw);
    if (!event.ok) return options.onProblem(event.reason);
    const { uid, n, last } = event.value;
    if ((seen.get(uid) ?? 0) >= n) return;
    seen.delete(uid);
    seen.set(uid, n);
    for (const oldest of seen.keys()) {
      if (seen.size <= rememberedMost) break;
      seen.delete(oldest);
    }
    if (!firstList || last.at >= options.since) options.onEvent(event.value);
  });
  const stop = () => {
    for (const watcher of [...watchers, events]) watcher.stop();
  };
  if (!(await events.start())) {
    stop();
    throw new InputError('Cannot follow Events: the API server does not let this user list them, wanted list and watch on events');
  }
  return { objects, stop, knownUntil: () => (events.lostAt ?? Date.now()) * 1_000 };
}

/** A pattern or nothing: all namespaces. Nodes are in none. */
function within(path: string, namespace: string | undefined): string {
  if (!namespace || namespace.includes('*') || path === nodesPath) return path;
  const cut = path.lastIndexOf('/');
  return `${path.slice(0, cut)}/namespaces/${encodeURIComponent(namespace)}${path.slice(cut)}`;
}

/** Everything that the cluster has now, as from a file. */
export async function listOnce(namespace?: string): Promise<Loaded> {
  const config = await currentConfig();
  const objects = new ObjectIndex();
  const observations: Observation[] = [];
  for (const path of objectPaths) {
    const listed = await list(config, within(path, namespace));
    for (const item of listed.ok ? listed.items : []) {
      const object = parseObject(item);
      if (object.ok) objects.add({ object: object.value, seenAt: null, gone: false });
    }
  }
  const listed = await list(config, within(eventsPath, namespace));
  if (!listed.ok) throw new InputError(`Cannot list Events: ${listed.reason}`);
  for (const item of listed.items) {
    const event = parseEvent(item);
    if (event.ok) observations.push(event.value);
  }
  const newest = observations.reduce((at, one) => Math.max(at, one.last.at), 0);
  return { observations, objects, newest, counts: { events: observations.length, expired: 0, skipped: [], skippedMore: 0 } };
}

async function currentConfig(): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromDefault();
  if (!config.getCurrentCluster()) throw new InputError('Cannot reach a cluster: the kubeconfig names none, wanted a current context');
  return config;
}

/** `firstList`: the item comes from the list at the start, not from a notification or a list that was read again. */
type Taken = (type: string, raw: unknown, firstList: boolean) => void;

/** List, then watch, for ever; every end of the watch is answered. */
class Watcher {
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
    const { Watch } = await import('@kubernetes/client-node');
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
