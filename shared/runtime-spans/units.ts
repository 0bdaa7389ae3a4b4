/**
 * What a runtime trace is about, as units that have a place of their own in an event trace: a request to the API server, a pass of the
 * kubelet over a pod, a call to the container runtime, the life of a container.
 */
import type { Micros } from '../events/observation.ts';
import { actingCalls, isSync, isTaskWait, podUidOf, type RequestFacts, requestOf, runtimeCallOf } from './classify.ts';
import { clientOf, parseStorageKey, type Verb, verbOf } from './request.ts';
import { type RuntimeSpan, textOf } from './runtime-span.ts';
import type { RuntimeTrace } from './runtime-trace.ts';

interface Head {
  readonly head: RuntimeSpan;
  readonly start: Micros;
  readonly end: Micros;
}

export interface RequestUnit extends Head {
  readonly kind: 'request';
  readonly verb: Verb;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly client: string;
}

export interface SyncUnit extends Head {
  readonly kind: 'sync';
  /** `create`, `update`, `sync`, `kill`; `terminating` and `terminated` for the two passes at the end. */
  readonly pass: string;
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly calls: readonly CallUnit[];
}

export interface CallUnit extends Head {
  readonly kind: 'call';
  readonly method: string;
  readonly failed: boolean;
  readonly containerId: string;
  readonly podUid: string;
  /** Empty where it is not known, or of a sandbox. */
  readonly container: string;
  /** Restart count of the container; -1 where it is not known. */
  readonly attempt: number;
}

/** The life of a container. */
export interface RunUnit extends Head {
  readonly kind: 'run';
  readonly containerId: string;
  readonly podUid: string;
  readonly container: string;
  readonly attempt: number;
}

export type Unit = RequestUnit | SyncUnit | CallUnit | RunUnit;

/** What the id of a container or a sandbox stands for. */
export interface KnownContainer {
  readonly podUid: string;
  /** Empty for a sandbox. */
  readonly container: string;
  readonly attempt: number;
}

/** Ids that the runtime's own names explain, or the pass over a pod in which they are used. */
export function containersIn(traces: readonly RuntimeTrace[]): ReadonlyMap<string, KnownContainer> {
  const known = new Map<string, KnownContainer>();
  const weak = new Map<string, KnownContainer>();
  for (const { spans } of traces) {
    const pod = spans.find(isSync);
    for (const span of spans) {
      const containerId = textOf(span, 'container.id');
      const sandboxId = textOf(span, 'sandbox.id');
      const container = textOf(span, 'container.name').split('_');
      if (containerId !== '' && container.length === 5)
        known.set(containerId, { podUid: container[3] ?? '', container: container[0] ?? '', attempt: Number(container[4]) });
      const podUid = podUidOf(span) || (pod === undefined ? '' : podUidOf(pod));
      if (podUid === '') continue;
      if (sandboxId !== '') known.set(sandboxId, { podUid, container: '', attempt: -1 });
      if (containerId !== '') weak.set(containerId, { podUid, container: '', attempt: -1 });
    }
  }
  for (const [id, one] of weak) if (!known.has(id)) known.set(id, one);
  return known;
}

export function unitsOf(trace: RuntimeTrace, containers: ReadonlyMap<string, KnownContainer>): Unit[] {
  const requests = trace.spans.filter((span) => requestOf(span) !== null);
  if (requests.length > 0) return requests.flatMap((head) => requestUnit(trace, head));
  const calls = callsOf(trace, containers);
  const sync = trace.spans.find(isSync);
  if (sync !== undefined) return [syncUnit(sync, calls)];
  if (calls.length > 0) return calls;
  return trace.spans.filter((span) => isTaskWait(span) && span.parentSpanId === '').flatMap((span) => runUnit(span, containers));
}

function requestUnit(trace: RuntimeTrace, head: RuntimeSpan): RequestUnit[] {
  const request = requestOf(head);
  const verb = request === null ? null : verbOf(request.method);
  if (request === null || verb === null) return [];
  const named = namedBy(requestSpans(trace, head), request);
  if (named === null) return [];
  return [
    { kind: 'request', head, start: head.start, end: head.end, verb, ...named, client: clientOf(textOf(head, 'user_agent.original')) },
  ];
}

/**
 * The spans of one request: those that tell its audit id. A caller that is trusted with its own trace makes several requests in it, and
 * what stands below the filters of the API server has lost its parents.
 */
export function requestSpans(trace: RuntimeTrace, head: RuntimeSpan): readonly RuntimeSpan[] {
  const audit = textOf(head, 'audit-id');
  return trace.spans.filter((span) => span === head || (audit !== '' && textOf(span, 'audit-id') === audit));
}

type Named = Pick<RequestUnit, 'resource' | 'subresource' | 'namespace' | 'name'>;

/** A POST gets its object's name from what it stores; a token is about the pod that it is for. */
function namedBy(spans: readonly RuntimeSpan[], { resource, subresource, namespace, name }: RequestFacts): Named | null {
  const keys = spans.map((span) => textOf(span, 'key'));
  if (subresource === 'token') {
    const pod = keys.map((key) => parseStorageKey(key, { resource: 'pods', namespace })).find((found) => found !== null);
    return pod === undefined || pod === null ? null : { resource: 'pods', subresource: 'token', namespace, name: pod };
  }
  if (name !== '') return { resource, subresource, namespace, name };
  const stored = new Set(
    spans
      .filter((span) => span.name.endsWith('etcd3'))
      .map((span) => parseStorageKey(textOf(span, 'key'), { resource, namespace }))
      .filter((found) => found !== null),
  );
  // The deletion of a collection is about all of it.
  const [only] = stored;
  return stored.size !== 1 || only === undefined ? null : { resource, subresource, namespace, name: only };
}

function callsOf(trace: RuntimeTrace, containers: ReadonlyMap<string, KnownContainer>): CallUnit[] {
  const calls: CallUnit[] = [];
  for (const span of trace.spans) {
    const method = runtimeCallOf(span);
    const parent = trace.byId.get(span.parentSpanId);
    if (!actingCalls.has(method) || (parent !== undefined && parent.name === span.name)) continue;
    const halves = [span, ...(trace.children.get(span.spanId) ?? []).filter((child) => child.name === span.name)];
    const first = (...keys: readonly string[]) => halves.map((half) => textOf(half, ...keys)).find((found) => found !== '') ?? '';
    const containerId = first('container.id');
    const known = containers.get(containerId) ?? containers.get(first('sandbox.id'));
    calls.push({
      kind: 'call',
      head: span,
      start: span.start,
      end: span.end,
      method,
      failed: halves.some(({ failed }) => failed) || !['', '0'].includes(first('rpc.grpc.status_code')),
      containerId,
      podUid: halves.map(podUidOf).find((uid) => uid !== '') ?? known?.podUid ?? '',
      container: containers.get(containerId)?.container ?? '',
      attempt: containers.get(containerId)?.attempt ?? -1,
    });
  }
  return calls;
}

function syncUnit(head: RuntimeSpan, calls: readonly CallUnit[]): SyncUnit {
  const podUid = podUidOf(head);
  const pass =
    head.name === 'syncPod'
      ? textOf(head, 'k8s.pod.update_type') || 'sync'
      : head.name === 'syncTerminatingPod'
        ? 'terminating'
        : 'terminated';
  return {
    kind: 'sync',
    head,
    start: head.start,
    end: head.end,
    pass,
    podUid,
    namespace: textOf(head, 'k8s.namespace.name'),
    name: textOf(head, 'k8s.pod.name'),
    calls: calls.map((call) => ({ ...call, podUid })),
  };
}

/** Sandboxes live as long as their pods, which is told already. */
function runUnit(head: RuntimeSpan, containers: ReadonlyMap<string, KnownContainer>): RunUnit[] {
  const containerId = textOf(head, 'task.id');
  const known = containers.get(containerId);
  if (known === undefined || known.container === '') return [];
  return [{ kind: 'run', head, start: head.start, end: head.end, containerId, ...known }];
}
