/** Which objects have no namespace, whatever an Event or an owner reference says. */

const clusterKinds: ReadonlySet<string> = new Set([
  ...['Node', 'Namespace', 'PersistentVolume', 'StorageClass', 'PriorityClass', 'RuntimeClass', 'IngressClass'],
  ...['CSINode', 'CSIDriver', 'VolumeAttachment', 'CertificateSigningRequest', 'CustomResourceDefinition', 'APIService'],
  ...['ClusterRole', 'ClusterRoleBinding', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
  // Karpenter, cert-manager, OpenShift.
  ...['NodeClaim', 'NodePool', 'EC2NodeClass', 'ClusterIssuer'],
  ...['ClusterVersion', 'ClusterOperator', 'MachineConfig', 'MachineConfigPool'],
]);

export function isClusterScoped(kind: string): boolean {
  return clusterKinds.has(kind);
}

/**
 * The namespace of an object: its own, else that of the Event. Recorders put Events of objects without one into `default`, so a custom
 * object that says none there has none.
 */
export function namespaceOf(kind: string, apiVersion: string, own: string, event: string): string {
  if (isClusterScoped(kind)) return '';
  if (own !== '') return own;
  return event === 'default' && apiVersion.includes('.') && !apiVersion.includes('.k8s.io/') ? '' : event;
}
