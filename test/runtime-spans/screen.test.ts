/** What is kept of a request, under which keys, and how the rest is counted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RuntimeSpan } from '../../shared/runtime-spans/runtime-span.ts';
import { screen } from '../../shared/runtime-spans/screen.ts';
import { runtimeSpan, served } from '../helpers/runtime-span.ts';

const call = (method: string, fields: Partial<RuntimeSpan> = {}) =>
  runtimeSpan({ name: `runtime.v1.RuntimeService/${method}`, kind: 'client', service: 'kubelet', ...fields });
const storage = (name: string, key: string, fields: Partial<RuntimeSpan> = {}) => runtimeSpan({ name, attributes: { key }, ...fields });
const sync = (fields: Partial<RuntimeSpan> = {}) =>
  runtimeSpan({
    name: 'syncPod',
    service: 'kubelet',
    attributes: { 'k8s.pod.uid': 'u-1', 'k8s.pod.name': 'web-1', 'k8s.namespace.name': 'shop' },
    ...fields,
  });

const keysOf = (...spans: RuntimeSpan[]) => screen(spans).kept.map(({ keys }) => keys);
const droppedOf = (...spans: RuntimeSpan[]) => Object.fromEntries(screen(spans).dropped);

describe('screen', () => {
  const kept: readonly (readonly [string, readonly RuntimeSpan[], readonly string[]])[] = [
    ['a write by its path', [served('PATCH', '/apis/apps/v1/namespaces/shop/deployments/web')], ['deployments/shop/web']],
    [
      'a POST by what it stores',
      [served('POST', '/api/v1/namespaces/shop/pods'), storage('Create etcd3', '/pods/shop/web-1')],
      ['pods/shop/web-1'],
    ],
    ['an Event by its name', [served('PATCH', '/api/v1/namespaces/shop/events/web.18eb')], ['events/shop/web.18eb']],
    [
      'a token by the pod that it is for',
      [served('POST', '/api/v1/namespaces/shop/serviceaccounts/default/token'), storage('cacher.Get', '/pods/shop/web-1')],
      ['pods/shop/web-1'],
    ],
    ['a pass by its pod', [sync()], ['pod-uid/u-1', 'pods/shop/web-1']],
    ['a pass with the hook that it runs', [sync(), call('ExecSync', { parentSpanId: '1'.repeat(16) })], ['pod-uid/u-1', 'pods/shop/web-1']],
    ['a pass that failed at once', [sync({ end: sync().start + 20, failed: true })], ['pod-uid/u-1', 'pods/shop/web-1']],
    [
      'a sandbox by the name that the kubelet gave it',
      [call('RunPodSandbox', { attributes: { 'sandbox.name': 'web-1_shop_u-1_0', 'sandbox.id': 's-1' } })],
      ['container/s-1', 'pod-uid/u-1'],
    ],
    ['a container by its id', [call('StartContainer', { attributes: { 'container.id': 'c-1' } })], ['container/c-1']],
    ['the life of a container', [runtimeSpan({ name: 'task.Wait', attributes: { 'task.id': 'c-1' } })], ['container/c-1']],
    [
      'what stands for nothing by itself, until more comes',
      [runtimeSpan({ name: 'etcdserverpb.KV/Txn', parentSpanId: '1'.repeat(16) })],
      [],
    ],
  ];
  for (const [what, spans, keys] of kept) it(`keeps ${what}`, () => assert.deepEqual(keysOf(...spans), [keys]));

  const dropped: readonly (readonly [string, readonly RuntimeSpan[], Readonly<Record<string, number>>])[] = [
    ['a read with all below it', [served('GET', '/api/v1/namespaces/shop/pods/web-1'), runtimeSpan({ name: 'Get' })], { reads: 2 }],
    [
      'a lease, though it is written',
      [
        served('PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1'),
        storage('GuaranteedUpdate etcd3', '/leases/kube-node-lease/node-1'),
      ],
      { leases_and_reviews: 2 },
    ],
    ['a review', [served('POST', '/apis/authentication.k8s.io/v1/tokenreviews')], { leases_and_reviews: 1 }],
    [
      'the status of what is no pod',
      [served('PUT', '/apis/apps/v1/namespaces/shop/deployments/web/status'), storage('GuaranteedUpdate etcd3', '/deployments/shop/web')],
      { status_updates: 2 },
    ],
    [
      'a refused write',
      [served('PUT', '/apis/apps/v1/namespaces/shop/deployments/web', { attributes: { 'http.status_code': 409 } })],
      { refused_requests: 1 },
    ],
    ['what is no resource', [served('POST', '/openapi/v3')], { no_resource: 1 }],
    ['the filters of the API server', [runtimeSpan({ name: 'authentication' })], { filters: 1 }],
    ['what etcd does by itself', [runtimeSpan({ name: 'etcdserverpb.Lease/LeaseKeepAlive' })], { etcd_housekeeping: 1 }],
    ['the polling of the kubelet', [call('ListPodSandbox')], { runtime_polling: 1 }],
    ['a probe', [call('ExecSync'), runtimeSpan({ name: 'process.Start', parentSpanId: '1'.repeat(16) })], { probes: 2 }],
    ['the end of a probe', [runtimeSpan({ name: 'process.Delete' })], { probes: 1 }],
    ['the event of a shim', [runtimeSpan({ name: 'containerd.services.events.ttrpc.v1.Events/Forward' })], { shim_events: 1 }],
    ['a pass that had nothing to do', [sync({ end: sync().start + 20 })], { idle_syncs: 1 }],
    ['a pass without a pod', [sync({ attributes: {} })], { no_object: 1 }],
  ];
  for (const [what, spans, counts] of dropped)
    it(`drops ${what}`, () => {
      assert.deepEqual(keysOf(...spans), []);
      assert.deepEqual(droppedOf(...spans), counts);
    });

  it('keeps a slow read of the runtime inside of a pass, and drops a fast one', () => {
    const slow = call('ImageStatus', { parentSpanId: '1'.repeat(16), end: sync().start + 30_000 });
    const fast = call('ImageStatus', { parentSpanId: '1'.repeat(16), end: sync().start + 300 });
    const [one] = screen([sync(), slow, fast]).kept;
    assert.deepEqual(
      one?.spans.map(({ name }) => name),
      ['syncPod', 'runtime.v1.RuntimeService/ImageStatus'],
    );
  });

  it('keeps the write of a caller whose trace has reads as well', () => {
    const spans = [served('GET', '/api/v1/namespaces/shop/pods/web-1'), served('DELETE', '/api/v1/namespaces/shop/pods/web-1')];
    assert.deepEqual(keysOf(...spans), [['pods/shop/web-1']]);
    assert.deepEqual(droppedOf(...spans), { reads: 1 });
  });
});
