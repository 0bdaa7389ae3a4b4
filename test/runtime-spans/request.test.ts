/** Requests by their paths, as the API server and its clients write them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientOf, parseResourcePath, parseStorageKey, resourceOf } from '../../shared/runtime-spans/request.ts';

const pathOf = (target: string) => {
  const path = parseResourcePath(target);
  return path && [path.resource, path.subresource, path.namespace, path.name].join(' | ');
};

describe('parseResourcePath', () => {
  const rows: readonly (readonly [string, string | null])[] = [
    ['/api/v1/namespaces/shop/pods/web-1/status?fieldManager=x', 'pods | status | shop | web-1'],
    ['/api/v1/namespaces/shop/pods', 'pods |  | shop | '],
    ['/apis/apps/v1/namespaces/shop/deployments/web', 'deployments |  | shop | web'],
    ['https://10.0.0.1:6443/apis/apps/v1/namespaces/shop/deployments/web', 'deployments |  | shop | web'],
    ['/api/v1/nodes/node-1/status', 'nodes | status |  | node-1'],
    ['/api/v1/namespaces/shop', 'namespaces |  |  | shop'],
    ['/api/v1/namespaces/shop/finalize', 'namespaces | finalize |  | shop'],
    ['/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode', 'clusterroles |  |  | system:node'],
    ['/api/v1/namespaces/shop/pods/%zz', 'pods |  | shop | %zz'],
    ['/healthz', null],
    ['/api/v1', null],
    ['/apis/apps/v1', null],
    ['', null],
  ];
  for (const [target, wanted] of rows) it(`${target || 'nothing'} -> ${wanted}`, () => assert.equal(pathOf(target), wanted));
});

describe('parseStorageKey', () => {
  const rows: readonly (readonly [string, string, string, string | null])[] = [
    ['/pods/shop/web-1', 'pods', 'shop', 'web-1'],
    ['/services/specs/shop/web', 'services', 'shop', 'web'],
    ['/example.com/widgets/shop/one', 'widgets', 'shop', 'one'],
    ['/minions/node-1', 'nodes', '', null],
    ['/namespaces/shop', 'namespaces', '', 'shop'],
    ['/resourcequotas/shop/all', 'pods', 'shop', null],
    ['/pods/other/web-1', 'pods', 'shop', null],
    ['', 'pods', 'shop', null],
  ];
  for (const [key, resource, namespace, wanted] of rows)
    it(`${key || 'nothing'} as ${resource} in ${namespace || 'no namespace'} -> ${wanted}`, () =>
      assert.equal(parseStorageKey(key, { resource, namespace }), wanted));
});

describe('resourceOf', () => {
  for (const [kind, wanted] of [
    ['Pod', 'pods'],
    ['Ingress', 'ingresses'],
    ['NetworkPolicy', 'networkpolicies'],
    ['Gateway', 'gateways'],
    ['Endpoints', 'endpoints'],
    ['StorageClass', 'storageclasses'],
  ] as const)
    it(`${kind} -> ${wanted}`, () => assert.equal(resourceOf(kind), wanted));
});

describe('clientOf', () => {
  for (const [agent, wanted] of [
    [
      'kube-controller-manager/v1.34.4 (linux/amd64) kubernetes/$Format/system:serviceaccount:kube-system:replicaset-controller',
      'replicaset-controller',
    ],
    ['kubectl/v1.32.4 (linux/amd64) kubernetes/4cb5f07', 'kubectl'],
    ['kube-scheduler/v1.34.4 (linux/amd64) kubernetes/$Format/scheduler', 'kube-scheduler'],
    ['kustomize-controller/v0.0.0 (linux/amd64) kubernetes/$Format', 'kustomize-controller'],
    ['Helm/3.16', 'Helm'],
    ['', ''],
  ] as const)
    it(`${agent.slice(0, 40) || 'nothing'} -> ${wanted}`, () => assert.equal(clientOf(agent), wanted));
});
