/**
 * Kubernetes object -> the fields that knspan keeps (`object.ts`). Everything not named here is dropped, including env, command, data and
 * last-applied configuration.
 */
import { isClusterScoped } from '../events/cluster-scoped.ts';
import { field, isJson, listField, numberField, pickField, type Result, textField } from '../events/json.ts';
import type { ObjectRef } from '../events/observation.ts';
import { keptAnnotations } from '../events/parse-event.ts';
import { parseTimestamp } from '../events/time.ts';
import type { Condition, ContainerEnd, ContainerStatus, Edit, KubeObject } from './object.ts';

const editsMost = 100;
const conditionsMost = 50;
const containersMost = 200;
const claimsMost = 100;
const ownersMost = 50;

export const keptLabels: readonly string[] = [
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/instance',
  'argocd.argoproj.io/instance',
  'kustomize.toolkit.fluxcd.io/name',
  'kustomize.toolkit.fluxcd.io/namespace',
  'helm.toolkit.fluxcd.io/name',
  'helm.toolkit.fluxcd.io/namespace',
  'batch.kubernetes.io/job-name',
  'tekton.dev/pipelineRun',
  'tekton.dev/taskRun',
];

export function parseObject(value: unknown): Result<KubeObject> {
  const kind = textField(value, 'kind');
  const metadata = field(value, 'metadata');
  const name = textField(metadata, 'name');
  const missing = [...(kind === '' ? ['kind'] : []), ...(name === '' ? ['metadata.name'] : [])];
  if (!isJson(value) || missing.length > 0)
    return { ok: false, reason: `Cannot read object: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing` };
  const spec = field(value, 'spec');
  const status = field(value, 'status');
  const namespace = textField(metadata, 'namespace');
  return {
    ok: true,
    value: {
      apiVersion: textField(value, 'apiVersion'),
      kind,
      namespace,
      name,
      uid: textField(metadata, 'uid'),
      resourceVersion: textField(metadata, 'resourceVersion'),
      generation: numberField(metadata, 'generation') ?? 0,
      createdAt: parseTimestamp(field(metadata, 'creationTimestamp')),
      deletionAt: parseTimestamp(field(metadata, 'deletionTimestamp')),
      owner: ownerOf(metadata, namespace),
      edits: listField(metadata, 'managedFields', editsMost).map(toEdit),
      labels: pickField(metadata, 'labels', keptLabels),
      annotations: pickField(metadata, 'annotations', [...keptAnnotations, 'deployment.kubernetes.io/revision']),
      target: targetOf(spec, namespace),
      claims: listField(spec, 'volumes', claimsMost)
        .map((volume) => textField(field(volume, 'persistentVolumeClaim'), 'claimName'))
        .filter((claim) => claim !== ''),
      nodeName: textField(spec, 'nodeName'),
      replicas: numberField(spec, 'replicas'),
      conditions: listField(status, 'conditions', conditionsMost).map(toCondition),
      containers: [
        ...listField(status, 'initContainerStatuses', containersMost).map((one) => toContainer(one, true)),
        ...listField(status, 'containerStatuses', containersMost).map((one) => toContainer(one, false)),
      ],
    },
  };
}

function ownerOf(metadata: unknown, namespace: string): ObjectRef | null {
  const owners = listField(metadata, 'ownerReferences', ownersMost);
  const owner = owners.find((one) => field(one, 'controller') === true) ?? owners[0];
  if (owner === undefined || textField(owner, 'kind') === '') return null;
  const kind = textField(owner, 'kind');
  return {
    apiVersion: textField(owner, 'apiVersion'),
    kind,
    namespace: isClusterScoped(kind) ? '' : namespace,
    name: textField(owner, 'name'),
    uid: textField(owner, 'uid'),
  };
}

function targetOf(spec: unknown, namespace: string): ObjectRef | null {
  const target = isJson(field(spec, 'scaleTargetRef')) ? field(spec, 'scaleTargetRef') : field(spec, 'targetRef');
  const name = textField(target, 'name');
  // KEDA's scaleTargetRef may lack the kind.
  return name === ''
    ? null
    : { apiVersion: textField(target, 'apiVersion'), kind: textField(target, 'kind') || 'Deployment', namespace, name, uid: '' };
}

function toEdit(entry: unknown): Edit {
  return {
    manager: textField(entry, 'manager'),
    operation: textField(entry, 'operation'),
    subresource: textField(entry, 'subresource'),
    at: parseTimestamp(field(entry, 'time')),
  };
}

function toCondition(entry: unknown): Condition {
  return {
    type: textField(entry, 'type'),
    status: textField(entry, 'status'),
    reason: textField(entry, 'reason'),
    message: textField(entry, 'message'),
    at: parseTimestamp(field(entry, 'lastTransitionTime')) ?? parseTimestamp(field(entry, 'lastUpdateTime')),
  };
}

function toContainer(entry: unknown, init: boolean): ContainerStatus {
  const state = field(entry, 'state');
  return {
    name: textField(entry, 'name'),
    init,
    ready: field(entry, 'ready') === true,
    restarts: numberField(entry, 'restartCount') ?? 0,
    runningSince: parseTimestamp(field(field(state, 'running'), 'startedAt')),
    waiting: textField(field(state, 'waiting'), 'reason'),
    ended: toEnd(field(state, 'terminated')),
    lastEnded: toEnd(field(field(entry, 'lastState'), 'terminated')),
  };
}

function toEnd(entry: unknown): ContainerEnd | null {
  if (!isJson(entry)) return null;
  return {
    reason: textField(entry, 'reason'),
    exitCode: numberField(entry, 'exitCode') ?? -1,
    startedAt: parseTimestamp(field(entry, 'startedAt')),
    finishedAt: parseTimestamp(field(entry, 'finishedAt')),
  };
}
