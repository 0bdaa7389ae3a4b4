/** Which kind an object is of whose list or file leaves that out: by the resource's name in a path or a link, or by its shape. */
import { field, isJson, textField } from '../../events/json.ts';

const kinds = [
  'Pod',
  'Node',
  'Namespace',
  'Service',
  'Endpoints',
  'Event',
  'ConfigMap',
  'Secret',
  'ServiceAccount',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'StorageClass',
  'VolumeAttachment',
  'ReplicationController',
  'ResourceQuota',
  'LimitRange',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'ControllerRevision',
  'Job',
  'CronJob',
  'HorizontalPodAutoscaler',
  'VerticalPodAutoscaler',
  'PodDisruptionBudget',
  'Ingress',
  'IngressClass',
  'NetworkPolicy',
  'EndpointSlice',
  'Lease',
  'PriorityClass',
  'CustomResourceDefinition',
  'APIService',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'CertificateSigningRequest',
  'Certificate',
  'CertificateRequest',
  'Issuer',
  'ClusterIssuer',
  'Rollout',
  'Application',
  'HelmRelease',
  'HelmChart',
  'Kustomization',
  'GitRepository',
  'ScaledObject',
  'NodeClaim',
  'NodePool',
  'Machine',
  'MachineSet',
  'MachineDeployment',
  'ClusterServiceVersion',
  'ClusterOperator',
  'ClusterVersion',
  'DeploymentConfig',
  'BuildConfig',
  'Build',
] as const;

/** Names of resources, plural and singular, and the short names that file names bear. */
const byName: ReadonlyMap<string, string> = new Map([
  ...kinds.flatMap((kind): [string, string][] => {
    const singular = kind.toLowerCase();
    return [[singular, kind], ...pluralsOf(singular).map((plural): [string, string] => [plural, kind])];
  }),
  ['pvc', 'PersistentVolumeClaim'],
  ['pvcs', 'PersistentVolumeClaim'],
  ['pv', 'PersistentVolume'],
  ['pvs', 'PersistentVolume'],
  ['hpa', 'HorizontalPodAutoscaler'],
  ['hpas', 'HorizontalPodAutoscaler'],
  ['svc', 'Service'],
]);

function pluralsOf(singular: string): string[] {
  if (singular.endsWith('y')) return [`${singular.slice(0, -1)}ies`];
  if (singular === 'endpoints') return [];
  return /(s|x|ch)$/.test(singular) ? [`${singular}es`] : [`${singular}s`];
}

/** `pods` -> Pod; empty where the resource is unknown. */
export function kindOfResource(resource: string): string {
  return byName.get(resource.toLowerCase()) ?? '';
}

/** `pod/web-1` as tables print it; a kind that is unknown keeps its spelling, with a capital. */
export function kindOfName(name: string): string {
  return kindOfResource(name) || name.charAt(0).toUpperCase() + name.slice(1);
}

/** The kind of the items in a file, by the words of its name, then of its folders: `pods/shop.json`, `k8s-pods-2022.yaml`, `apps_v1_daemonsets.json`. */
export function kindInPath(path: string): string {
  for (const part of path.split(/[/\\]/).reverse())
    for (const word of part.split(/[^A-Za-z]+/)) {
      const kind = kindOfResource(word);
      if (kind !== '') return kind;
    }
  return '';
}

/** `/api/v1/namespaces/shop/pods/web-1` */
function kindInLink(link: string): string {
  return kindOfResource(link.split('/').at(-2) ?? '');
}

/** Fields of spec and status that no other kind has. */
const shapes: readonly (readonly [kind: string, spec: readonly string[], status: readonly string[]])[] = [
  ['CronJob', ['schedule', 'jobTemplate'], []],
  ['StatefulSet', ['serviceName', 'template'], []],
  ['DaemonSet', ['template'], ['desiredNumberScheduled']],
  ['Deployment', ['template', 'strategy'], []],
  ['Job', ['template', 'backoffLimit'], []],
  ['ReplicaSet', ['template', 'selector', 'replicas'], ['fullyLabeledReplicas']],
  ['ReplicaSet', ['template', 'selector', 'replicas'], ['observedGeneration']],
  ['HorizontalPodAutoscaler', ['scaleTargetRef', 'maxReplicas'], []],
  ['PersistentVolume', ['capacity', 'persistentVolumeReclaimPolicy'], []],
  ['PersistentVolumeClaim', ['accessModes', 'resources'], []],
  ['Node', [], ['nodeInfo']],
  ['Service', ['clusterIP'], []],
  ['Pod', ['containers'], []],
];

/** Empty where nothing tells. */
export function kindByShape(object: unknown): string {
  const link = kindInLink(textField(field(object, 'metadata'), 'selfLink'));
  if (link !== '') return link;
  const [spec, status] = [field(object, 'spec'), field(object, 'status')];
  const has = (value: unknown, names: readonly string[]) => names.every((name) => isJson(value) && Object.hasOwn(value, name));
  return shapes.find(([, inSpec, inStatus]) => has(spec, inSpec) && has(status, inStatus))?.[0] ?? '';
}
