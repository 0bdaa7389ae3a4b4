/**
 * Reduces the JSON of a Kubernetes object to what `parse-object.ts` reads, so that it may be stored unparsed: env, command, data and
 * last-applied configuration are removed.
 */
import { field, isJson } from '../events/json.ts';
import { keptAnnotations } from '../events/parse-event.ts';
import { keptLabels } from './parse-object.ts';

/** true: keep text, numbers and booleans; lists are reduced element by element. */
type Shape = true | { readonly [name: string]: Shape };

const ref: Shape = shape('apiVersion', 'kind', 'name', 'uid', 'controller');
const end: Shape = shape('reason', 'exitCode', 'startedAt', 'finishedAt');
const run: Shape = { running: shape('startedAt'), waiting: shape('reason'), terminated: end };
const container: Shape = { ...shape('name', 'ready', 'restartCount'), state: run, lastState: run };
const condition: Shape = shape('type', 'status', 'reason', 'message', 'lastTransitionTime', 'lastUpdateTime');
const object: Shape = {
  ...shape('apiVersion', 'kind'),
  metadata: {
    ...shape('name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp'),
    ownerReferences: ref,
    managedFields: shape('manager', 'operation', 'subresource', 'time'),
    labels: shape(...keptLabels),
    annotations: shape(...keptAnnotations, 'deployment.kubernetes.io/revision'),
  },
  spec: {
    ...shape('nodeName', 'replicas'),
    scaleTargetRef: ref,
    targetRef: ref,
    volumes: { persistentVolumeClaim: shape('claimName') },
  },
  status: { conditions: condition, containerStatuses: container, initContainerStatuses: container },
};
const elementsMost = 200;

export function reduceObject(value: unknown): unknown {
  return reduced(value, object);
}

function reduced(value: unknown, wanted: Shape): unknown {
  if (wanted === true) return typeof value === 'object' ? undefined : value;
  if (Array.isArray(value)) return value.slice(0, elementsMost).map((one) => reduced(one, wanted));
  if (!isJson(value)) return undefined;
  const kept: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(wanted)) {
    const found = reduced(field(value, name), inner);
    if (found !== undefined) kept[name] = found;
  }
  return kept;
}

function shape(...names: readonly string[]): { readonly [name: string]: Shape } {
  return Object.fromEntries(names.map((name) => [name, true]));
}
