/**
 * What changes the number or size of pods and nodes: horizontal and vertical pod autoscalers, KEDA, cluster-autoscaler,
 * Karpenter. Karpenter borrows the reasons Evicted and FailedScheduling of kubelet and scheduler, so its rules come before
 * theirs and go by its texts.
 */
import type { Rule } from '../rule.ts';

export const autoscalingRules: readonly Rule[] = [
  ...horizontalRules(),
  ...verticalRules(),
  ...kedaRules(),
  ...clusterAutoscalerRules(),
  ...karpenterPodRules(),
  ...karpenterNodeRules(),
];

/** pkg/controller/podautoscaler/horizontal.go. The target is spec.scaleTargetRef: no message names it. */
function horizontalRules(): readonly Rule[] {
  const autoscaler = { kind: ['HorizontalPodAutoscaler'] };
  return [
    {
      ...autoscaler,
      id: 'hpa.rescale',
      reason: ['SuccessfulRescale'],
      patterns: ['^New size: (?<size>\\d+)', '^'],
      class: 'action',
      verb: 'rescale',
    },
    {
      ...autoscaler,
      id: 'hpa.rescale-failed',
      reason: ['FailedRescale'],
      patterns: ['^New size: (?<size>\\d+)', '^'],
      class: 'failure',
      fails: true,
    },
    {
      ...autoscaler,
      id: 'hpa.failed',
      reason: [
        ...[
          'FailedGetScale',
          'FailedComputeMetricsReplicas',
          'FailedUpdateReplicas',
          'FailedUpdateStatus',
          'FailedConvertHPA',
          'FailedParseGroupVersion',
        ],
        ...[
          'FailedGetResourceMetric',
          'FailedGetContainerResourceMetric',
          'FailedGetPodsMetric',
          'FailedGetObjectMetric',
          'FailedGetExternalMetric',
        ],
        ...['SelectorRequired', 'InvalidSelector', 'AmbiguousSelector', 'InvalidMetricSourceType'],
      ],
      class: 'failure',
    },
  ];
}

/** vertical-pod-autoscaler, updater: one eviction told of two objects. The Pod's Event is the action, the other one its echo. */
function verticalRules(): readonly Rule[] {
  return [
    { id: 'vpa.evict', kind: ['Pod'], reason: ['EvictedByVPA'], class: 'action', verb: 'evict' },
    {
      id: 'vpa.evicted',
      kind: ['VerticalPodAutoscaler'],
      reason: ['EvictedPod'],
      patterns: ['^VPA Updater evicted Pod (?<name>\\S+) '],
      class: 'state',
      subject: { kind: 'Pod' },
    },
  ];
}

/** kedacore/keda pkg/scaling/executor: from and to zero only, the rest is done by the autoscaler that KEDA owns. */
function kedaRules(): readonly Rule[] {
  const ready = { pair: 'ready', phase: 'ready', firstSign: true } as const;
  return [
    {
      id: 'keda.rescale',
      reason: ['KEDAScaleTargetActivated', 'KEDAScaleTargetDeactivated'],
      // The kind comes with its group and version (`apps/v1.Deployment`) where status.scaleTargetKind has them.
      patterns: [
        '^(?:Scaled|Deactivated) (?:[^\\s/]*/[^\\s/.]+\\.)?(?<kind>[A-Za-z]+) (?<namespace>[^/\\s]+)/(?<name>\\S+) from (?<from>\\d+) to (?<to>\\d+)',
      ],
      class: 'action',
      verb: 'rescale',
      subject: { kind: '$kind', namespace: '$namespace' },
    },
    // The Jobs are not named, only owned.
    {
      id: 'keda.jobs',
      reason: ['KEDAJobsCreated'],
      patterns: ['^Created (?<size>\\d+) (?<kind>jobs)'],
      class: 'action',
      verb: 'create',
      begins: 'run',
    },
    {
      id: 'keda.failed',
      reason: [
        ...['KEDAScaleTargetActivationFailed', 'KEDAScaleTargetDeactivationFailed', 'KEDAScalerFailed'],
        ...['ScaledObjectCheckFailed', 'ScaledJobCheckFailed', 'ScaledObjectUpdateFailed', 'ScaledJobUpdateFailed'],
      ],
      class: 'failure',
    },
    { ...ready, id: 'keda.started', reason: ['KEDAScalersStarted'], class: 'start' },
    { ...ready, id: 'keda.ready', reason: ['ScaledObjectReady', 'ScaledJobReady'], class: 'end', ends: true },
    {
      id: 'keda.stopped',
      reason: ['KEDAScalersStopped', 'ScaledObjectDeleted', 'ScaledJobDeleted'],
      class: 'state',
      firstSign: true,
      begins: 'delete',
    },
    {
      id: 'keda.state',
      reason: ['ScaledJobActive', 'ScaledJobInactive', 'ScaledObjectPaused', 'ScaledObjectUnpaused'],
      class: 'state',
    },
  ];
}

/** kubernetes/autoscaler. A node group is no object of the API: what it does to one has no subject. */
function clusterAutoscalerRules(): readonly Rule[] {
  const status = { kind: ['ConfigMap'], class: 'action', firstSign: true } as const;
  return [
    {
      id: 'autoscaler.triggered',
      kind: ['Pod'],
      reason: ['TriggeredScaleUp'],
      patterns: ['^pod triggered scale-up: \\[\\{(?<nodegroup>\\S+) (?<from>\\d+)->(?<to>\\d+)', '^'],
      class: 'state',
    },
    { id: 'autoscaler.not-triggered', kind: ['Pod'], reason: ['NotTriggerScaleUp'], class: 'failure', waitsFor: 'node' },
    {
      ...status,
      id: 'autoscaler.scale-up',
      reason: ['ScaledUpGroup'],
      patterns: ['^Scale-up: setting group (?<nodegroup>\\S+) size to (?<to>\\d+) instead of (?<from>\\d+)', '^'],
      verb: 'scale-up',
      begins: 'scale',
    },
    {
      ...status,
      id: 'autoscaler.remove-node',
      reason: ['ScaleDownEmpty', 'ScaleDown'],
      patterns: [
        '^Scale-down: removing (?:empty |underutilized )?node "?(?<name>[^",\\s]+)',
        '^Scale-down: (?:empty )?node "?(?<name>[^",\\s]+)"? removed',
      ],
      verb: 'delete',
      subject: { kind: 'Node', namespace: '' },
      begins: 'delete',
    },
    { id: 'autoscaler.failed', reason: ['FailedToScaleUpGroup', 'ScaleDownFailed', 'ScaleUpTimedOut'], class: 'failure', fails: true },
    {
      id: 'autoscaler.drain',
      kind: ['Node'],
      reason: ['ScaleDown'],
      patterns: ['^marked the node as toBeDeleted'],
      class: 'action',
      verb: 'update',
      firstSign: true,
      begins: 'update',
    },
    {
      id: 'autoscaler.delete',
      kind: ['Node'],
      reason: ['ScaleDown', 'ScaleDownEmpty'],
      patterns: ['^(?:node removed|removing|deleting) '],
      class: 'action',
      verb: 'delete',
      firstSign: true,
    },
    { id: 'autoscaler.evict', kind: ['Pod'], reason: ['ScaleDown'], class: 'action', verb: 'evict', home: 'node' },
  ];
}

/** kubernetes-sigs/karpenter pkg/controllers/**, also as EKS Auto Mode. `machine/` is the name of NodeClaims before 0.32. */
function karpenterPodRules(): readonly Rule[] {
  const pod = { kind: ['Pod'] };
  return [
    {
      ...pod,
      id: 'karpenter.nominated',
      reason: ['Nominated'],
      patterns: ['^Pod should schedule on: (?<kind>nodeclaim|machine)/(?<name>[^,\\s]+)(?:, node/(?<node>\\S+))?'],
      class: 'action',
      verb: 'bind',
      subject: { kind: '$kind', namespace: '' },
    },
    {
      ...pod,
      id: 'karpenter.nominated-node',
      reason: ['Nominated'],
      patterns: ['^Pod should schedule on: node/(?<node>\\S+)'],
      class: 'state',
    },
    {
      ...pod,
      id: 'karpenter.unschedulable',
      reason: ['FailedScheduling'],
      patterns: ['^Failed to schedule pod'],
      class: 'failure',
      firstSign: true,
      waitsFor: 'node',
    },
    { ...pod, id: 'karpenter.evicted', reason: ['Evicted'], patterns: ['^Evicted pod'], class: 'action', verb: 'evict', home: 'node' },
  ];
}

/** The same for nodes: each disruption is told of the Node and of its NodeClaim, which owns it; the owner's is the action. */
function karpenterNodeRules(): readonly Rule[] {
  const reporter = ['karpenter', 'eks-auto-mode*'];
  const claim = { reporter, kind: ['NodeClaim', 'Machine'] };
  const any = { reporter, kind: ['Node', 'NodeClaim', 'Machine', 'NodePool', 'Pod'] };
  return [
    {
      ...claim,
      id: 'karpenter.disrupt',
      reason: ['DisruptionTerminating', 'Disrupted'],
      class: 'action',
      verb: 'delete',
      firstSign: true,
      begins: 'delete',
    },
    {
      reporter,
      id: 'karpenter.disrupted',
      kind: ['Node'],
      reason: ['DisruptionTerminating', 'Disrupted'],
      class: 'state',
      firstSign: true,
    },
    { ...claim, id: 'karpenter.launching', reason: ['DisruptionLaunching'], class: 'state', firstSign: true },
    {
      ...any,
      id: 'karpenter.state',
      reason: [
        'DisruptionWaitingReadiness',
        'DisruptionWaitingDeletion',
        'DisruptionBlocked',
        'Unconsolidatable',
        'ConsolidationCandidate',
        'ConsolidationRejected',
        'AwaitingVolumeDetachment',
      ],
      class: 'state',
    },
    {
      ...any,
      id: 'karpenter.failed',
      reason: ['InsufficientCapacityError', 'FailedDraining', 'NodeClassNotReady', 'NodeRepairBlocked', 'TerminationGracePeriodExpiring'],
      class: 'failure',
    },
    // Conditions of Karpenter's objects, each a reason of its own: `Status condition transitioned, Type: Launched,
    // Status: Unknown -> True, Reason: Launched`.
    {
      reporter,
      id: 'karpenter.condition',
      kind: ['NodeClaim', 'NodePool', 'EC2NodeClass', 'NodeClass'],
      patterns: ['^Status condition transitioned, Type: (?<condition>[^,]+), Status: \\S+ -> (?<outcome>[^,]+)'],
      class: 'state',
      firstSign: true,
    },
  ];
}
