/**
 * What makes and keeps clusters: Cluster API, the supervisors of k3s, OpenShift's ranges. Cluster API borrows
 * SuccessfulCreate and its siblings from the workload controllers; the group tells them apart.
 */
import type { Rule } from '../rule.ts';

export const clusterRules: readonly Rule[] = [...machineRules(), ...supervisorRules()];

/** kubernetes-sigs/cluster-api internal/controllers/{machinedeployment,machineset,machine}. Names without a namespace are quoted. */
function machineRules(): readonly Rule[] {
  const group = ['cluster.x-k8s.io', 'controlplane.cluster.x-k8s.io', 'machine.openshift.io'];
  const parents = { group, kind: ['MachineDeployment', 'MachineSet', 'MachinePool', 'KubeadmControlPlane'] };
  const names = ['"(?<name>[^"/]+)"', '(?<namespace>[^/"\\s]+)/(?<name>[^"\\s]+)'];
  const patterns = (verb: string) => names.map((name) => `^${verb} (?<kind>MachineSet|[Mm]achine) ${name}`);
  const subject = { kind: '$kind', namespace: '$namespace' };
  return [
    {
      ...parents,
      id: 'capi.create',
      reason: ['SuccessfulCreate'],
      patterns: patterns('Created'),
      class: 'action',
      verb: 'create',
      subject,
    },
    {
      ...parents,
      id: 'capi.delete',
      reason: ['SuccessfulDelete'],
      patterns: patterns('Deleted'),
      class: 'action',
      verb: 'delete',
      subject,
    },
    {
      ...parents,
      id: 'capi.scale-up',
      reason: ['SuccessfulScale'],
      patterns: ['^Scaled up MachineSet (?:(?<namespace>[^/"\\s]+)/)?(?<name>[^":\\s]+): (?<from>\\d+) (?:->|=>) (?<to>\\d+)'],
      class: 'action',
      verb: 'scale-up',
      subject: { kind: 'MachineSet', namespace: '$namespace' },
    },
    {
      ...parents,
      id: 'capi.scale-down',
      reason: ['SuccessfulScale'],
      patterns: ['^Scaled down MachineSet (?:(?<namespace>[^/"\\s]+)/)?(?<name>[^":\\s]+): (?<from>\\d+) (?:->|=>) (?<to>\\d+)'],
      class: 'action',
      verb: 'scale-down',
      subject: { kind: 'MachineSet', namespace: '$namespace' },
    },
    {
      ...parents,
      id: 'capi.failed',
      reason: ['FailedCreate', 'FailedDelete', 'FailedScale', 'FailedUpdate', 'ControlPlaneUnhealthy'],
      class: 'failure',
    },
    {
      group,
      id: 'capi.machine-state',
      kind: ['Machine'],
      reason: ['SuccessfulSetNodeRef', 'SuccessfulDrainNode', 'NodeVolumesDetached', 'SuccessfulSetInterruptibleNodeLabel'],
      class: 'state',
    },
    {
      group,
      id: 'capi.machine-failed',
      kind: ['Machine'],
      reason: ['FailedDrainNode', 'FailedDeleteNode', 'FailedWaitForVolumeDetach', 'MachineMarkedUnhealthy', 'DetectedUnhealthy'],
      class: 'failure',
    },
  ];
}

/** k3s-supervisor, k3s-cert-monitor; OpenShift's namespace-security-allocation-controller. */
function supervisorRules(): readonly Rule[] {
  return [
    { id: 'k3s.node-password', kind: ['Node'], reason: ['NodePasswordValidationComplete'], class: 'noise' },
    { id: 'k3s.node-password-failed', kind: ['Node'], reason: ['NodePasswordValidationFailed'], class: 'failure' },
    { id: 'k3s.certificates', kind: ['Node'], reason: ['CertificateExpirationOK'], class: 'noise' },
    { id: 'k3s.certificates-expiring', kind: ['Node'], reason: ['CertificateExpirationWarning'], class: 'failure' },
    { id: 'openshift.ranges', kind: ['Namespace'], reason: ['CreatedSCCRanges'], class: 'state' },
  ];
}
