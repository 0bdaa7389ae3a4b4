/**
 * The workload controllers of kube-controller-manager: Deployment, ReplicaSet, ReplicationController, DaemonSet,
 * StatefulSet, Job, CronJob, disruption budgets, garbage collector. Texts as of Kubernetes 1.8 to 1.36.
 */
import type { Rule } from '../rule.ts';

export const workloadRules: readonly Rule[] = [
  ...deploymentRules(),
  ...replicaRules(),
  ...statefulSetRules(),
  ...jobRules(),
  ...cronJobRules(),
  ...otherRules(),
];

/**
 * pkg/controller/deployment/sync.go. The tail is `to N` up to 1.24; `to N` at creation and `to N from M` else in 1.25 to
 * 1.31; `from M to N` since 1.32. Argo Rollouts reuse the reason with another text (rollouts.ts).
 */
function deploymentRules(): readonly Rule[] {
  const common = { kind: ['Deployment'], reason: ['ScalingReplicaSet'], class: 'action', subject: { kind: 'ReplicaSet' } } as const;
  return [
    {
      ...common,
      id: 'deployment.scale-up',
      patterns: [
        '^Scaled up replica set (?<name>\\S+) from (?<from>\\d+) to (?<to>\\d+)',
        '^Scaled up replica set (?<name>\\S+) to (?<to>\\d+)(?: from (?<from>\\d+))?',
      ],
      verb: 'scale-up',
    },
    {
      ...common,
      id: 'deployment.scale-down',
      patterns: [
        '^Scaled down replica set (?<name>\\S+) from (?<from>\\d+) to (?<to>\\d+)',
        '^Scaled down replica set (?<name>\\S+) to (?<to>\\d+)(?: from (?<from>\\d+))?',
      ],
      verb: 'scale-down',
    },
    // The ReplicaSet that the message quotes does not exist, so it is no subject.
    { id: 'deployment.create-failed', kind: ['Deployment', 'Rollout'], reason: ['ReplicaSetCreateError'], class: 'failure' },
    // extensions/v1beta1 rollbackTo, up to 1.15.
    { id: 'deployment.rollback', kind: ['Deployment'], reason: ['DeploymentRollback'], class: 'action', verb: 'update', firstSign: true },
    {
      id: 'deployment.rollback-failed',
      kind: ['Deployment'],
      reason: ['DeploymentRollbackRevisionNotFound', 'DeploymentRollbackTemplateUnchanged'],
      class: 'failure',
    },
    {
      id: 'workload.selecting-all',
      kind: ['Deployment', 'DaemonSet', 'ReplicaSet', 'StatefulSet'],
      reason: ['SelectingAll'],
      class: 'failure',
    },
  ];
}

/** pkg/controller/controller_utils.go (RealPodControl), pkg/controller/daemon/daemon_controller.go. */
function replicaRules(): readonly Rule[] {
  const pod = { kind: 'Pod' };
  const created = ['^Created pod: (?<name>\\S+)'];
  const deleted = ['^Deleted pod: (?<name>\\S+)'];
  return [
    {
      id: 'replicaset.create',
      kind: ['ReplicaSet', 'ReplicationController'],
      reason: ['SuccessfulCreate'],
      patterns: created,
      class: 'action',
      verb: 'create',
      subject: pod,
    },
    {
      id: 'replicaset.delete',
      kind: ['ReplicaSet', 'ReplicationController'],
      reason: ['SuccessfulDelete'],
      patterns: deleted,
      class: 'action',
      verb: 'delete',
      subject: pod,
    },
    {
      id: 'daemonset.create',
      kind: ['DaemonSet'],
      reason: ['SuccessfulCreate'],
      patterns: created,
      class: 'action',
      verb: 'create',
      subject: pod,
    },
    {
      id: 'daemonset.delete',
      kind: ['DaemonSet'],
      reason: ['SuccessfulDelete'],
      patterns: deleted,
      class: 'action',
      verb: 'delete',
      subject: pod,
    },
    { id: 'job.create', kind: ['Job'], reason: ['SuccessfulCreate'], patterns: created, class: 'action', verb: 'create', subject: pod },
    { id: 'job.delete', kind: ['Job'], reason: ['SuccessfulDelete'], patterns: deleted, class: 'action', verb: 'delete', subject: pod },
    // `Error creating: pods "web-" is forbidden: ..` quotes a prefix, or a pod that was never made: no subject.
    {
      id: 'workload.over-quota',
      kind: ['ReplicaSet', 'ReplicationController', 'DaemonSet', 'Job', 'StatefulSet'],
      reason: ['FailedCreate'],
      patterns: ['is forbidden: exceeded quota: (?<quota>[^,]+)'],
      class: 'failure',
      verb: 'create',
      waitsFor: 'quota',
    },
    {
      id: 'workload.create-failed',
      kind: ['ReplicaSet', 'ReplicationController', 'DaemonSet', 'Job'],
      reason: ['FailedCreate'],
      class: 'failure',
      verb: 'create',
    },
    {
      id: 'workload.delete-failed',
      kind: ['ReplicaSet', 'ReplicationController', 'DaemonSet', 'Job'],
      reason: ['FailedDelete'],
      class: 'failure',
    },
    {
      id: 'daemonset.replace',
      kind: ['DaemonSet'],
      reason: ['FailedDaemonPod', 'SucceededDaemonPod'],
      patterns: ['^Found (?<outcome>failed|succeeded) daemon pod (?<namespace>[^/\\s]+)/(?<name>\\S+) on node (?<node>[^,\\s]+)'],
      class: 'action',
      verb: 'delete',
      subject: { kind: 'Pod', namespace: '$namespace' },
      heals: true,
    },
  ];
}

/** pkg/controller/statefulset/stateful_pod_control.go. The verb has a capital letter since 1.35. */
function statefulSetRules(): readonly Rule[] {
  const common = { kind: ['StatefulSet'], class: 'action' } as const;
  return [
    {
      ...common,
      id: 'statefulset.create',
      reason: ['SuccessfulCreate'],
      patterns: ['^[Cc]reate Pod (?<name>\\S+) in StatefulSet '],
      verb: 'create',
      subject: { kind: 'Pod' },
    },
    {
      ...common,
      id: 'statefulset.create-claim',
      reason: ['SuccessfulCreate'],
      patterns: ['^[Cc]reate Claim (?<name>\\S+) (?:for )?Pod (?<pod>\\S+) in StatefulSet '],
      verb: 'create',
      subject: { kind: 'PersistentVolumeClaim' },
    },
    {
      ...common,
      id: 'statefulset.delete',
      reason: ['SuccessfulDelete'],
      patterns: ['^[Dd]elete Pod (?<name>\\S+) in StatefulSet '],
      verb: 'delete',
      subject: { kind: 'Pod' },
    },
    {
      ...common,
      id: 'statefulset.update',
      reason: ['SuccessfulUpdate'],
      patterns: ['^[Uu]pdate Pod (?<name>\\S+) in StatefulSet '],
      verb: 'update',
      subject: { kind: 'Pod' },
    },
    {
      ...common,
      id: 'statefulset.update-claim',
      reason: ['SuccessfulUpdate'],
      patterns: ['^[Uu]pdate Claim (?<name>\\S+) (?:for )?Pod (?<pod>\\S+) in StatefulSet '],
      verb: 'update',
      subject: { kind: 'PersistentVolumeClaim' },
    },
    // Up to 1.29; later versions leave the pair of delete and create only.
    {
      ...common,
      id: 'statefulset.recreate',
      reason: ['RecreatingFailedPod', 'RecreatingTerminatedPod'],
      patterns: ['^StatefulSet \\S+ is recreating (?<outcome>failed|terminated) Pod (?<name>\\S+)'],
      verb: 'delete',
      subject: { kind: 'Pod' },
      heals: true,
    },
    { id: 'statefulset.create-failed', kind: ['StatefulSet'], reason: ['FailedCreate'], class: 'failure', verb: 'create' },
    {
      id: 'statefulset.change-failed',
      kind: ['StatefulSet'],
      reason: ['FailedDelete', 'FailedUpdate'],
      patterns: ['^(?:[Dd]elete|[Uu]pdate) Pod (?<name>\\S+) in StatefulSet ', '^'],
      class: 'failure',
      subject: { kind: 'Pod' },
    },
    { id: 'statefulset.conflict', kind: ['StatefulSet'], reason: ['ConflictingController'], class: 'failure' },
  ];
}

/** pkg/controller/job/job_controller.go: the reason of an end is the reason of the Job's condition. */
function jobRules(): readonly Rule[] {
  const end = { group: ['batch', 'extensions'], kind: ['Job'], class: 'end', pair: 'run', phase: 'run' } as const;
  return [
    { ...end, id: 'job.completed', reason: ['Completed'] },
    {
      ...end,
      id: 'job.pod-failure-policy',
      reason: ['PodFailurePolicy'],
      patterns: [
        '^Container (?<container>\\S+) for pod [^/\\s]+/(?<pod>\\S+) failed with exit code (?<code>\\d+) matching (?<outcome>\\S+) rule',
        '^Pod [^/\\s]+/(?<pod>\\S+) has condition (?<condition>\\S+) matching (?<outcome>\\S+) rule',
        '^',
      ],
      fails: true,
    },
    {
      ...end,
      id: 'job.failed',
      reason: ['BackoffLimitExceeded', 'DeadlineExceeded', 'FailedIndexes', 'MaxFailedIndexesExceeded'],
      fails: true,
    },
    // A person or a queue edits the Job: its pods are deleted, or made anew.
    { id: 'job.suspended', group: ['batch'], kind: ['Job'], reason: ['Suspended'], class: 'action', verb: 'suspend' },
    { id: 'job.resumed', group: ['batch'], kind: ['Job'], reason: ['Resumed'], class: 'action', verb: 'resume' },
    {
      id: 'job.too-many-pods',
      group: ['batch', 'extensions'],
      kind: ['Job'],
      reason: ['TooManySucceededPods', 'TooManyActivePods'],
      class: 'state',
    },
    // Since 1.36.
    {
      id: 'job.create-workload',
      group: ['batch'],
      kind: ['Job'],
      reason: ['WorkloadCreated'],
      patterns: ['^Created Workload (?:[^/\\s]+/)?(?<name>\\S+) for Job '],
      class: 'action',
      verb: 'create',
      subject: { kind: 'Workload' },
    },
  ];
}

/** pkg/controller/cronjob/cronjob_controllerv2.go. A job's name ends in its scheduled time, minutes since the epoch. */
function cronJobRules(): readonly Rule[] {
  const common = { kind: ['CronJob', 'ScheduledJob'] } as const;
  return [
    {
      ...common,
      id: 'cronjob.create',
      reason: ['SuccessfulCreate'],
      patterns: ['^Created job (?<name>\\S+)'],
      class: 'action',
      verb: 'create',
      subject: { kind: 'Job' },
      pair: 'run',
      phase: 'run',
    },
    {
      ...common,
      id: 'cronjob.delete',
      reason: ['SuccessfulDelete'],
      patterns: ['^Deleted job (?<name>\\S+)'],
      class: 'action',
      verb: 'delete',
      subject: { kind: 'Job' },
    },
    // `status:` up to 1.30, `condition:` since 1.31. `Failed` comes with the Job's own failing end, which carries the verdict.
    {
      ...common,
      id: 'cronjob.saw-completed',
      reason: ['SawCompletedJob'],
      patterns: ['^Saw completed job: (?<name>[^,\\s]+)(?:, (?:status|condition): (?<outcome>\\w+))?'],
      class: 'end',
      subject: { kind: 'Job' },
      pair: 'run',
      phase: 'run',
    },
    { ...common, id: 'cronjob.missed', reason: ['MissSchedule', 'TooManyMissedTimes'], class: 'failure' },
    { ...common, id: 'cronjob.skipped', reason: ['JobAlreadyActive'], class: 'state' },
    { ...common, id: 'cronjob.drift', reason: ['MissingJob', 'UnexpectedJob'], class: 'state' },
    // FailedDelete reads `Deleted job: <error>`, and deletes nothing.
    { ...common, id: 'cronjob.failed', reason: ['FailedCreate', 'FailedDelete', 'FailedGet'], class: 'failure' },
    {
      ...common,
      id: 'cronjob.invalid',
      reason: ['InvalidSchedule', 'UnparseableSchedule', 'UnParseableCronJobSchedule', 'UnsupportedSchedule', 'UnknownTimeZone'],
      class: 'failure',
    },
  ];
}

/** pkg/controller/disruption/disruption.go and pkg/controller/garbagecollector (which tells of no deletion, only of this). */
function otherRules(): readonly Rule[] {
  return [
    { id: 'budget.no-pods', kind: ['PodDisruptionBudget'], reason: ['NoPods'], class: 'state' },
    { id: 'budget.failed', kind: ['PodDisruptionBudget'], reason: ['CalculateExpectedPodCountFailed', 'UnmanagedPods'], class: 'failure' },
    { id: 'budget.pod', kind: ['Pod'], reason: ['NotDeleted', 'MultiplePodDisruptionBudgets'], class: 'failure' },
    { id: 'owner.invalid-namespace', reason: ['OwnerRefInvalidNamespace'], class: 'failure' },
  ];
}
