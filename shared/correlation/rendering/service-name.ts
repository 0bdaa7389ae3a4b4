/** `service.name` of spans: the reporting component, from a bounded table so that a backend's list of services stays short. */
const known: readonly string[] = [
  'attachdetach-controller',
  'cert-manager',
  'cluster-autoscaler',
  'cronjob-controller',
  'daemonset-controller',
  'default-scheduler',
  'deployment-controller',
  'endpoint-controller',
  'horizontal-pod-autoscaler',
  'job-controller',
  'karpenter',
  'keda-operator',
  'kubelet',
  'node-controller',
  'persistentvolume-controller',
  'replicaset-controller',
  'rollouts-controller',
  'service-controller',
  'statefulset-controller',
  'taint-eviction-controller',
  'kustomize-controller',
  'helm-controller',
  'source-controller',
  'argocd-application-controller',
];

export function serviceOf(reporter: string): string {
  if (known.includes(reporter)) return reporter;
  return known.find((name) => reporter.startsWith(`${name}-`)) ?? 'other-controller';
}
