/**
 * Volumes: binding, provisioning, attaching, resizing. A provisioned volume is named `pvc-<uid of the claim>`, so each
 * message that names it links to the claim. External provisioners report as `<driver>_<pod>_<uuid>`, so reporters do not count.
 */
import type { Rule } from '../rule.ts';

const claim = { kind: ['PersistentVolumeClaim'] };

export const storageRules: readonly Rule[] = [...claimRules(), ...volumeRules(), ...attachRules(), ...resizeRules()];

/** pkg/controller/volume/persistentvolume/pv_controller.go, sig-storage-lib-external-provisioner. */
function claimRules(): readonly Rule[] {
  return [
    { ...claim, id: 'claim.wait-consumer', reason: ['WaitForFirstConsumer'], class: 'state', firstSign: true },
    {
      ...claim,
      id: 'claim.wait-pod',
      reason: ['WaitForPodScheduled'],
      patterns: ['^waiting for pod (?<pod>\\S+) to be scheduled', '^'],
      class: 'state',
      firstSign: true,
    },
    {
      ...claim,
      id: 'claim.wait-provisioner',
      reason: ['ExternalProvisioning'],
      // The second form is up to 1.27.
      patterns: ["external provisioner '(?<provisioner>[^']*)'", 'external provisioner "(?<provisioner>[^"]*)"', '^'],
      class: 'state',
      firstSign: true,
    },
    {
      ...claim,
      id: 'claim.provisioning',
      reason: ['Provisioning'],
      class: 'start',
      pair: 'provision',
      phase: 'provision',
      firstSign: true,
    },
    {
      ...claim,
      id: 'claim.provisioned',
      reason: ['ProvisioningSucceeded'],
      patterns: ['^Successfully provisioned volume (?<volume>\\S+)', '^'],
      class: 'end',
      pair: 'provision',
      phase: 'provision',
    },
    { ...claim, id: 'claim.provision-failed', reason: ['ProvisioningFailed', 'ProvisioningCleanupFailed'], class: 'failure' },
    { ...claim, id: 'claim.bind-failed', reason: ['FailedBinding', 'ClaimLost', 'ClaimMisbound', 'VolumeMismatch'], class: 'failure' },
  ];
}

/** The same controller about PersistentVolumes. */
function volumeRules(): readonly Rule[] {
  const volume = { kind: ['PersistentVolume'] };
  return [
    {
      ...volume,
      id: 'volume.delete-failed',
      reason: ['VolumeFailedDelete', 'VolumeFailedRecycle', 'VolumeUnknownReclaimPolicy'],
      class: 'failure',
    },
    { ...volume, id: 'volume.mismatch', reason: ['VolumeMismatch'], class: 'failure' },
    { ...volume, id: 'volume.reclaim', reason: ['VolumeDelete', 'RecyclerPod', 'VolumeRecycled'], class: 'state' },
  ];
}

/** pkg/controller/volume/attachdetach, pkg/volume/util/operationexecutor; the Event is on the Pod that waits. */
function attachRules(): readonly Rule[] {
  const pod = { kind: ['Pod'] };
  return [
    {
      ...pod,
      id: 'volume.attached',
      reason: ['SuccessfulAttachVolume'],
      patterns: ['^AttachVolume\\.Attach succeeded for volume "(?<volume>[^"]*)"', '^'],
      class: 'end',
      pair: 'attach',
      phase: 'attach',
    },
    {
      ...pod,
      id: 'volume.attach-failed',
      reason: ['FailedAttachVolume', 'FailedDetachVolume'],
      patterns: [
        '^Multi-Attach error for volume "(?<volume>[^"]*)" Volume is already used by pod\\(s\\) (?<pods>.+)',
        'for volume "(?<volume>[^"]*)"',
        '^',
      ],
      class: 'failure',
      waitsFor: 'volume',
    },
  ];
}

/** pkg/controller/volume/expand, external-resizer, kubelet. The last step is told of the claim, which ends the pair, and of its pod. */
function resizeRules(): readonly Rule[] {
  const pair = { ...claim, pair: 'resize', phase: 'resize' } as const;
  return [
    { ...claim, id: 'claim.wait-resizer', reason: ['ExternalExpanding'], class: 'state', firstSign: true },
    {
      ...pair,
      id: 'claim.resizing',
      reason: ['Resizing'],
      patterns: ['is resizing volume (?<volume>\\S+)', '^'],
      class: 'start',
      firstSign: true,
    },
    { ...claim, id: 'claim.resize-on-node', reason: ['FileSystemResizeRequired'], class: 'state' },
    { ...pair, id: 'claim.resized', reason: ['VolumeResizeSuccessful', 'FileSystemResizeSuccessful'], class: 'end' },
    { ...claim, id: 'claim.resize-failed', reason: ['VolumeResizeFailed', 'FileSystemResizeFailed'], class: 'failure' },
    { id: 'pod.volume-resized', kind: ['Pod'], reason: ['FileSystemResizeSuccessful'], class: 'state' },
    { id: 'pod.volume-resize-failed', kind: ['Pod'], reason: ['VolumeResizeFailed', 'FileSystemResizeFailed'], class: 'failure' },
  ];
}
