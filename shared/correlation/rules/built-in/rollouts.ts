/**
 * Argo Rollouts (`rollouts-controller`): utils/conditions/conditions.go, rollout/*.go. The revision number joins the
 * Events of one rollout; `ReplicaSet` is one word here, unlike in a Deployment's messages.
 */
import type { Rule } from '../rule.ts';

const rollout = { group: ['argoproj.io'], kind: ['Rollout'] };
const run = { group: ['argoproj.io'], kind: ['AnalysisRun'] };
const pair = { ...rollout, pair: 'rollout', phase: 'rollout' } as const;

export const rolloutRules: readonly Rule[] = [...lifeRules(), ...replicaSetRules(), ...stepRules(), ...analysisRules()];

function lifeRules(): readonly Rule[] {
  return [
    {
      ...pair,
      id: 'rollout.created',
      reason: ['RolloutUpdated'],
      patterns: ['^Rollout updated to revision (?<revision>1)$'],
      class: 'start',
      firstSign: true,
      begins: 'create',
    },
    {
      ...pair,
      id: 'rollout.updated',
      reason: ['RolloutUpdated'],
      patterns: ['^Rollout updated to revision (?<revision>\\d+)', '^'],
      class: 'start',
      firstSign: true,
      begins: 'rollout',
      expectsEnd: true,
    },
    // Recorded before the first pod exists.
    { ...rollout, id: 'rollout.initial', reason: ['RolloutCompleted'], patterns: [': Initial deploy$'], class: 'state' },
    {
      ...pair,
      id: 'rollout.completed',
      reason: ['RolloutCompleted'],
      patterns: ['^Rollout completed update to revision (?<revision>\\d+) \\((?<hash>[^)]*)\\)', '^'],
      class: 'end',
      ends: true,
    },
    {
      ...pair,
      id: 'rollout.aborted',
      reason: ['RolloutAborted'],
      patterns: ['^Rollout aborted update to revision (?<revision>\\d+)', '^ReplicaSet "(?<set>[^"]+)" has timed out progressing', '^'],
      class: 'end',
      ends: true,
      fails: true,
    },
    // Said when an update begins, not when one fails: the condition Completed turns false.
    {
      ...rollout,
      id: 'rollout.not-completed',
      reason: ['RolloutNotCompleted'],
      patterns: ['^Rollout not completed, started update to revision (?<revision>\\d+)', '^'],
      class: 'state',
      firstSign: true,
    },
    {
      ...rollout,
      id: 'rollout.failed',
      reason: ['ProgressDeadlineExceeded', 'InvalidSpec', 'ServiceReferenceError'],
      class: 'failure',
      fails: true,
    },
    { ...rollout, id: 'rollout.paused', reason: ['RolloutPaused', 'RolloutResumed', 'RolloutRetry'], class: 'state' },
    { ...rollout, id: 'rollout.noise', reason: ['RolloutAddedToInformer'], class: 'noise' },
  ];
}

function replicaSetRules(): readonly Rule[] {
  const set = { ...rollout, class: 'action', subject: { kind: 'ReplicaSet' } } as const;
  return [
    {
      ...set,
      id: 'rollout.create-replicaset',
      reason: ['NewReplicaSetCreated'],
      patterns: ['^Created ReplicaSet (?<name>\\S+) \\(revision (?<revision>\\d+)\\)', '^Created new replica set "(?<name>[^"]+)"'],
      verb: 'create',
    },
    {
      ...set,
      id: 'rollout.scale-up',
      reason: ['ScalingReplicaSet'],
      patterns: [
        '^Scaled up ReplicaSet (?<name>\\S+) \\(revision (?<revision>\\d+)\\) from (?<from>\\d+) to (?<to>\\d+)',
        '^Scaled up replica set (?<name>\\S+) to (?<to>\\d+)',
      ],
      verb: 'scale-up',
    },
    {
      ...set,
      id: 'rollout.scale-down',
      reason: ['ScalingReplicaSet'],
      patterns: [
        '^Scaled down ReplicaSet (?<name>\\S+) \\(revision (?<revision>\\d+)\\) from (?<from>\\d+) to (?<to>\\d+)',
        '^Scaled down replica set (?<name>\\S+) to (?<to>\\d+)',
      ],
      verb: 'scale-down',
    },
  ];
}

function stepRules(): readonly Rule[] {
  return [
    {
      ...rollout,
      id: 'rollout.step',
      reason: ['RolloutStepCompleted'],
      patterns: ['^Rollout step (?<step>\\d+)/(?<steps>\\d+) completed', '^'],
      class: 'state',
    },
    {
      ...rollout,
      id: 'rollout.traffic',
      reason: ['TrafficWeightUpdated', 'TargetGroupVerified', 'TargetGroupUnverified', 'Updated VirtualService', 'PatchVirtualService'],
      class: 'state',
    },
    {
      ...rollout,
      id: 'rollout.traffic-failed',
      reason: ['TargetGroupVerifyError', 'WeightVerifyError', 'LoadBalancerNotFound', 'TrafficRoutingError'],
      class: 'failure',
    },
    {
      ...rollout,
      id: 'rollout.switch-service',
      reason: ['SwitchService'],
      patterns: ["^Switched selector for service '(?<name>[^']+)'"],
      class: 'action',
      verb: 'update',
      subject: { kind: 'Service' },
    },
  ];
}

function analysisRules(): readonly Rule[] {
  return [
    {
      ...rollout,
      id: 'rollout.create-experiment',
      reason: ['ExperimentCreated'],
      patterns: ["^Created Experiment '(?<name>[^']+)'"],
      class: 'action',
      verb: 'create',
      subject: { kind: 'Experiment' },
    },
    {
      ...rollout,
      id: 'rollout.run-analysis',
      reason: ['AnalysisRunPending', 'AnalysisRunRunning'],
      patterns: ["Analysis Run '(?<name>[^']+)' Status New: "],
      class: 'action',
      verb: 'create',
      subject: { kind: 'AnalysisRun' },
    },
    {
      ...rollout,
      id: 'rollout.analysis',
      reason: ['AnalysisRunPending', 'AnalysisRunRunning', 'AnalysisRunSuccessful', 'AnalysisRunInconclusive'],
      class: 'state',
    },
    { ...rollout, id: 'rollout.analysis-failed', reason: ['AnalysisRunFailed', 'AnalysisRunError', 'ExperimentFailed'], class: 'failure' },
    { ...run, id: 'rollout.metric', reason: ['MetricRunning', 'MetricSuccessful', 'MetricInconclusive'], class: 'state' },
    { ...run, id: 'rollout.metric-failed', reason: ['MetricFailed', 'MetricError'], class: 'failure' },
    { ...run, id: 'rollout.run-done', reason: ['AnalysisRunSuccessful', 'AnalysisRunInconclusive'], class: 'state' },
    { ...run, id: 'rollout.run-failed', reason: ['AnalysisRunFailed', 'AnalysisRunError'], class: 'failure' },
  ];
}
