/**
 * The kubelet on Pods: pull, create, start, stop, probe, mount, resize. The container is named by the Event's fieldPath;
 * messages name it too up to 1.34. Neither readiness nor the end of a container nor an OOM kill has an Event.
 * Sources: pkg/kubelet/events/event.go and the packages that use it; texts as of 1.8 to 1.36.
 */
import type { Rule } from '../rule.ts';

const common = { reporter: ['kubelet'], kind: ['Pod'] };

export const kubeletRules: readonly Rule[] = [
  ...pullRules(),
  ...containerRules(),
  ...killRules(),
  ...troubleRules(),
  ...podRules(),
  ...resizeRules(),
  ...rejectRules(),
];

/** pkg/kubelet/images/image_manager.go. */
function pullRules(): readonly Rule[] {
  const pull = { ...common, pair: 'pull', phase: 'pull' } as const;
  return [
    { ...pull, id: 'kubelet.pulling', reason: ['Pulling'], patterns: ['^[Pp]ulling image "(?<image>[^"]*)"', '^'], class: 'start' },
    {
      ...pull,
      id: 'kubelet.pulled',
      reason: ['Pulled'],
      // The duration came before 1.20, the part that was waiting with 1.26, the size with 1.30.
      patterns: [
        '^Successfully pulled image "(?<image>[^"]*)" in (?<duration>[0-9.hmnuµ]*s)(?: \\((?<waiting>[0-9.hmnuµ]*s) including waiting\\))?(?:\\. Image size: (?<bytes>\\d+) bytes)?',
        '^Successfully pulled image "(?<image>[^"]*)"',
      ],
      class: 'end',
    },
    {
      ...common,
      id: 'kubelet.present',
      reason: ['Pulled'],
      patterns: ['^Container image "(?<image>[^"]*)" already present on machine', '^'],
      class: 'state',
      firstSign: true,
      remark: true,
    },
    {
      ...pull,
      id: 'kubelet.pull-failed',
      reason: ['Failed'],
      patterns: ['^Failed to pull image "(?<image>[^"]*)"'],
      class: 'end',
      fails: true,
      waitsFor: 'image',
    },
    {
      ...common,
      id: 'kubelet.image-failed',
      reason: ['Failed', 'InspectFailed', 'ErrImageNeverPull', 'FailedToRetrieveImagePullSecret'],
      patterns: [
        '^Error: (?<outcome>ErrImagePull|ImagePullBackOff|ErrImageNeverPull|ImageInspectError|InvalidImageName|RegistryUnavailable|SignatureValidationFailed)',
        '^(?:Failed to inspect image|Failed to apply default image tag|Container image) "(?<image>[^"]*)"',
        '^Unable to retrieve some image pull secrets',
      ],
      class: 'failure',
      waitsFor: 'image',
    },
    {
      ...common,
      id: 'kubelet.pull-backoff',
      reason: ['BackOff'],
      patterns: ['^Back-off pulling image "(?<image>[^"]*)"'],
      class: 'failure',
      phase: 'backoff',
      waitsFor: 'image',
    },
  ];
}

/** pkg/kubelet/kuberuntime/kuberuntime_container.go. Since 1.32 `Created container: app`, since 1.35 `Container created`. */
function containerRules(): readonly Rule[] {
  const pair = { ...common, pair: 'container', phase: 'container' } as const;
  return [
    {
      ...pair,
      id: 'kubelet.created',
      reason: ['Created'],
      patterns: ['^Created container with (?:docker )?id ', '^Created container:? (?<container>\\S+)', '^'],
      class: 'start',
    },
    {
      ...pair,
      id: 'kubelet.started',
      reason: ['Started'],
      patterns: ['^Started container with (?:docker )?id ', '^Started container (?<container>\\S+)', '^'],
      class: 'end',
    },
    {
      ...common,
      id: 'kubelet.container-failed',
      reason: ['Failed', 'FailedCreatePodContainer'],
      patterns: [
        '^Error: (?<outcome>CreateContainerConfigError|CreateContainerError|RunContainerError|StartError|ContainerCannotRun)',
        '^',
      ],
      class: 'failure',
    },
    {
      ...common,
      id: 'kubelet.hook-failed',
      reason: ['FailedPostStartHook', 'FailedPreStopHook', 'UnfinishedPreStopHook'],
      class: 'failure',
    },
  ];
}

/** pkg/kubelet/kuberuntime/kuberuntime_manager.go. `Stopping container` means that the pod goes, all others mean a restart. */
function killRules(): readonly Rule[] {
  const kill = { ...common, reason: ['Killing'], class: 'action', verb: 'restart', phase: 'stop' } as const;
  return [
    {
      ...kill,
      id: 'kubelet.killing-probe',
      patterns: [
        '^(?:Init c|C)ontainer (?<container>\\S+) failed (?<probe>liveness|startup) probe',
        '^Killing container with (?:docker )?id [^ ]*:Container failed (?<probe>liveness) probe',
        '^Killing container with (?:docker )?id [^ ]*:pod "[^"]*" container "(?<container>[^"]*)" is unhealthy',
      ],
      probe: true,
    },
    { ...kill, id: 'kubelet.killing-hook', patterns: ['^FailedPostStartHook'] },
    {
      ...kill,
      id: 'kubelet.killing',
      patterns: ['^Stopping container (?<container>\\S+)', '^Killing container with (?:docker )?id [^ ]*: ?Need to kill [Pp]od'],
      verb: 'stop',
    },
    // Somebody has resized the pod.
    {
      ...common,
      id: 'kubelet.killing-resize',
      reason: ['Killing'],
      patterns: ['^Container (?<container>\\S+) resize requires restart'],
      class: 'start',
      pair: 'resize',
      phase: 'resize',
      firstSign: true,
      begins: 'update',
    },
    { ...kill, id: 'kubelet.killing-restart', patterns: ['^Container (?<container>\\S+) definition changed', '^'] },
  ];
}

/** pkg/kubelet/prober, back-off, sandboxes, volumes (pkg/volume/util/operationexecutor). */
function troubleRules(): readonly Rule[] {
  return [
    {
      ...common,
      id: 'kubelet.backoff',
      reason: ['BackOff'],
      patterns: ['^Back-off restarting failed (?:docker )?container (?<container>\\S+) in pod ', '^'],
      class: 'failure',
      phase: 'backoff',
      recurs: true,
    },
    {
      ...common,
      id: 'kubelet.unhealthy',
      reason: ['Unhealthy', 'ProbeError'],
      patterns: ['^(?<probe>Liveness|Readiness|Startup) probe ', '^'],
      class: 'failure',
      probe: true,
    },
    {
      ...common,
      id: 'kubelet.probe-warning',
      reason: ['ProbeWarning'],
      patterns: ['^(?<probe>Liveness|Readiness|Startup) probe ', '^'],
      class: 'state',
    },
    {
      ...common,
      id: 'kubelet.mount-failed',
      reason: ['FailedMount', 'FailedMapVolume', 'FailedUnMount', 'FailedUnmapDevice', 'FailedPrepareDynamicResources'],
      patterns: ['[Ff]ailed for volume "(?<volume>[^"]*)"', '^'],
      class: 'failure',
      waitsFor: 'volume',
    },
    {
      ...common,
      id: 'kubelet.sandbox-failed',
      reason: ['FailedCreatePodSandBox', 'FailedPodSandBoxStatus', 'NetworkNotReady', 'FailedToMakePodDataDirectories'],
      class: 'failure',
      waitsFor: 'network',
    },
    { ...common, id: 'kubelet.sync-failed', reason: ['FailedSync', 'FailedValidation', 'HostPortConflict'], class: 'failure' },
    { ...common, id: 'kubelet.kill-failed', reason: ['FailedKillPod', 'ExceededGracePeriod'], class: 'failure' },
  ];
}

/** What kubelet says of whole pods, without being in trouble. */
function podRules(): readonly Rule[] {
  return [
    {
      ...common,
      id: 'kubelet.evicted',
      reason: ['Evicted'],
      patterns: ['^The node was low on resource: (?<resource>[^.\\s]+)', '^The node had condition: \\[(?<resource>[^\\]]*)\\]', '^'],
      class: 'action',
      verb: 'evict',
    },
    // The critical pod that makes it necessary is not named.
    { ...common, id: 'kubelet.preempting', reason: ['Preempting'], class: 'action', verb: 'evict' },
    { ...common, id: 'kubelet.sandbox-changed', reason: ['SandboxChanged'], class: 'state' },
    // Up to 1.9: `MountVolume.SetUp succeeded for volume "config" `.
    {
      ...common,
      id: 'kubelet.mounted',
      reason: ['SuccessfulMountVolume', 'SuccessfulUnMountVolume'],
      patterns: ['volume "(?<volume>[^"]*)"', '^'],
      class: 'state',
    },
    // `Search Line limits were exceeded`, `Nameserver limits were exceeded`, `MissingClusterDNS`: advice, the pod runs.
    { ...common, id: 'kubelet.dns', reason: ['DNSConfigForming', 'MissingClusterDNS', 'CheckLimitsForResolvConf'], class: 'state' },
  ];
}

/**
 * In-place resize, pkg/kubelet/allocation (1.33 and later): text, then JSON that holds the pod's generation. Each is an edit of the pod;
 * of one that needs no restart only the end has an Event.
 */
function resizeRules(): readonly Rule[] {
  const resize = { ...common, patterns: ['"generation": ?(?<generation>\\d+)', '^'] };
  const edit = { ...resize, pair: 'resize', phase: 'resize', firstSign: true, begins: 'update' } as const;
  return [
    { ...edit, id: 'kubelet.resize-started', reason: ['ResizeStarted'], class: 'start' },
    { ...edit, id: 'kubelet.resize-completed', reason: ['ResizeCompleted'], class: 'end', ends: true },
    { ...edit, id: 'kubelet.resize-error', reason: ['ResizeError'], class: 'end', ends: true, fails: true },
    { ...resize, id: 'kubelet.resize-deferred', reason: ['ResizeDeferred'], class: 'state', firstSign: true, begins: 'update' },
    { ...resize, id: 'kubelet.resize-infeasible', reason: ['ResizeInfeasible'], class: 'failure', firstSign: true, fails: true },
  ];
}

/** pkg/kubelet/lifecycle/predicate.go: a pod that this node will never run. The reason varies with the resource. */
function rejectRules(): readonly Rule[] {
  return [
    { ...common, id: 'kubelet.deadline', reason: ['DeadlineExceeded'], class: 'failure' },
    {
      ...common,
      id: 'kubelet.rejected',
      reason: [
        ...['OutOfcpu', 'OutOfmemory', 'OutOfpods', 'OutOfephemeral-storage', 'OutOfDisk'],
        ...[
          'NodeAffinity',
          'NodeName',
          'NodePorts',
          'NodeSelectorMismatching',
          'NodeShutdown',
          'MatchNodeSelector',
          'HostName',
          'PodFitsHostPorts',
        ],
        ...[
          'AppArmor',
          'SysctlForbidden',
          'TaintToleration',
          'TopologyAffinityError',
          'InvalidNodeInfo',
          'UnexpectedAdmissionError',
          'UnexpectedPredicateFailureType',
        ],
      ],
      class: 'failure',
    },
    {
      ...common,
      id: 'kubelet.rejected-other',
      patterns: ["^(?:Pod was rejected: |Node didn't have enough resource: (?<resource>[^,\\s]+)|Predicate \\S+ failed)"],
      class: 'failure',
    },
  ];
}
