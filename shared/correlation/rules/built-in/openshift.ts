/**
 * OpenShift: operators built on library-go, static pods, the apiserver's way to stop, Machine Config Operator, Cluster Version Operator,
 * multus, Operator Lifecycle Manager. What library-go says that it has made or changed is in generic.ts.
 */
import type { Rule } from '../rule.ts';

export const openshiftRules: readonly Rule[] = [
  ...operatorRules(),
  ...staticPodRules(),
  ...apiserverRules(),
  ...machineConfigRules(),
  ...olmRules(),
];

/** openshift/library-go pkg/operator/status: the one true verdict of an operator, and what it watches. */
function operatorRules(): readonly Rule[] {
  return [
    {
      id: 'operator.degraded',
      reason: ['OperatorStatusChanged'],
      patterns: [
        '^Status for clusteroperator/(?<operator>\\S+) changed: .*(?:Degraded changed from False to True|Available changed from True to False)',
      ],
      class: 'failure',
    },
    {
      id: 'operator.status',
      reason: ['OperatorStatusChanged'],
      patterns: ['^Status for clusteroperator/(?<operator>\\S+) changed: ', '^'],
      class: 'state',
    },
    { id: 'operator.version', reason: ['OperatorVersionChanged', 'ObservedConfigChanged', 'ObserveFeatureFlagsUpdated'], class: 'state' },
    // Good news, and advice, both as Warnings.
    { id: 'operator.advice', reason: ['KubeAPIReadyz', 'FastControllerResync'], class: 'noise' },
    {
      id: 'cvo.payload',
      group: ['config.openshift.io'],
      kind: ['ClusterVersion'],
      reason: ['RetrievePayload', 'VerifyPayload', 'LoadPayload', 'PreconditionsPassed', 'PayloadLoaded'],
      class: 'state',
      firstSign: true,
    },
    { id: 'csr.approved', reason: ['CSRApproved'], class: 'state' },
    {
      id: 'multus.interface',
      kind: ['Pod'],
      reason: ['AddedInterface'],
      patterns: ['^Add (?<interface>\\S+) \\[(?<addresses>[^\\]]*)\\] from (?<network>\\S+)', '^'],
      class: 'state',
    },
  ];
}

/** pkg/operator/staticpod: a revision is installed on one node after the other. */
function staticPodRules(): readonly Rule[] {
  const node = 'node "(?<node>[^"]+)" from revision (?<from>\\d+) to (?<to>\\d+)';
  return [
    {
      id: 'static-pod.revision',
      reason: ['StartingNewRevision', 'RevisionTriggered'],
      patterns: ['^new revision (?<revision>\\d+) triggered by ', '^'],
      class: 'state',
      firstSign: true,
    },
    {
      id: 'static-pod.target',
      reason: ['NodeTargetRevisionChanged'],
      patterns: [`^Updating ${node}`, '^'],
      class: 'start',
      pair: 'rollout',
      phase: 'rollout',
      firstSign: true,
    },
    {
      id: 'static-pod.current',
      reason: ['NodeCurrentRevisionChanged'],
      patterns: [`^Updated ${node}`, '^'],
      class: 'end',
      pair: 'rollout',
      phase: 'rollout',
    },
    { id: 'static-pod.failed', reason: ['InstallerPodFailed', 'RequiredInstallerResourcesMissing'], class: 'failure' },
    { id: 'static-pod.installed', kind: ['Pod'], reason: ['StaticPodInstallerCompleted'], class: 'state' },
  ];
}

/** k8s.io/apiserver pkg/server/lifecycle_signals.go, told since OpenShift's patches with the prefix `Termination`. */
function apiserverRules(): readonly Rule[] {
  const stop = { kind: ['Pod'], pair: 'stop', phase: 'stop' } as const;
  return [
    { ...stop, id: 'apiserver.stopping', reason: ['TerminationStart', 'ShutdownInitiated'], class: 'start' },
    {
      kind: ['Pod'],
      id: 'apiserver.stop-step',
      reason: [
        ...['TerminationMinimalShutdownDurationFinished', 'TerminationStoppedServing', 'TerminationPreShutdownHooksFinished'],
        ...['AfterShutdownDelayDuration', 'InFlightRequestsDrained'],
      ],
      class: 'state',
    },
    { ...stop, id: 'apiserver.stopped', reason: ['TerminationGracefulTerminationFinished', 'HTTPServerStoppedListening'], class: 'end' },
  ];
}

/** openshift/machine-config-operator pkg/daemon, pkg/controller; machine-api-operator. */
function machineConfigRules(): readonly Rule[] {
  const node = { kind: ['Node'] };
  return [
    {
      ...node,
      id: 'machine-config.step',
      reason: [
        'Cordon',
        'Drain',
        'OSUpdateStarted',
        'OSUpgradeSkipped',
        'OSUpgradeApplied',
        'OSUpdateStaged',
        'PendingConfig',
        'SkipReboot',
        'Reboot',
      ],
      class: 'state',
      firstSign: true,
    },
    { ...node, id: 'machine-config.done', reason: ['NodeDone', 'Uncordon'], class: 'state' },
    {
      ...node,
      id: 'machine-config.monitor',
      reason: ['ConfigDriftMonitorStarted', 'ConfigDriftMonitorStopped', 'AddSigtermProtection', 'RemoveSigtermProtection'],
      class: 'noise',
    },
    {
      id: 'machine-config.pool',
      kind: ['MachineConfigPool'],
      reason: ['RenderedConfigGenerated', 'AnnotationChange'],
      class: 'state',
      firstSign: true,
    },
    { id: 'machine.updated', group: ['machine.openshift.io'], kind: ['Machine'], reason: ['Create', 'Update', 'Updated'], class: 'state' },
    {
      id: 'machine.failed',
      group: ['machine.openshift.io'],
      kind: ['Machine'],
      reason: ['FailedCreate', 'FailedUpdate', 'FailedDelete'],
      class: 'failure',
    },
  ];
}

/** operator-framework/operator-lifecycle-manager pkg/controller/operators/olm. */
function olmRules(): readonly Rule[] {
  const version = { kind: ['ClusterServiceVersion'] };
  const install = { ...version, pair: 'sync', phase: 'sync' } as const;
  return [
    { ...install, id: 'olm.waiting', reason: ['RequirementsUnknown', 'AllRequirementsMet'], class: 'start', firstSign: true },
    {
      ...version,
      id: 'olm.requirements',
      reason: ['RequirementsNotMet', 'InstallWaiting', 'NeedsReinstall'],
      class: 'state',
      firstSign: true,
    },
    { ...version, id: 'olm.installing', reason: ['InstallSucceeded'], patterns: ['^waiting for '], class: 'state' },
    { ...install, id: 'olm.installed', reason: ['InstallSucceeded'], class: 'end', ends: true },
    {
      ...install,
      id: 'olm.failed',
      reason: ['InstallComponentFailed', 'InstallCheckFailed', 'ComponentUnhealthy'],
      class: 'end',
      ends: true,
      fails: true,
    },
  ];
}
