/** Known traps of Kubernetes Events for rules: ambiguous names, reasons and words. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtInRules } from '../../../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../../../shared/correlation/rules/match.ts';
import type { Meaning } from '../../../../shared/correlation/rules/rule.ts';
import { observation } from '../../../helpers/observation.ts';

const rules = compileRules(builtInRules);

interface Said {
  readonly reporter?: string;
  readonly on: string;
  readonly reason: string;
  readonly message?: string;
  readonly type?: 'Normal' | 'Warning';
}

function meaning({ reporter = '', on, reason, message = '', type = 'Normal' }: Said): Meaning {
  const [apiVersion = '', kind = ''] = on.split(' ');
  const involved = { apiVersion, kind, namespace: kind === 'Node' ? '' : 'shop', name: 'web' };
  return meaningOf(rules, observation({ reporter, reason, message, type, involved }));
}

describe('trap: one component name, two controllers', () => {
  test('service-controller on a core Service is the load balancer controller', () => {
    const reporter = 'service-controller';
    assert.equal(meaning({ reporter, on: 'v1 Service', reason: 'EnsuringLoadBalancer' }).rule, 'service.ensuring');
    assert.equal(meaning({ reporter, on: 'serving.knative.dev/v1 Service', reason: 'EnsuringLoadBalancer' }).rule, 'generic.state');
  });

  test('service-controller on a Service of Knative creates Configurations and Routes', () => {
    const created = { reporter: 'service-controller', reason: 'Created', message: 'Created Route "web"' };
    assert.deepEqual(meaning({ ...created, on: 'serving.knative.dev/v1 Service' }).subject, {
      kind: 'Route',
      namespace: 'shop',
      name: 'web',
      uid: '',
    });
    assert.equal(meaning({ ...created, on: 'v1 Service' }).rule, 'generic.create');
  });

  test('helm-controller is one of Flux and one of k3s', () => {
    const reporter = 'helm-controller';
    assert.equal(meaning({ reporter, on: 'helm.toolkit.fluxcd.io/v2 HelmRelease', reason: 'InstallSucceeded' }).rule, 'flux.helm-done');
    const message = 'Applying HelmChart using Job kube-system/helm-install-traefik';
    assert.equal(meaning({ reporter, on: 'helm.cattle.io/v1 HelmChart', reason: 'ApplyJob', message }).rule, 'k3s.apply-job');
  });
});

describe('trap: one reason, several meanings', () => {
  test('Evicted by kubelet and by Karpenter, with and without a reporter', () => {
    for (const reporter of ['kubelet', '']) {
      const message = 'The node was low on resource: ephemeral-storage. ';
      assert.equal(meaning({ reporter, on: 'v1 Pod', reason: 'Evicted', message, type: 'Warning' }).rule, 'kubelet.evicted');
    }
    for (const reporter of ['karpenter', '']) {
      assert.equal(meaning({ reporter, on: 'v1 Pod', reason: 'Evicted', message: 'Evicted pod: Empty' }).rule, 'karpenter.evicted');
    }
  });

  test('FailedScheduling by a scheduler and by Karpenter', () => {
    const failed = { on: 'v1 Pod', reason: 'FailedScheduling', type: 'Warning' } as const;
    const ours = meaning({ ...failed, reporter: 'default-scheduler', message: '0/3 nodes are available: 3 Insufficient cpu.' });
    const theirs = meaning({ ...failed, reporter: 'karpenter', message: 'Failed to schedule pod, no instance type met all requirements' });
    assert.deepEqual([ours.rule, ours.firstSign], ['scheduler.failed', true]);
    assert.deepEqual([theirs.rule, theirs.firstSign], ['karpenter.unschedulable', true]);
  });

  test('Created by kubelet, Knative and cert-manager', () => {
    assert.equal(
      meaning({ reporter: 'kubelet', on: 'v1 Pod', reason: 'Created', message: 'Created container: web' }).rule,
      'kubelet.created',
    );
    const revision = {
      reporter: 'configuration-controller',
      on: 'serving.knative.dev/v1 Configuration',
      message: 'Created Revision "web-00001"',
    };
    assert.equal(meaning({ ...revision, reason: 'Created' }).rule, 'knative.create-revision');
    const challenge = { on: 'acme.cert-manager.io/v1 Order', message: 'Created Challenge resource "web-1-2" for domain "a.example"' };
    assert.equal(meaning({ ...challenge, reason: 'Created' }).rule, 'order.create-challenge');
  });

  test('SuccessfulCreate of six kinds of parents', () => {
    const wanted = [
      ['apps/v1 ReplicaSet', 'Created pod: web-1', 'Pod web-1'],
      ['batch/v1 Job', 'Created pod: web-1', 'Pod web-1'],
      ['apps/v1 DaemonSet', 'Created pod: web-1', 'Pod web-1'],
      ['apps/v1 StatefulSet', 'create Pod web-1 in StatefulSet web successful', 'Pod web-1'],
      ['batch/v1 CronJob', 'Created job web-29920123', 'Job web-29920123'],
      ['cluster.x-k8s.io/v1beta1 MachineSet', 'Created machine "web-1"', 'Machine web-1'],
    ] as const;
    for (const [on, message, object] of wanted) {
      const { subject } = meaning({ on, reason: 'SuccessfulCreate', message });
      assert.equal(`${subject?.kind} ${subject?.name}`, object, on);
    }
  });

  test('Failed of kubelet tells of the pull, the image or the container', () => {
    const failed = { reporter: 'kubelet', on: 'v1 Pod', reason: 'Failed', type: 'Warning' } as const;
    const pull = meaning({ ...failed, message: 'Failed to pull image "web:1": not found' });
    assert.deepEqual([pull.rule, pull.class, pull.pairs, pull.fails], ['kubelet.pull-failed', 'end', ['pull'], true]);
    assert.equal(meaning({ ...failed, message: 'Error: ImagePullBackOff' }).rule, 'kubelet.image-failed');
    assert.equal(meaning({ ...failed, message: 'Error: secret "web" not found' }).rule, 'kubelet.container-failed');
  });
});

describe('trap: one reason, told apart by kind or text', () => {
  test('Issuing begins and ends an issuance', () => {
    const issuing = { on: 'cert-manager.io/v1 Certificate', reason: 'Issuing' };
    assert.equal(meaning({ ...issuing, message: 'Issuing certificate as Secret does not exist' }).class, 'start');
    assert.equal(meaning({ ...issuing, message: 'The certificate has been successfully issued' }).class, 'end');
  });

  test('NodeNotReady begins an outage on a Node and is a state on its pods, whatever the type', () => {
    const node = meaning({ on: 'v1 Node', reason: 'NodeNotReady', message: 'Node n status is now: NodeNotReady' });
    assert.deepEqual([node.class, node.pairs, node.begins], ['start', ['outage'], 'outage']);
    const pod = meaning({ on: 'v1 Pod', reason: 'NodeNotReady', message: 'Node is not ready', type: 'Warning' });
    assert.deepEqual([pod.class, pod.home], ['state', 'node']);
  });

  test('DeadlineExceeded ends a Job, and is trouble of a Pod', () => {
    assert.equal(meaning({ on: 'batch/v1 Job', reason: 'DeadlineExceeded', type: 'Warning' }).rule, 'job.failed');
    assert.equal(meaning({ reporter: 'kubelet', on: 'v1 Pod', reason: 'DeadlineExceeded' }).rule, 'kubelet.deadline');
  });

  test('RolloutNotCompleted says that an update begins, not that one has failed', () => {
    const message = 'Rollout not completed, started update to revision 5 (6cf78c66c5)';
    const { class: eventClass, fails } = meaning({ on: 'argoproj.io/v1alpha1 Rollout', reason: 'RolloutNotCompleted', message });
    assert.deepEqual([eventClass, fails], ['state', false]);
  });
});

describe('trap: one action told of two objects', () => {
  const actions = (said: readonly Said[]): readonly string[] => said.map((one) => meaning(one).class);

  test('an eviction by the vertical pod autoscaler is one action', () => {
    const pod = { on: 'v1 Pod', reason: 'EvictedByVPA', message: 'Pod was evicted by VPA Updater to apply resource recommendation.' };
    const message = 'VPA Updater evicted Pod web-1 to apply resource recommendation.';
    assert.deepEqual(actions([pod, { on: 'autoscaling.k8s.io/v1 VerticalPodAutoscaler', reason: 'EvictedPod', message }]), [
      'action',
      'state',
    ]);
  });

  test('a disruption by Karpenter is one action', () => {
    const said = { reporter: 'karpenter', reason: 'DisruptionTerminating' };
    const claim = { ...said, on: 'karpenter.sh/v1 NodeClaim', message: 'Disrupting NodeClaim: Empty' };
    assert.deepEqual(actions([claim, { ...said, on: 'v1 Node', message: 'Disrupting Node: Empty' }]), ['action', 'state']);
  });

  test('a file-system resize ends one pair', () => {
    const said = { reason: 'FileSystemResizeSuccessful', message: 'MountVolume.NodeExpandVolume succeeded for volume "pvc-1"' };
    assert.deepEqual(
      actions([
        { ...said, on: 'v1 PersistentVolumeClaim' },
        { ...said, on: 'v1 Pod' },
      ]),
      ['end', 'state'],
    );
  });

  test('WaitingForApproval of each issuer and Sync of each replica are noise', () => {
    const waiting = { on: 'cert-manager.io/v1 CertificateRequest', reason: 'WaitingForApproval' };
    assert.deepEqual(actions([waiting, { on: 'networking.k8s.io/v1 Ingress', reason: 'Sync', message: 'Scheduled for sync' }]), [
      'noise',
      'noise',
    ]);
  });
});

describe('trap: names in messages', () => {
  test('a name quoted by ReplicaSetCreateError is no subject, as that ReplicaSet does not exist', () => {
    const message = 'Failed to create new replica set "web-775cb84586": exceeded quota';
    assert.equal(meaning({ on: 'apps/v1 Deployment', reason: 'ReplicaSetCreateError', message, type: 'Warning' }).subject, null);
  });

  test('a pod quoted by FailedCreate is no subject', () => {
    const message = 'Error creating: pods "web-" is forbidden: exceeded quota';
    assert.equal(meaning({ on: 'apps/v1 ReplicaSet', reason: 'FailedCreate', message, type: 'Warning' }).subject, null);
  });

  test('a Claim of a StatefulSet is no Pod', () => {
    const message = 'create Claim data-pg-0 Pod pg-0 in StatefulSet pg success';
    const { subject, groups } = meaning({ on: 'apps/v1 StatefulSet', reason: 'SuccessfulCreate', message });
    assert.deepEqual([subject?.kind, subject?.name, groups['pod']], ['PersistentVolumeClaim', 'data-pg-0', 'pg-0']);
  });

  test('FailedDelete of a CronJob reads as if it had deleted a job', () => {
    const { class: eventClass, subject } = meaning({
      on: 'batch/v1 CronJob',
      reason: 'FailedDelete',
      message: 'Deleted job: not found',
      type: 'Warning',
    });
    assert.deepEqual([eventClass, subject], ['failure', null]);
  });

  test('names keep their letters as they are', () => {
    const message = 'Scaled up ReplicaSet Web-6CF (revision 4) from 0 to 1';
    assert.equal(meaning({ on: 'argoproj.io/v1alpha1 Rollout', reason: 'ScalingReplicaSet', message }).subject?.name, 'Web-6CF');
  });

  test('an image already present is no end of a pull', () => {
    const message = 'Container image "web:1" already present on machine';
    const present = meaning({ reporter: 'kubelet', on: 'v1 Pod', reason: 'Pulled', message });
    assert.deepEqual([present.class, present.pairs, present.groups], ['state', [], { image: 'web:1' }]);
  });

  test('a taint eviction acts on the pod itself', () => {
    const { verb, subject } = meaning({ on: 'v1 Pod', reason: 'TaintManagerEviction', message: 'Marking for deletion Pod shop/web' });
    assert.deepEqual([verb, subject], ['evict', null]);
  });

  test("a core Service that bears its Knative Service's name is no subject", () => {
    const message = 'Created placeholder service "web"';
    assert.equal(meaning({ on: 'serving.knative.dev/v1 Route', reason: 'Created', message }).subject, null);
  });

  test('an object in another namespace is found there', () => {
    const message = 'Applied LoadBalancer DaemonSet kube-system/svclb-web-8cc4131b';
    assert.equal(meaning({ on: 'v1 Service', reason: 'AppliedDaemonSet', message }).subject?.namespace, 'kube-system');
  });

  test('a Node named on an object of a namespace has no namespace', () => {
    const message = 'Scale-down: removing empty node "node-7"';
    assert.equal(meaning({ on: 'v1 ConfigMap', reason: 'ScaleDownEmpty', message }).subject?.namespace, '');
  });
});

describe('trap: hand-made and odd Events', () => {
  test('an Event without reason, type, reporter and object is a state', () => {
    assert.equal(meaningOf(rules, observation({ message: 'Required control plane pods have been created' })).rule, 'generic.state');
  });

  test('reasons hold spaces and dots', () => {
    const message = "VirtualService `web` set to desiredWeight '20'";
    assert.equal(meaning({ on: 'argoproj.io/v1alpha1 Rollout', reason: 'Updated VirtualService', message }).rule, 'rollout.traffic');
    assert.equal(meaning({ on: 'cert-manager.io/v1 CertificateRequest', reason: 'cert-manager.io' }).rule, 'request.approved');
  });

  test('of a message with several lines the first one names the subject', () => {
    const message = 'Deployment/shop/web configured\nService/shop/web created';
    const { verb, subject } = meaning({ on: 'kustomize.toolkit.fluxcd.io/v1 Kustomization', reason: 'Progressing', message });
    assert.deepEqual([verb, subject?.kind], ['update', 'Deployment']);
  });

  test('JSON in a message is searched, even when it is cut off', () => {
    const message = 'Pod resize started: {"containers":[{"name":"web"}],"generation":7,"limits":{"cp';
    assert.deepEqual(meaning({ reporter: 'kubelet', on: 'v1 Pod', reason: 'ResizeStarted', message }).groups, { generation: '7' });
  });

  test('kubelet of 1.35 does not name the container any more', () => {
    const started = meaning({ reporter: 'kubelet', on: 'v1 Pod', reason: 'Started', message: 'Container started' });
    assert.deepEqual([started.rule, started.class, started.groups], ['kubelet.started', 'end', {}]);
  });

  test('very old Events name the group without a version', () => {
    const message = 'Scaled up replica set web-545bc4bfd4 to 1';
    const { rule, groups } = meaning({ on: 'extensions Deployment', reason: 'ScalingReplicaSet', message });
    assert.deepEqual([rule, groups], ['deployment.scale-up', { name: 'web-545bc4bfd4', to: '1' }]);
  });
});
