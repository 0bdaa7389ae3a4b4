/**
 * Events about Nodes: kubelet, node controller, cloud controllers, kube-proxy. Kubelet writes the node's name as the uid of
 * its Node (none since 1.35), kube-proxy no uid: such Events join by kind and name. Also leader election, which has no cause
 * or effect but tells that a controller changed hands.
 */
import type { Rule } from '../rule.ts';

export const nodeRules: readonly Rule[] = [
  ...readinessRules(),
  ...kubeletRules(),
  ...pressureRules(),
  ...controllerRules(),
  ...leaderRules(),
];

/** `Node <name> status is now: <reason>`, by kubelet about itself or by the node controller about a silent kubelet. */
function readinessRules(): readonly Rule[] {
  return [
    {
      id: 'node.not-ready',
      kind: ['Node'],
      reason: ['NodeNotReady'],
      class: 'start',
      pair: 'outage',
      phase: 'outage',
      firstSign: true,
      begins: 'outage',
      expectsEnd: true,
    },
    // Also of a node that comes up for the first time.
    { id: 'node.ready', kind: ['Node'], reason: ['NodeReady'], class: 'end', pair: ['outage', 'join'], phase: 'outage', ends: true },
    {
      id: 'node.cordon',
      kind: ['Node'],
      reason: ['NodeNotSchedulable'],
      class: 'action',
      verb: 'cordon',
      firstSign: true,
      begins: 'drain',
    },
    {
      id: 'node.uncordon',
      kind: ['Node'],
      reason: ['NodeSchedulable'],
      class: 'action',
      verb: 'uncordon',
      firstSign: true,
      begins: 'update',
    },
    // The node controller tells it of each pod of a node that went silent: `Node is not ready`.
    { id: 'node.pod-not-ready', kind: ['Pod'], reason: ['NodeNotReady'], class: 'state', home: 'node' },
  ];
}

/** pkg/kubelet/kubelet.go, kubelet_node_status.go, nodeshutdown; cmd/kube-proxy. */
function kubeletRules(): readonly Rule[] {
  return [
    // No reporter: kube-proxy's Event of the same reason has an empty message or names kube-proxy.
    {
      id: 'node.start',
      kind: ['Node'],
      reason: ['Starting'],
      patterns: ['^Starting kubelet'],
      class: 'start',
      pair: 'join',
      phase: 'join',
      firstSign: true,
    },
    { id: 'node.proxy-start', reporter: ['kube-proxy'], kind: ['Node'], reason: ['Starting'], class: 'state' },
    {
      id: 'node.rebooted',
      kind: ['Node'],
      reason: ['Rebooted'],
      patterns: ['boot id: (?<boot>\\S+)', '^'],
      class: 'state',
      firstSign: true,
    },
    { id: 'node.shutdown', kind: ['Node'], reason: ['Shutdown'], class: 'state', firstSign: true },
    { id: 'node.allocatable', kind: ['Node'], reason: ['NodeAllocatableEnforced'], class: 'noise' },
    {
      id: 'node.sufficient',
      kind: ['Node'],
      reason: ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID', 'NodeHasSufficientDisk'],
      class: 'noise',
    },
    // Advice that every start of such a node repeats: `invalid capacity 0 on image filesystem`, `cgroup v1 support is in maintenance mode`.
    { id: 'node.advice', kind: ['Node'], reason: ['InvalidDiskCapacity', 'CgroupV1', 'PossibleMemoryBackedVolumesOnDisk'], class: 'state' },
    { id: 'node.start-failed', kind: ['Node'], reason: ['KubeletSetupFailed', 'FailedNodeAllocatableEnforcement'], class: 'failure' },
  ];
}

/** pkg/kubelet/eviction, pkg/kubelet/images, pkg/kubelet/oom. */
function pressureRules(): readonly Rule[] {
  return [
    {
      id: 'node.pressure',
      kind: ['Node'],
      reason: ['NodeHasInsufficientMemory', 'NodeHasDiskPressure', 'NodeHasInsufficientPID', 'NodeOutOfDisk', 'NodeHasInsufficientDisk'],
      class: 'state',
      firstSign: true,
    },
    {
      id: 'node.reclaim',
      kind: ['Node'],
      reason: ['EvictionThresholdMet'],
      patterns: ['^Attempting to reclaim (?<resource>\\S+)', '^'],
      class: 'failure',
      firstSign: true,
    },
    {
      id: 'node.oom',
      kind: ['Node'],
      reason: ['SystemOOM'],
      patterns: ['victim process: (?<process>[^,]*), pid: (?<pid>\\d+)', '^'],
      class: 'failure',
      firstSign: true,
    },
    { id: 'node.collect-failed', kind: ['Node'], reason: ['ImageGCFailed', 'ContainerGCFailed', 'FreeDiskSpaceFailed'], class: 'failure' },
  ];
}

/** pkg/controller/nodelifecycle, pkg/controller/nodeipam, staging/src/k8s.io/cloud-provider/controllers. */
function controllerRules(): readonly Rule[] {
  return [
    { id: 'node.registered', kind: ['Node'], reason: ['RegisteredNode'], class: 'state' },
    { id: 'node.removed', kind: ['Node'], reason: ['RemovingNode'], class: 'state' },
    { id: 'node.delete', kind: ['Node'], reason: ['DeletingNode'], class: 'action', verb: 'delete', firstSign: true, begins: 'delete' },
    // Up to 1.15, when the node controller itself deleted the pods of a lost node.
    {
      id: 'node.delete-pods',
      kind: ['Node'],
      reason: ['DeletingAllPods', 'TerminatingAllPods', 'TerminatedAllPods'],
      class: 'action',
      verb: 'evict',
      firstSign: true,
    },
    { id: 'node.synced', kind: ['Node'], reason: ['Synced'], class: 'noise' },
    {
      id: 'node.network-failed',
      kind: ['Node'],
      reason: ['FailedToCreateRoute', 'CIDRNotAvailable', 'CIDRAssignmentFailed'],
      class: 'failure',
    },
  ];
}

/** client-go/tools/leaderelection; the lock is a Lease, before 1.20 an Endpoints or a ConfigMap. */
function leaderRules(): readonly Rule[] {
  return [
    {
      id: 'leader.elected',
      reason: ['LeaderElection'],
      patterns: ['^(?<leader>\\S+) (?:became leader|stopped leading)', '^'],
      class: 'noise',
    },
  ];
}
