/**
 * Where pods go and what drives them away: scheduler, preemption, taint eviction, device taints. The eviction subresource
 * (drain) writes no Event at all; it shows as a DisruptionTarget condition on the Pod.
 */
import type { Rule } from '../rule.ts';

export const schedulingRules: readonly Rule[] = [...schedulerRules(), ...taintRules()];

/** pkg/scheduler/schedule_one.go, pkg/scheduler/framework/preemption. Any reporter: clusters run schedulers of their own. */
function schedulerRules(): readonly Rule[] {
  return [
    {
      id: 'scheduler.scheduled',
      kind: ['Pod'],
      reason: ['Scheduled'],
      // Without a namespace up to 1.13.
      patterns: ['^Successfully assigned \\S+ to (?<node>\\S+)', '^'],
      class: 'end',
      pair: 'schedule',
      phase: 'schedule',
      firstSign: true,
    },
    // The pod is being deleted already: no trouble.
    { id: 'scheduler.skipped', kind: ['Pod'], reason: ['FailedScheduling'], patterns: ['^skip schedule deleting pod: '], class: 'state' },
    { id: 'scheduler.failed', kind: ['Pod'], reason: ['FailedScheduling'], class: 'failure', firstSign: true, waitsFor: 'node' },
    {
      id: 'scheduler.preempted',
      kind: ['Pod'],
      reason: ['Preempted'],
      // The pod that makes room is on `related`; the message names it by uid since 1.29, not at all in 1.27 and 1.28, by name before.
      patterns: [
        '^Preempted by (?:[a-z]+ )?(?<uid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}) on node (?<node>\\S+)',
        '^Preempted by a pod on node (?<node>\\S+)',
        '^Preempted by (?<namespace>[^/\\s]+)/(?<name>\\S+) on node (?<node>\\S+)',
        '^',
      ],
      class: 'action',
      verb: 'evict',
      home: 'related',
    },
  ];
}

/** pkg/controller/tainteviction (taint-controller up to 1.28), pkg/controller/devicetainteviction. Their pods carry no uid. */
function taintRules(): readonly Rule[] {
  const common = { kind: ['Pod', 'ResourceClaim'], reason: ['TaintManagerEviction', 'DeviceTaintManagerEviction'] } as const;
  return [
    { ...common, id: 'taint.evict', patterns: ['^Marking for deletion'], class: 'action', verb: 'evict', home: 'outage' },
    { ...common, id: 'taint.cancel', patterns: ['^Cancelling deletion'], class: 'state' },
    // Up to 1.12 the node controller evicted pods itself, with this reason.
    {
      id: 'node.evict',
      kind: ['Pod'],
      reason: ['NodeControllerEviction'],
      patterns: ['^Marking for deletion Pod \\S+ from Node (?<node>\\S+)'],
      class: 'action',
      verb: 'evict',
    },
  ];
}
