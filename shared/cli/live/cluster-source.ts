/**
 * A live cluster through the current kubeconfig: its Events and objects, listed once or followed. Nothing is lost when a watch ends, and no
 * Event is delivered twice.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { field, textField } from '../../events/json.ts';
import type { Micros, Observation } from '../../events/observation.ts';
import { parseEvent } from '../../events/parse-event.ts';
import { createApiServer } from '../../kubernetes/api-server.ts';
import { ObjectIndex } from '../../kubernetes/object-index.ts';
import { parseObject } from '../../kubernetes/parse-object.ts';
import { messageOf } from '../../process/log.ts';
import { TtlCache } from '../../process/ttl-cache.ts';
import { InputCounts } from '../input/input-counts.ts';
import { InputError } from '../input/input-error.ts';
import type { Loaded } from '../input/load-input.ts';
import type { Notification } from './apiserver-notifications.ts';
import { listAll, type ResourceChange, ResourceWatch } from './resource-watch.ts';

const nodesPath = '/api/v1/nodes';
/** Followed kinds; a kind without permission is skipped until it is granted. */
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
/** Statuses that a retry does not change: unauthenticated, forbidden, not found. */
const refusals: readonly number[] = [401, 403, 404];
/** Max Events (uid -> count) remembered for comparison with a repeated list. */
const rememberedMax = 200_000;

/** Selects the cluster. */
export interface ClusterOptions {
  /** Default: KUBECONFIG, `~/.kube/config`, or the service account of the pod. */
  readonly kubeconfig?: string | undefined;
  /** Default: the current context. */
  readonly context?: string | undefined;
  /** Read this namespace only, which needs no rights beyond it; absent or a pattern: all. */
  readonly namespace?: string | undefined;
}

export interface Follower {
  readonly objects: ObjectIndex;
  /** The uid that identifies the cluster; empty: unknown. */
  readonly cluster: string;
  /** All Events up to this time have arrived: now, or when the watch of Events was lost. */
  knownUntil(): Micros;
  stop(): void;
}

export interface FollowOptions extends ClusterOptions {
  readonly onEvent: (observation: Observation) => void;
  readonly onProblem: (sentence: string) => void;
  /** Older Events of the first list are dropped. */
  readonly since: Micros;
  /** For tests: replaces the kubeconfig. */
  readonly config?: KubeConfig;
}

/** Throws `InputError` if the cluster is out of reach or its Events are forbidden; other failures are retried. */
export async function follow(options: FollowOptions): Promise<Follower> {
  const config = options.config ?? (await kubeConfig(options));
  const cluster = await clusterUidOf(config);
  const objects = new ObjectIndex();
  const seen = new TtlCache<number>({ now: () => 0, max: rememberedMax });
  const watches = await watchAll(config, {
    ...options,
    onObject: ({ type, object: raw, isInitial }) => {
      const object = parseObject(raw);
      if (!object.ok) return;
      objects.add({ object: object.value, seenAt: isInitial ? null : Date.now() * 1_000, gone: type === 'DELETED' });
    },
    onEvent: ({ type, object: raw, isInitial }) => {
      if (type === 'DELETED') return;
      const event = parseEvent(raw);
      if (!event.ok) return options.onProblem(event.reason);
      const { uid, n, last } = event.value;
      if ((seen.get(uid) ?? 0) >= n) return;
      seen.set(uid, n);
      if (!isInitial || last.at >= options.since) options.onEvent(event.value);
    },
  });
  return { objects, cluster, stop: watches.stop, knownUntil: () => (watches.events.lostAt ?? Date.now()) * 1_000 };
}

export interface NotificationOptions {
  readonly namespace: string | undefined;
  /** Older Events of the first list are dropped. */
  readonly since: Micros;
  readonly onNotification: (notification: Notification) => void;
  readonly onProblem: (sentence: string) => void;
  /** For tests: replaces the kubeconfig. */
  readonly config?: KubeConfig;
}

/** The same as notifications of whole objects, as from an ApiServerSource. Throws as `follow` does. */
export async function followNotifications(options: NotificationOptions): Promise<{ stop(): void }> {
  const config = options.config ?? (await kubeConfig());
  const { onNotification, since } = options;
  const forward = ({ type, object }: ResourceChange) =>
    onNotification({ change: type === 'DELETED' ? 'delete' : type === 'MODIFIED' ? 'update' : 'add', at: Date.now(), object });
  return watchAll(config, {
    ...options,
    onObject: forward,
    onEvent: (change) => {
      const event = change.isInitial ? parseEvent(change.object) : null;
      if (!event?.ok || event.value.last.at >= since) forward(change);
    },
  });
}

interface WatchAllOptions {
  readonly namespace?: string | undefined;
  readonly onObject: (change: ResourceChange) => void;
  readonly onEvent: (change: ResourceChange) => void;
  readonly onProblem: (sentence: string) => void;
}

/** Objects first, so that the first Events find their owners. */
async function watchAll(config: KubeConfig, { namespace, onObject, onEvent, onProblem }: WatchAllOptions) {
  const objects = objectPaths.map(
    (path) => new ResourceWatch({ config, path: within(path, namespace), reportsMissing: true, onChange: onObject, onProblem }),
  );
  const eventsWithin = within(eventsPath, namespace);
  const events = new ResourceWatch({ config, path: eventsWithin, reportsMissing: false, onChange: onEvent, onProblem });
  const stop = () => {
    for (const watch of [...objects, events]) watch.stop();
  };
  await Promise.all(objects.map((watch) => watch.start()));
  const listed = await events.start();
  if (!listed.ok && listed.status !== null && refusals.includes(listed.status)) {
    stop();
    throw new InputError(`Cannot follow Events: ${listed.reason} to ${eventsWithin}, wanted the rights to list and watch events`);
  }
  return { events, stop };
}

/** Nodes have no namespace. */
function within(path: string, namespace: string | undefined): string {
  if (!namespace || namespace.includes('*') || path === nodesPath) return path;
  const cut = path.lastIndexOf('/');
  return `${path.slice(0, cut)}/namespaces/${encodeURIComponent(namespace)}${path.slice(cut)}`;
}

/** The current Events and objects of the cluster, as from a file. */
export async function listOnce(options: ClusterOptions): Promise<Loaded & { readonly cluster: string }> {
  const config = await kubeConfig(options);
  const cluster = await clusterUidOf(config);
  const objects = new ObjectIndex();
  const observations: Observation[] = [];
  for (const path of objectPaths) {
    const listed = await listAll(config, within(path, options.namespace));
    for (const item of listed.ok ? listed.items : []) {
      const object = parseObject(item);
      if (object.ok) objects.add({ object: object.value, seenAt: null, gone: false });
    }
  }
  const listed = await listAll(config, within(eventsPath, options.namespace));
  if (!listed.ok) throw new InputError(`Cannot list Events: ${listed.reason}`);
  for (const item of listed.items) {
    const event = parseEvent(item);
    if (event.ok) observations.push(event.value);
  }
  const newest = observations.reduce((at, one) => Math.max(at, one.last.at), 0);
  const counts = new InputCounts();
  counts.events = observations.length;
  return { cluster, observations, objects, newest, counts };
}

async function kubeConfig({ kubeconfig, context }: ClusterOptions = {}): Promise<KubeConfig> {
  const { KubeConfig } = await import('../../kubernetes/kube-client.ts');
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new InputError(`Cannot reach a cluster: wanted a kubeconfig (KUBECONFIG or ~/.kube/config), found ${messageOf(error)}`);
  }
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(context))
      throw new InputError(
        `Cannot reach a cluster: the kubeconfig has no context '${context}', wanted one of ${names.join(', ') || 'none'}`,
      );
    config.setCurrentContext(context);
  }
  if (!config.getCurrentCluster()) throw new InputError('Cannot reach a cluster: the kubeconfig names none, wanted a current context');
  return config;
}

/**
 * The uid of the namespace kube-system: identifies the cluster if no name is given, so that trace ids equal those of knspan in the cluster;
 * empty if forbidden. Throws `InputError` if the cluster does not answer.
 */
export async function clusterUidOf(config: KubeConfig): Promise<string> {
  const api = createApiServer(async () => config);
  const answer = await api.get({ path: '/api/v1/namespaces/kube-system' }).finally(() => api.close());
  if (answer.ok) return textField(field(answer.body, 'metadata'), 'uid');
  if (answer.status !== null && refusals.includes(answer.status)) return '';
  throw new InputError(`Cannot reach the cluster at ${config.getCurrentCluster()?.server}: ${answer.reason}`);
}
