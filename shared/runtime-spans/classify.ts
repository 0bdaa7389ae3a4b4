/**
 * What a single span is: the head of something that speaks of an object, a part of whatever its trace is about, or noise of a kind.
 * Decided by the span alone, so that most of what a cluster sends is dropped at once; what stands only beside others (a transaction of
 * etcd, a call to a shim) goes with its trace.
 */
import { objectKey, parseResourcePath, type ResourcePath, verbOf } from './request.ts';
import { type RuntimeSpan, textOf } from './runtime-span.ts';

/** Why spans are dropped. */
export const noiseKinds = [
  'reads',
  'leases_and_reviews',
  'status_updates',
  'refused_requests',
  'no_resource',
  'filters',
  'etcd_housekeeping',
  'runtime_polling',
  'probes',
  'shim_events',
  'kubelet_housekeeping',
  'idle_syncs',
  'no_object',
] as const;
export type NoiseKind = (typeof noiseKinds)[number];

export type Verdict =
  /** `keys`: the objects, Events, pods and containers by which it can be found; all of its trace is worth keeping. */
  | { readonly kind: 'speaks'; readonly keys: readonly string[] }
  /** `keys`: where its trace turns out to be worth keeping. */
  | { readonly kind: 'part'; readonly keys: readonly string[] }
  /** `whole`: so is its trace, unless another span of it speaks of an object. */
  | { readonly kind: 'noise'; readonly of: NoiseKind; readonly whole: boolean };

const part: Verdict = { kind: 'part', keys: [] };

/** Never objects whose changes are told by Events; the API server's own bookkeeping. */
const ignoredResources = new Set([
  'leases',
  'tokenreviews',
  'subjectaccessreviews',
  'selfsubjectaccessreviews',
  'selfsubjectrulesreviews',
  'selfsubjectreviews',
  'localsubjectaccessreviews',
]);
/** The API server's filters, each around the next: their durations are that of the request. */
const filters = new Set(['authentication', 'audit', 'impersonation', 'priorityandfairness', 'authorization']);
/** Calls that change something in the runtime. */
export const actingCalls = new Set([
  'RunPodSandbox',
  'StopPodSandbox',
  'RemovePodSandbox',
  'PullImage',
  'CreateContainer',
  'StartContainer',
  'StopContainer',
  'RemoveContainer',
]);
const syncs = new Set(['syncPod', 'syncTerminatingPod', 'syncTerminatedPod']);
/** A reading call inside of something else is told only where it took its time. */
const slowRead = 20_000;
/** A pass that found nothing to do takes some 20 µs. */
const idleSync = 1_000;

export const podKey = (uid: string): string => `pod-uid/${uid}`;
export const containerKey = (id: string): string => `container/${id}`;
export const eventKey = (namespace: string, name: string): string => objectKey('events', namespace, name);

export function isSync(span: RuntimeSpan): boolean {
  return syncs.has(span.name);
}

/** The method of a call of the container runtime interface; empty for everything else. */
export function runtimeCallOf(span: RuntimeSpan): string {
  return /^runtime\.v1\.(?:Runtime|Image)Service\/(\w+)$/.exec(span.name)?.[1] ?? '';
}

/** containerd 2.4 renames `task.Wait` to `client.task.Wait`. */
export function isTaskWait(span: RuntimeSpan): boolean {
  return span.name === 'task.Wait' || span.name === 'client.task.Wait';
}

export interface RequestFacts extends ResourcePath {
  readonly method: string;
  /** 0 where the span does not say. */
  readonly code: number;
}

/** A request as the API server served it, or as the kubelet sent it; null for every other span. */
export function requestOf(span: RuntimeSpan): RequestFacts | null {
  const isServer = span.kind === 'server';
  if (!isServer && !(span.kind === 'client' && span.name.startsWith('HTTP ') && span.parentSpanId === '')) return null;
  const method = textOf(span, 'http.method', 'http.request.method');
  const target = isServer ? textOf(span, 'http.target', 'url.path') : textOf(span, 'http.url', 'url.full');
  if (method === '' || target === '') return null;
  const path = parseResourcePath(target) ?? { resource: '', subresource: '', namespace: '', name: '' };
  return { ...path, method, code: Number(textOf(span, 'http.status_code', 'http.response.status_code')) || 0 };
}

/** The handler inside of the API server's filters: `Create`, `Patch`, ... with verb and resource. */
export function isHandler(span: RuntimeSpan): boolean {
  return span.attributes['verb'] !== undefined && span.attributes['resource'] !== undefined && span.attributes['user-agent'] !== undefined;
}

export function classify(span: RuntimeSpan): Verdict {
  const request = requestOf(span);
  if (request !== null) return classifyRequest(request);
  const call = runtimeCallOf(span);
  if (call !== '') return classifyCall(span, call);
  if (isSync(span)) return classifySync(span);
  if (filters.has(span.name)) return noise('filters', false);
  if (span.name.startsWith('etcdserverpb.') && span.parentSpanId === '') return noise('etcd_housekeeping', true);
  if (isTaskWait(span)) return speaks([containerKey(textOf(span, 'task.id'))]);
  if (span.name.startsWith('process.') && span.parentSpanId === '') return noise('probes', true);
  if (span.name.includes('Events/Forward')) return noise('shim_events', true);
  if (/^(?:Containers|Images)\/GarbageCollect$/.test(span.name)) return noise('kubelet_housekeeping', false);
  return classifyStorage(span);
}

function classifyRequest(request: RequestFacts): Verdict {
  const { method, resource, subresource, namespace, name, code } = request;
  if (verbOf(method) === null) return noise('reads', true);
  if (resource === '') return noise('no_resource', true);
  if (ignoredResources.has(resource)) return noise('leases_and_reviews', true);
  if (subresource === 'status' && resource !== 'pods') return noise('status_updates', true);
  if (code >= 400) return noise('refused_requests', true);
  // What it stores names the object of a POST, what it reads the pod of a token.
  return speaks(name === '' || subresource === 'token' ? [] : [objectKey(resource, namespace, name)]);
}

function classifyCall(span: RuntimeSpan, call: string): Verdict {
  const isRoot = span.parentSpanId === '';
  // Inside of a sync it is the hook of a container.
  if (call === 'ExecSync' || call === 'Exec') return isRoot ? noise('probes', true) : part;
  if (!actingCalls.has(call)) return !isRoot && span.end - span.start >= slowRead ? part : noise('runtime_polling', isRoot);
  const keys = [podUidOf(span)].filter((uid) => uid !== '').map(podKey);
  for (const id of [textOf(span, 'container.id'), textOf(span, 'sandbox.id')]) if (id !== '') keys.push(containerKey(id));
  return keys.length === 0 ? part : speaks(keys);
}

function classifySync(span: RuntimeSpan): Verdict {
  const uid = textOf(span, 'k8s.pod.uid');
  if (uid === '') return noise('no_object', true);
  if (span.end - span.start < idleSync && !span.failed) return noise('idle_syncs', true);
  const name = textOf(span, 'k8s.pod.name');
  // A deletion is told by the name alone.
  return speaks(name === '' ? [podKey(uid)] : [podKey(uid), objectKey('pods', textOf(span, 'k8s.namespace.name'), name)]);
}

/** The key of what is written names the object where the request's path does not. */
function classifyStorage(span: RuntimeSpan): Verdict {
  if (!/^(?:Create|GuaranteedUpdate|Delete) etcd3$/.test(span.name)) return part;
  const [, resource = '', ...rest] = textOf(span, 'key').split('/');
  if (ignoredResources.has(resource)) return noise('leases_and_reviews', true);
  return {
    kind: 'part',
    keys: resource === '' ? [] : [objectKey(resource, rest.length > 1 ? (rest.at(-2) ?? '') : '', rest.at(-1) ?? '')],
  };
}

/** The pod's uid from the names that the runtime gives: `<pod>_<namespace>_<uid>_<attempt>`, a container's with one part more before. */
export function podUidOf(span: RuntimeSpan): string {
  return textOf(span, 'k8s.pod.uid') || (textOf(span, 'sandbox.name', 'container.name').split('_').at(-2) ?? '');
}

function noise(of: NoiseKind, whole: boolean): Verdict {
  return { kind: 'noise', of, whole };
}

function speaks(keys: readonly string[]): Verdict {
  return { kind: 'speaks', keys };
}
