/** Objects of lists that do not say their kind: the file's name, a link or the shape tells it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kindByShape, kindInPath, kindOfName, kindOfResource } from '../../../shared/cli/input/kinds.ts';
import { read } from '../../helpers/reading.ts';

test('kindOfResource: plural, singular and short names', () => {
  for (const [resource, kind] of Object.entries({
    pods: 'Pod',
    pod: 'Pod',
    ingresses: 'Ingress',
    networkpolicies: 'NetworkPolicy',
    endpoints: 'Endpoints',
    storageclasses: 'StorageClass',
    pvcs: 'PersistentVolumeClaim',
    DaemonSets: 'DaemonSet',
    nonsense: '',
  }))
    assert.equal(kindOfResource(resource), kind, resource);
});

test('kindOfName: an unknown one as it is, with a capital', () => {
  assert.deepEqual(['pod', 'HelmRelease', 'widget'].map(kindOfName), ['Pod', 'HelmRelease', 'Widget']);
});

test('kindInPath: the nearest word counts', () => {
  for (const [path, kind] of Object.entries({
    'bundle/cluster-resources/pods/kube-system.json': 'Pod',
    'dump/nodes/default/statefulsets.json': 'StatefulSet',
    'k8s-pods-20221110-185842.yaml': 'Pod',
    'resources/ns/default/apps_v1_daemonsets.json': 'DaemonSet',
    'resources/ns/kube-system/Deployments.json': 'Deployment',
    'C:\\dump\\pvs.json': 'PersistentVolume',
    'a/b.json': '',
  }))
    assert.equal(kindInPath(path), kind, path);
});

describe('kindByShape', () => {
  for (const [kind, object] of Object.entries({
    Pod: { spec: { containers: [], nodeName: 'n' }, status: { phase: 'Running' } },
    Deployment: { spec: { replicas: 1, selector: {}, template: {}, strategy: {} }, status: {} },
    ReplicaSet: { spec: { replicas: 1, selector: {}, template: {} }, status: { observedGeneration: 1 } },
    StatefulSet: { spec: { serviceName: 's', template: {} }, status: {} },
    DaemonSet: { spec: { template: {} }, status: { desiredNumberScheduled: 1 } },
    Job: { spec: { template: {}, backoffLimit: 6 } },
    CronJob: { spec: { schedule: '* * * * *', jobTemplate: {} } },
    Node: { spec: {}, status: { nodeInfo: {} } },
    Service: { metadata: { selfLink: '/api/v1/namespaces/shop/services/web' } },
    '': { spec: { color: 'red' } },
  }))
    test(kind || 'none', () => assert.equal(kindByShape(object), kind));
});

test('a list without any kind, as Go clients write it', async () => {
  const pod = { metadata: { name: 'web-1', namespace: 'shop', uid: 'p' }, spec: { containers: [] }, status: {} };
  const claim = { metadata: { name: 'data', namespace: 'shop', uid: 'c' } };
  assert.deepEqual(await read(JSON.stringify([pod])), ['object Pod/web-1']);
  assert.deepEqual(await read(JSON.stringify([claim]), 'pvcs/shop.json'), ['object PersistentVolumeClaim/data']);
  assert.deepEqual(await read(JSON.stringify([claim])), ['foreign']);
});
