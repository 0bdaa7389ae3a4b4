/** Which traces are shown, and the counts for the summary line and the exit code. */
import type { Micros } from '../../events/observation.ts';
import { counted } from '../../events/quantity.ts';
import { goDurationMicros, parseTimestamp } from '../../events/time.ts';
import type { Segment } from '../../spans/span.ts';

export interface Filter {
  readonly namespace?: string;
  readonly kind?: string;
  readonly name?: string;
  /** As a person names it: `deploy/web`, `deployments.apps/web`. */
  readonly object?: ObjectName;
  readonly failed?: boolean;
  /** Traces that ended at this time or later. */
  readonly since?: Micros;
}

export interface ObjectName {
  readonly kind: string;
  readonly name: string;
}

/** `kind/name`, with the kind as kubectl takes or prints it; null where it is not of that form. */
export function parseObjectName(text: string): ObjectName | null {
  const [, kind, name] = /^([A-Za-z][A-Za-z0-9]*)(?:\.[A-Za-z0-9.-]+)?\/([^/\s]+)$/.exec(text) ?? [];
  return kind === undefined || name === undefined ? null : { kind: kind.toLowerCase(), name };
}

export function passes(segment: Segment, filter: Filter): boolean {
  const { namespace, kind, name, object, since } = filter;
  if (namespace !== undefined && !matches(namespace, segment.namespace)) return false;
  if (filter.failed && segment.severity !== 'error') return false;
  if (since !== undefined && !segment.spans.some((span) => span.end >= since)) return false;
  if (kind === undefined && name === undefined && object === undefined) return true;
  return objectsOf(segment).some(
    (one) =>
      (kind === undefined || matches(kind.toLowerCase(), one.kind.toLowerCase())) &&
      (name === undefined || matches(name, one.name)) &&
      (object === undefined || (matches(object.name, one.name) && namesKind(object.kind, one.kind))),
  );
}

function objectsOf(segment: Segment): ObjectName[] {
  const found: ObjectName[] = [{ kind: segment.rootKind, name: segment.rootName }];
  for (const { attributes } of segment.spans) {
    found.push({ kind: String(attributes['k8s.object.kind'] ?? ''), name: String(attributes['k8s.object.name'] ?? '') });
    const pod = attributes['k8s.pod.name'];
    if (typeof pod === 'string') found.push({ kind: 'Pod', name: pod });
  }
  return found;
}

/** The short names of `kubectl api-resources`. */
const shortNames: Readonly<Record<string, string>> = {
  po: 'Pod',
  deploy: 'Deployment',
  rs: 'ReplicaSet',
  rc: 'ReplicationController',
  sts: 'StatefulSet',
  ds: 'DaemonSet',
  cj: 'CronJob',
  hpa: 'HorizontalPodAutoscaler',
  pdb: 'PodDisruptionBudget',
  pvc: 'PersistentVolumeClaim',
  pv: 'PersistentVolume',
  sc: 'StorageClass',
  no: 'Node',
  ns: 'Namespace',
  svc: 'Service',
  ing: 'Ingress',
  ep: 'Endpoints',
  cm: 'ConfigMap',
  sa: 'ServiceAccount',
  quota: 'ResourceQuota',
  crd: 'CustomResourceDefinition',
  ksvc: 'Service',
};

/** Whether a resource name, in lower case, stands for the kind: its singular, its plural, or its short name. */
function namesKind(resource: string, kind: string): boolean {
  const singular = kind.toLowerCase();
  const plurals = [`${singular}s`, `${singular}es`, ...(singular.endsWith('y') ? [`${singular.slice(0, -1)}ies`] : [])];
  return resource === singular || plurals.includes(resource) || shortNames[resource] === kind;
}

/** A pattern with `*` for any text; each part between stars is sought once, so that no pattern takes long. */
function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** `--since 2h` or a time, relative to the newest time known; null when it is neither. */
export function sinceOf(text: string, newest: Micros): Micros | null {
  const duration = goDurationMicros(text);
  return duration === null ? parseTimestamp(text) : newest - duration;
}

export class Selection {
  readonly #filter: Filter;
  readonly #dropsOrphans: boolean;
  #all = 0;
  #traces = 0;
  #failed = 0;
  #spans = 0;
  #orphans = 0;

  /** Orphans to be dropped arrive as digests, so that they can be counted. */
  constructor(filter: Filter, orphans: Orphans) {
    this.#filter = filter;
    this.#dropsOrphans = orphans === 'drop';
  }

  get failed(): number {
    return this.#failed;
  }

  takes(segment: Segment): boolean {
    const digested = this.#dropsOrphans ? digestedBy(segment) : 0;
    this.#orphans += digested;
    if (digested > 0) return false;
    this.#all += 1;
    if (!passes(segment, this.#filter)) return false;
    this.#traces += 1;
    this.#failed += segment.severity === 'error' ? 1 : 0;
    this.#spans += segment.spans.length;
    return true;
  }

  /** `3 of 5 traces shown, 1 failed, 20 spans; 7 events without cause or effect dropped` */
  get summary(): string {
    const shown = this.#all > this.#traces ? `${this.#traces} of ${counted(this.#all, 'trace')}` : counted(this.#traces, 'trace');
    const dropped = this.#dropsOrphans ? `; ${counted(this.#orphans, 'event')} without cause or effect dropped` : '';
    return `${shown} shown, ${this.#failed} failed, ${counted(this.#spans, 'span')}${dropped}`;
  }
}

export type Orphans = 'digest' | 'each' | 'drop';

/** What the pipeline does with orphans: the selection drops them. */
export function orphansKept(orphans: Orphans): 'digest' | 'each' {
  return orphans === 'each' ? 'each' : 'digest';
}

/** How many events a digest represents; 0 for any other trace. */
function digestedBy({ spans }: Segment): number {
  const root = spans.find((span) => span.parentSpanId === '');
  return root?.attributes['knspan.change'] === 'digest' ? Number(root.attributes['knspan.events'] ?? 0) : 0;
}
