/** Owners that nobody has fed, asked of an API server that answers, is slow, refuses, or knows another object by that name. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type ApiServer, createApiServer } from '../../../shared/kubernetes/api-server.ts';
import { OneCorrelator } from '../../helpers/correlator.ts';
import { FakeApiServer } from '../../helpers/fake-api-server.ts';
import { startedAt } from '../../helpers/reconcilers.ts';
import { until } from '../../helpers/until.ts';

const podUid = '22222222-0000-4000-8000-000000000002';
const podPath = '/api/v1/namespaces/shop/pods/web-1';
const setPath = '/apis/apps/v1/namespaces/shop/replicasets/web-a';
const rootPath = '/apis/apps/v1/namespaces/shop/deployments/web';

function metadataOf(name: string, uid: string, owner?: readonly [kind: string, name: string, uid: string]): unknown {
  const owners = owner ? [{ apiVersion: 'apps/v1', kind: owner[0], name: owner[1], uid: owner[2], controller: true }] : [];
  const metadata = { name, namespace: 'shop', uid, resourceVersion: '7', ownerReferences: owners };
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

const list = (...kinds: readonly (readonly [kind: string, name: string])[]) => ({
  kind: 'APIResourceList',
  resources: kinds.map(([kind, name]) => ({ kind, name, namespaced: true })),
});

describe('owners', () => {
  let server: FakeApiServer;
  let api: ApiServer;
  let correlator: OneCorrelator;

  beforeEach(async () => {
    server = new FakeApiServer();
    const config = await server.start();
    api = createApiServer(async () => config);
    server.given.set('/api/v1', { body: list(['Pod', 'pods']) });
    server.given.set('/apis/apps/v1', { body: list(['ReplicaSet', 'replicasets'], ['Deployment', 'deployments']) });
    server.given.set(podPath, { body: metadataOf('web-1', podUid, ['ReplicaSet', 'web-a', 'r-1']) });
    server.given.set(setPath, { body: metadataOf('web-a', 'r-1', ['Deployment', 'web', 'd-1']) });
    server.given.set(rootPath, { body: metadataOf('web', 'd-1') });
    correlator = await new OneCorrelator().start({ KNSPAN_CLUSTER: 'test' }, { api });
  });

  afterEach(async () => {
    await correlator.stop();
    api.close();
    await server.stop();
  });

  const asked = (path: string) => server.requests.filter((request) => request.startsWith(path)).length;
  const roots = () => correlator.sink.segments().map(({ rootKind, rootName }) => `${rootKind}/${rootName}`);
  const lookups = (kind: string, outcome: string) => correlator.figure(`knspan_lookups_total{kind="${kind}",outcome="${outcome}"}`);

  it('are asked for up to the root, each once, and remembered in the store', async () => {
    for (const uid of ['a', 'b', 'c']) assert.equal((await correlator.event(uid, 5)).status, 202);
    await until('all are asked', () => asked(rootPath) === 1);
    await correlator.settle();
    assert.deepEqual([...new Set(roots())], ['Deployment/web']);
    assert.deepEqual([asked(podPath), asked(setPath), asked(rootPath)], [1, 1, 1]);
    const other = await new OneCorrelator().start({ KNSPAN_CLUSTER: 'test' }, { api, store: correlator.store, sink: correlator.sink });
    try {
      await other.event('d', 5);
      await other.clock.set(correlator.clock.now());
      await other.settle();
      assert.deepEqual([...new Set(roots())], ['Deployment/web']);
      assert.equal(asked(setPath), 1);
    } finally {
      await other.stop();
    }
  });

  it('are asked for from where the fed objects end', async () => {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-a', uid: 'r-1', controller: true }];
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'shop', name: 'web-1', uid: podUid, resourceVersion: '1', ownerReferences },
    };
    await correlator.send('add', pod, { kind: 'Pod' });
    await correlator.event('a', 5);
    await until('the root is asked', () => asked(rootPath) === 1);
    await correlator.settle();
    assert.deepEqual(roots(), ['Deployment/web']);
    assert.deepEqual([asked(podPath), asked(setPath)], [0, 1]);
  });

  it('of which one did not answer are asked for again', async () => {
    const body = server.given.get(setPath)?.body;
    server.given.set(setPath, { status: 503 });
    await correlator.event('a', 5);
    await until('it is asked', () => asked(setPath) === 1);
    await correlator.clock.advance(2_000);
    server.given.set(setPath, { body });
    await correlator.settle();
    assert.deepEqual(roots(), ['Deployment/web']);
    assert.equal(asked(podPath), 1);
  });

  it('that come slowly delay no acknowledgement, and a decision only so long', async () => {
    let open = () => {};
    const after = new Promise<void>((resolve) => {
      open = resolve;
    });
    server.given.set(podPath, { body: {}, after });
    assert.equal((await correlator.event('a', 5)).status, 202);
    await until('it is asked', () => asked(podPath) === 1);
    const time = setInterval(() => void correlator.clock.advance(1_000), 5);
    await until('it is due', () => correlator.clock.now() > startedAt + 120_000);
    await correlator.sweep();
    clearInterval(time);
    assert.equal((await correlator.store.sizes()).inbox, 0);
    await correlator.settle();
    assert.deepEqual(roots(), ['Pod/web-1']);
    assert.ok((await lookups('Pod', 'away')) > 0);
    open();
  });

  it('that may not be read are unknown, and not asked for again', async () => {
    server.given.delete(podPath);
    server.forbidden.add(podPath);
    await correlator.event('a', 5);
    await until('it is asked', () => asked(podPath) === 1);
    for (const uid of ['b', 'c']) await correlator.event(uid, 4);
    await correlator.settle();
    assert.deepEqual([...new Set(roots())], ['Pod/web-1']);
    assert.deepEqual([asked(podPath), await lookups('Pod', 'forbidden')], [1, 1]);
  });

  it('of a pod that is gone are unknown', async () => {
    server.given.set(podPath, { status: 404, body: { kind: 'Status', code: 404 } });
    await correlator.event('a', 5);
    await correlator.settle();
    assert.deepEqual(roots(), ['Pod/web-1']);
    assert.equal(await lookups('Pod', 'gone'), 1);
  });

  it('of another pod of that name are not ours', async () => {
    server.given.set(podPath, { body: metadataOf('web-1', 'a-younger-one', ['ReplicaSet', 'web-a', 'r-1']) });
    await correlator.event('a', 5);
    await correlator.settle();
    assert.deepEqual(roots(), ['Pod/web-1']);
    assert.deepEqual([asked(podPath), asked(setPath)], [1, 0]);
  });

  it('of another cluster are not asked for here', async () => {
    await correlator.send(
      'add',
      { kind: 'Event', metadata: { uid: 'x' }, involvedObject: { kind: 'Pod', name: 'web-1', uid: podUid } },
      { cluster: 'other' },
    );
    await correlator.settle();
    assert.equal(asked(podPath), 0);
    assert.equal(correlator.sink.segments().length, 1);
  });
});
