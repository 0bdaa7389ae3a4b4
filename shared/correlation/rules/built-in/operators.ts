/** Operators that many clusters run: nginx-ingress, Longhorn, Crossplane, Kueue, Zalando's PostgreSQL. */
import type { Rule } from '../rule.ts';

export const operatorRules: readonly Rule[] = [
  ...ingressRules(),
  ...longhornRules(),
  ...crossplaneRules(),
  ...kueueRules(),
  ...postgresRules(),
];

/** kubernetes/ingress-nginx up to 0.4x (`Ingress shop/web`), nginxinc/kubernetes-ingress. */
function ingressRules(): readonly Rule[] {
  return [
    { id: 'ingress.synced', kind: ['Ingress'], reason: ['CREATE', 'UPDATE', 'DELETE', 'AddedOrUpdated'], class: 'state', firstSign: true },
  ];
}

/** longhorn-manager controller/volume_controller.go, engine_controller.go. */
function longhornRules(): readonly Rule[] {
  const group = ['longhorn.io'];
  return [
    { group, id: 'longhorn.failed', kind: ['Volume'], reason: ['Faulted', 'Degraded', 'DetachedUnexpectedly'], class: 'failure' },
    { group, id: 'longhorn.healthy', kind: ['Volume'], reason: ['Healthy'], class: 'end', pair: 'ready', phase: 'ready' },
    { group, id: 'longhorn.state', kind: ['Volume'], reason: ['Attached', 'Detached', 'Remount'], class: 'state' },
    { group, id: 'longhorn.rebuilding', kind: ['Engine'], reason: ['Rebuilding'], class: 'start', pair: 'sync', phase: 'sync' },
    { group, id: 'longhorn.rebuilt', kind: ['Engine'], reason: ['Rebuilt'], class: 'end', pair: 'sync', phase: 'sync' },
  ];
}

/** crossplane internal/controller/apiextensions/composite; the kinds are users' own. */
function crossplaneRules(): readonly Rule[] {
  const reporter = ['defined/compositeresourcedefinition.apiextensions.crossplane.io', 'defined/*', 'offered/*'];
  return [
    {
      reporter,
      id: 'crossplane.composed',
      reason: ['ComposeResources'],
      patterns: ['^Successfully composed resources'],
      class: 'end',
      pair: 'ready',
      phase: 'ready',
    },
    {
      reporter,
      id: 'crossplane.failed',
      reason: ['ComposeResources', 'InitializeCompositeResource'],
      patterns: ['^cannot '],
      class: 'failure',
    },
    { id: 'crossplane.selected', reason: ['SelectComposition', 'PublishConnectionSecret', 'BindCompositeResource'], class: 'state' },
  ];
}

/** kubernetes-sigs/kueue pkg/scheduler, pkg/controller. A Workload waits for quota, and is admitted or evicted. */
function kueueRules(): readonly Rule[] {
  const workload = { group: ['kueue.x-k8s.io'], kind: ['Workload'] };
  return [
    {
      ...workload,
      id: 'kueue.pending',
      reason: ['Pending'],
      class: 'state',
      firstSign: true,
    },
    {
      ...workload,
      id: 'kueue.admitted',
      reason: ['QuotaReserved', 'Admitted'],
      patterns: ['ClusterQueue (?<queue>[^,\\s]+), wait time since (?:queued|reservation) was (?<waiting>[0-9.hmnuµ]*s)', '^'],
      class: 'state',
      firstSign: true,
    },
    {
      ...workload,
      id: 'kueue.evicted',
      reason: [
        'EvictedDueToPreempted',
        'EvictedDueToPodsReadyTimeout',
        'EvictedDueToAdmissionCheck',
        'EvictedDueToDeactivated',
        'Preempted',
      ],
      class: 'state',
      firstSign: true,
    },
  ];
}

/** zalando/postgres-operator: a switchover without an error ends in `FAILED: <nil>`. */
function postgresRules(): readonly Rule[] {
  const switchover = { kind: ['postgresql', 'Postgresql'], reason: ['Switchover'], pair: 'sync', phase: 'sync' } as const;
  return [
    { ...switchover, id: 'postgres.switched', patterns: ['FAILED: <nil>$', '^Switchover from .* (?:succeeded|done)'], class: 'end' },
    { ...switchover, id: 'postgres.switch-failed', patterns: ['FAILED: '], class: 'end', fails: true },
    { ...switchover, id: 'postgres.switching', class: 'start', firstSign: true },
  ];
}
