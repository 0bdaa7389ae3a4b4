/**
 * A live cluster through the current kubeconfig: lists Events and objects, then follows them. A watch that ends goes on from where it
 * was; after 410 Gone the list is read again and compared, so that nothing is lost and nothing comes twice.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { field, isJson, listField, textField } from '../cloudevent/json.ts';
import type { Micros, Observation } from '../cloudevent/observation.ts';
import { parseEvent } from '../cloudevent/parse.ts';
import { ObjectIndex } from '../objects/index.ts';
import { parseObject } from '../objects/parse.ts';
import { messageOf } from './documents.ts';
import type { Loaded } from './engine.ts';
import { InputError } from './input.ts';

/** What is followed; a kind that may not be read is gone without. */
const objectPaths: readonly string[] = [
  '/api/v1/pods',
  '/api/v1/nodes',
  '/apis/apps/v1/deployments',
  '/apis/apps/v1/replicasets',
  '/apis/apps/v1/statefulsets',
  '/apis/apps/v1/daemonsets',
  '/apis/batch/v1/jobs',
  '/apis/batch/v1/cronjobs',
  '/apis/autoscaling/v2/horizontalpodautoscalers',
];
const eventsPath = '/api/v1/events';
const pageSize = '500';
const pagesMost = 10_000;
const backoffFirstMs = 500;
const backoffMostMs = 30_000;
/** A watch that ends sooner is not opened again at once. */
const shortestWatchMs = 1_000;
/** So often a list whose pages have expired is begun anew. */
const listsMost = 3;
/** Event uid -> count: at most so many are compared with a new list. */
const rememberedMost = 200_000;

export interface Follower {
  readonly objects: ObjectIndex;
  stop(): void;
}

export interface FollowOptions {
  readonly onEvent: (observation: Observation) => void;
  readonly onProblem: (sentence: string) => void;
  /** Events of the first list that are older than this are left out. */
  readonly since: Micros;
  /** For tests: another configuration than the current kubeconfig. */
  readonly config?: KubeConfig;
}

export async function follow(options: FollowOptions): Promise<Follower> {
  const config = options.config ?? (await currentConfig());
  const objects = new ObjectIndex();
  const watchers: Watcher[] = [];
  for (const path of objectPaths) {
    const watcher = new Watcher(config, path, options.onProblem, (type, raw, firstList) => {
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
  const events = new Watcher(config, eventsPath, options.onProblem, (type, raw, firstList) => {
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
  return { objects, stop };
}

/** Everything that the cluster has now, as from a file. */
export async function listOnce(): Promise<Loaded> {
  const config = await currentConfig();
  const objects = new ObjectIndex();
  const observations: Observation[] = [];
  for (const path of objectPaths) {
    const listed = await list(config, path);
    for (const item of listed.ok ? listed.items : []) {
      const object = parseObject(item);
      if (object.ok) objects.add({ object: object.value, seenAt: null, gone: false });
    }
  }
  const listed = await list(config, eventsPath);
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
  #abort: AbortController | null = null;
  #listedBefore = false;
  #wake: () => void = () => {};
  #backoffMs = backoffFirstMs;

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
      if (this.#stopped) return;
      const lived = Date.now() - began >= shortestWatchMs;
      if (lived) this.#backoffMs = backoffFirstMs;
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
          this.#abort?.abort();
          return;
        }
        this.#backoffMs = backoffFirstMs;
        const version = textField(field(raw, 'metadata'), 'resourceVersion');
        if (version !== '') this.#version = version;
        if (type !== 'BOOKMARK') this.#take(type, raw, false);
      };
      const onEnd = (error: unknown) => {
        const status = isJson(error) ? field(error, 'statusCode') : undefined;
        // The client lets go of a watch that was silent for long: nothing has failed.
        const quiet = error instanceof Error && ['AbortError', 'TimeoutError'].includes(error.name);
        resolve(status === 410 ? 'gone' : (fault ?? (!error || quiet ? 'ended' : 'failed')));
      };
      watch.watch(this.#path, query, onItem, onEnd).then(
        (abort) => {
          this.#abort = abort;
          if (this.#stopped) abort.abort();
        },
        (error: unknown) => {
          this.#onProblem(`Cannot watch ${this.#path}: ${messageOf(error)}`);
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

type Listed =
  | { readonly ok: true; readonly items: readonly unknown[]; readonly version: string }
  | { readonly ok: false; readonly reason: string };

/** All pages of a list. */
async function list(config: KubeConfig, path: string): Promise<Listed> {
  const server = config.getCurrentCluster()?.server ?? '';
  let items: unknown[] = [];
  let next = '';
  let begun = 1;
  for (let page = 0; page < pagesMost; page += 1) {
    const url = new URL(server.replace(/\/$/, '') + path);
    url.searchParams.set('limit', pageSize);
    if (next !== '') url.searchParams.set('continue', next);
    const answer = await get(config, url);
    if (!answer.ok && answer.status === 410 && next !== '' && begun < listsMost) {
      begun += 1;
      items = [];
      next = '';
      continue;
    }
    if (!answer.ok) return answer;
    const kind = textField(answer.body, 'kind').replace(/List$/, '');
    const apiVersion = textField(answer.body, 'apiVersion');
    for (const item of listField(answer.body, 'items', Number(pageSize) * 2))
      items.push(isJson(item) ? { kind, apiVersion, ...item } : item);
    const metadata = field(answer.body, 'metadata');
    next = textField(metadata, 'continue', 16_384);
    if (next === '') return { ok: true, items, version: textField(metadata, 'resourceVersion') };
  }
  return { ok: false, reason: `more than ${pagesMost} pages` };
}

type Answer = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly reason: string; readonly status?: number };

async function get(config: KubeConfig, url: URL): Promise<Answer> {
  const { request } = await import(url.protocol === 'https:' ? 'node:https' : 'node:http');
  const options = {};
  await config.applyToHTTPSOptions(options);
  return new Promise((resolve) => {
    const outgoing = request(
      url,
      { ...options, headers: { accept: 'application/json' } },
      (response: import('node:http').IncomingMessage) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status !== 200) return resolve({ ok: false, status, reason: `the API server answered ${status}` });
          try {
            resolve({ ok: true, body: JSON.parse(text) });
          } catch (error) {
            resolve({ ok: false, reason: `the answer is not JSON: ${messageOf(error)}` });
          }
        });
      },
    );
    outgoing.on('error', (error: Error) => resolve({ ok: false, reason: error.message }));
    outgoing.end();
  });
}
