/**
 * A live cluster through the current kubeconfig: lists Events and objects, then follows them. A watch that ends goes on from where it
 * was; after 410 Gone the list is read again and compared, so that nothing is lost and nothing comes twice.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { field, isJson, textField } from '../../events/json.ts';
import type { Micros, Observation } from '../../events/observation.ts';
import { parseEvent } from '../../events/parse-event.ts';
import { createApiServer } from '../../kubernetes/api-server.ts';
import { ObjectIndex } from '../../kubernetes/object-index.ts';
import { parseObject } from '../../kubernetes/parse-object.ts';
import { messageOf } from '../../process/log.ts';
import { RecentMap } from '../../process/recent.ts';
import type { Loaded } from '../input/load-input.ts';
import { InputError } from '../input/read-input.ts';
import type { Notification } from './apiserver-notifications.ts';
import { list } from './list-pages.ts';
import { Watcher } from './resource-watch.ts';

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
/** Event uid -> count: at most so many are compared with a new list. */
const rememberedMost = 200_000;

export interface Follower {
  readonly objects: ObjectIndex;
  /** The uid that stands for the cluster; empty: not known. */
  readonly cluster: string;
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
  const cluster = await clusterUidOf(config);
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
  const seen = new RecentMap<number>(rememberedMost);
  const events = new Watcher(config, within(eventsPath, options.namespace), options.onProblem, (type, raw, firstList) => {
    if (type === 'DELETED') return;
    const event = parseEvent(raw);
    if (!event.ok) return options.onProblem(event.reason);
    const { uid, n, last } = event.value;
    if ((seen.get(uid) ?? 0) >= n) return;
    seen.set(uid, n);
    if (!firstList || last.at >= options.since) options.onEvent(event.value);
  });
  const stop = () => {
    for (const watcher of [...watchers, events]) watcher.stop();
  };
  if (!(await events.start())) {
    stop();
    throw new InputError('Cannot follow Events: they cannot be listed, wanted list and watch on events');
  }
  return { objects, cluster, stop, knownUntil: () => (events.lostAt ?? Date.now()) * 1_000 };
}

/** The same as notifications, whole, as an ApiServerSource would send them; of the first list of Events only those since then. */
export async function followNotices(options: {
  readonly namespace: string | undefined;
  readonly since: Micros;
  readonly onNotice: (notice: Notification) => void;
  readonly onProblem: (sentence: string) => void;
}): Promise<{ stop(): void }> {
  const config = await currentConfig();
  const watchers = [...objectPaths, eventsPath].map(
    (path) =>
      new Watcher(config, within(path, options.namespace), options.onProblem, (type, raw, firstList) => {
        const kind = path === eventsPath ? 'Event' : textField(raw, 'kind');
        const event = kind === 'Event' ? parseEvent(raw) : null;
        if (firstList && event?.ok && event.value.last.at < options.since) return;
        const change = type === 'DELETED' ? 'delete' : type === 'MODIFIED' ? 'update' : 'add';
        // Items of a list do not say what they are.
        const object = isJson(raw) && kind === '' ? { ...raw, kind: kindOf(path) } : isJson(raw) ? { ...raw, kind } : raw;
        options.onNotice({ change, at: Date.now(), object });
      }),
  );
  for (const watcher of watchers) await watcher.start();
  return {
    stop: () => {
      for (const watcher of watchers) watcher.stop();
    },
  };
}

const kinds: Readonly<Record<string, string>> = {
  pods: 'Pod',
  nodes: 'Node',
  deployments: 'Deployment',
  replicasets: 'ReplicaSet',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  jobs: 'Job',
  cronjobs: 'CronJob',
  horizontalpodautoscalers: 'HorizontalPodAutoscaler',
};

function kindOf(path: string): string {
  return kinds[path.slice(path.lastIndexOf('/') + 1)] ?? '';
}

/** A pattern or nothing: all namespaces. Nodes are in none. */
function within(path: string, namespace: string | undefined): string {
  if (!namespace || namespace.includes('*') || path === nodesPath) return path;
  const cut = path.lastIndexOf('/');
  return `${path.slice(0, cut)}/namespaces/${encodeURIComponent(namespace)}${path.slice(cut)}`;
}

/** Everything that the cluster has now, as from a file. */
export async function listOnce(namespace?: string): Promise<Loaded & { readonly cluster: string }> {
  const config = await currentConfig();
  const cluster = await clusterUidOf(config);
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
  return { cluster, observations, objects, newest, counts: { events: observations.length, expired: 0, skipped: [], skippedMore: 0 } };
}

async function currentConfig(): Promise<KubeConfig> {
  const { KubeConfig } = await import('../../kubernetes/kube-client.ts');
  const config = new KubeConfig();
  try {
    config.loadFromDefault();
  } catch (error) {
    throw new InputError(`Cannot reach a cluster: wanted a kubeconfig (KUBECONFIG or ~/.kube/config), found ${messageOf(error)}`);
  }
  if (!config.getCurrentCluster()) throw new InputError('Cannot reach a cluster: the kubeconfig names none, wanted a current context');
  return config;
}

/**
 * The uid of the namespace kube-system, which stands for the cluster where nobody names it, so that trace ids are those of knspan in the
 * cluster; empty where it may not be read. Says at once that a cluster is out of reach.
 */
export async function clusterUidOf(config: KubeConfig): Promise<string> {
  const api = createApiServer(async () => config);
  const answer = await api.get({ path: '/api/v1/namespaces/kube-system' }).finally(() => api.close());
  if (answer.ok) return textField(field(answer.body, 'metadata'), 'uid');
  if (answer.status === null) throw new InputError(`Cannot reach the cluster at ${config.getCurrentCluster()?.server}: ${answer.reason}`);
  return '';
}
