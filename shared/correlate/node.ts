/** The tree of one trace while it is being drawn: nodes with their own times, before ids and attributes are final. */
import type { Micros, ObjectRef } from '../cloudevent/observation.ts';
import type { AttributeValue, SpanEvent, SpanLink } from '../spans/span.ts';
import type { Placed } from './context.ts';

export interface Node {
  /** What the span id is derived from: an occurrence, or one with a role. */
  readonly id: string;
  readonly role: string;
  readonly placed: Placed | null;
  name: string;
  title: string;
  service: string;
  start: Micros;
  end: Micros;
  /** A measured duration: never stretched, never shortened. */
  real: boolean;
  /** The duration was stated, not measured between events: not even its start moves. */
  stated: boolean;
  /** How much earlier or later the start may be. */
  uncertainty: Micros;
  parent: Node | null;
  children: Node[];
  attributes: Record<string, AttributeValue>;
  events: SpanEvent[];
  links: SpanLink[];
  failed: string;
  /** Occurrences that the node tells by itself or by span events. */
  tells: string[];
}

export function newNode(id: string, role: string, placed: Placed | null, at: Micros): Node {
  return {
    id,
    role,
    placed,
    name: '',
    title: '',
    service: '',
    start: at,
    end: at,
    real: false,
    stated: false,
    uncertainty: placed?.occurrence.uncertainty ?? 0,
    parent: null,
    children: [],
    attributes: {},
    events: [],
    links: [],
    failed: '',
    tells: placed ? [placed.occurrence.id] : [],
  };
}

export function adopt(parent: Node, child: Node): void {
  if (child.parent) child.parent.children = child.parent.children.filter((other) => other !== child);
  child.parent = parent;
  parent.children.push(child);
}

/** Parents before children, siblings in their order. */
export function nodesOf(root: Node): Node[] {
  const found: Node[] = [];
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
