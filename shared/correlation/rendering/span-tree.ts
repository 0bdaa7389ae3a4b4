/** The tree of one trace during rendering: nodes with their own times, before ids and attributes are final. */
import type { Micros, ObjectRef } from '../../events/observation.ts';
import type { Objects } from '../../kubernetes/object-index.ts';
import type { AttributeValue, SpanEvent, SpanLink } from '../../spans/span.ts';
import type { ChangeState } from '../change.ts';
import type { CorrelateConfig } from '../config.ts';
import type { Context, Placed } from '../context.ts';

/** The input of rendering. */
export interface RenderInput {
  readonly change: ChangeState;
  readonly placed: readonly Placed[];
  readonly objects: Objects;
  readonly context: Context;
  readonly config: CorrelateConfig;
  /** When the change was settled, in event time. */
  readonly settledAt: Micros;
}

type Named = Pick<ObjectRef, 'kind' | 'name'>;

/** Writes what a node says of itself; called when somebody first asks. */
export type Describe = (node: SpanNode) => void;

export class SpanNode {
  /** Source of the span id: an occurrence, or one with a role. */
  readonly id: string;
  readonly role: string;
  readonly placed: Placed | null;
  name = '';
  start: Micros;
  end: Micros;
  /** A measured duration: never stretched, never shortened. */
  real = false;
  /** The duration was stated, not measured between events: not even its start moves. */
  stated = false;
  /** Uncertainty of the start. */
  uncertainty: Micros;
  parent: SpanNode | null = null;
  children: SpanNode[] = [];
  links: SpanLink[] = [];
  failed = '';
  /** Of a branch of trouble, the object in trouble. */
  branchOf: Named | null = null;
  /** Occurrences that the node tells by itself or by span events. */
  tells: string[];
  /** Occurrences in span events. */
  readonly attached: Placed[] = [];
  #title = '';
  #service = '';
  #attributes: Record<string, AttributeValue> = {};
  #events: SpanEvent[] = [];
  /** Lazy: nearly all nodes of a large change are folded away. */
  #describe: Describe | null;

  constructor(id: string, role: string, placed: Placed | null, at: Micros, describe: Describe | null) {
    this.id = id;
    this.role = role;
    this.placed = placed;
    this.start = at;
    this.end = at;
    this.uncertainty = placed?.occurrence.uncertainty ?? 0;
    this.tells = placed ? [placed.occurrence.id] : [];
    this.#describe = describe;
  }

  get title(): string {
    this.#tell();
    return this.#title;
  }

  set title(title: string) {
    this.#tell();
    this.#title = title;
  }

  get service(): string {
    this.#tell();
    return this.#service;
  }

  set service(service: string) {
    this.#tell();
    this.#service = service;
  }

  get attributes(): Record<string, AttributeValue> {
    this.#tell();
    return this.#attributes;
  }

  get events(): SpanEvent[] {
    this.#tell();
    return this.#events;
  }

  #tell(): void {
    const describe = this.#describe;
    if (!describe) return;
    this.#describe = null;
    describe(this);
  }
}

export function newNode(id: string, role: string, placed: Placed | null, at: Micros, describe: Describe | null = null): SpanNode {
  return new SpanNode(id, role, placed, at, describe);
}

export function adopt(parent: SpanNode, child: SpanNode): void {
  if (child.parent) child.parent.children = child.parent.children.filter((other) => other !== child);
  child.parent = parent;
  parent.children.push(child);
}

/** Parents before children, siblings in their order. */
export function nodesOf(root: SpanNode): SpanNode[] {
  const found: SpanNode[] = [];
  const stack = [root];
  for (let node = stack.pop(); node; node = stack.pop()) {
    found.push(node);
    for (let index = node.children.length - 1; index >= 0; index -= 1) {
      const child = node.children[index];
      if (child) stack.push(child);
    }
  }
  return found;
}

/** Attributes that name an owner chain by the semantic conventions: `k8s.pod.name`, `k8s.pod.uid`, ... */
export function chainAttributes(chain: readonly ObjectRef[]): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const ref of [...chain].reverse()) {
    const kind = conventional[ref.kind];
    if (!kind) continue;
    if (ref.name !== '') attributes[`k8s.${kind}.name`] = ref.name;
    if (ref.uid !== '') attributes[`k8s.${kind}.uid`] = ref.uid;
  }
  const namespace = chain.find((ref) => ref.namespace !== '')?.namespace;
  if (namespace) attributes['k8s.namespace.name'] = namespace;
  return attributes;
}

/** Kinds that OpenTelemetry's semantic conventions for Kubernetes name. */
const conventional: Readonly<Record<string, string>> = {
  Pod: 'pod',
  ReplicaSet: 'replicaset',
  Deployment: 'deployment',
  StatefulSet: 'statefulset',
  DaemonSet: 'daemonset',
  Job: 'job',
  CronJob: 'cronjob',
  Node: 'node',
  HorizontalPodAutoscaler: 'hpa',
  PersistentVolumeClaim: 'persistentvolumeclaim',
  PersistentVolume: 'persistentvolume',
  ReplicationController: 'replicationcontroller',
};
