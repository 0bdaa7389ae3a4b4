/** Owners from the Kubernetes API: metadata only, one request at a time, cached, with bounded waits. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ObjectRef } from '../../shared/events/observation.ts';
import { type ApiServer, createApiServer } from '../../shared/kubernetes/api-server.ts';
import type { Found, Lookup } from '../../shared/kubernetes/lookup.ts';
import { createLookup } from '../../shared/kubernetes/metadata-lookup.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { Metrics } from '../../shared/process/metrics.ts';
import type { Rate } from '../../shared/process/token-bucket.ts';
import { FakeApiServer } from '../helpers/fake-api-server.ts';
import { until } from '../helpers/until.ts';

const web: ObjectRef = { apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace: 'shop', name: 'web-1', uid: 'uid-of-web-1' };
const path = '/apis/apps/v1/namespaces/shop/replicasets/web-1';
const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-of-web', controller: true };

function metadataOf(uid: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { name: 'web-1', namespace: 'shop', uid, resourceVersion: '7', generation: 3, ...more },
  };
}

function resources(...names: readonly [kind: string, plural: string, namespaced: boolean][]): unknown {
  return { kind: 'APIResourceList', resources: names.map(([kind, name, namespaced]) => ({ kind, name, namespaced })) };
}

describe('lookup at the Kubernetes API', () => {
  const clock = new ManualClock(1_763_680_000_000);
  let server: FakeApiServer;
  let api: ApiServer;
  let metrics: Metrics;
  let lookup: Lookup;

  const asked = (part: string) => server.requests.filter((request) => request.includes(part)).length;
  const begin = (rate?: Rate) => {
    metrics = new Metrics();
    lookup = createLookup({ api, clock, metrics, ...(rate ? { rate } : {}) });
  };
  const find = (ref: ObjectRef = web, withinMs = 5_000): Promise<Found> => lookup.find(ref, clock.now() + withinMs);

  beforeEach(async () => {
    server = new FakeApiServer();
    const config = await server.start('token-1');
    api = createApiServer(async () => config);
    server.given.set('/apis/apps/v1', {
      body: resources(['ReplicaSet', 'replicasets', true], ['ReplicaSet', 'replicasets/status', true], ['Deployment', 'deployments', true]),
    });
    server.given.set('/api/v1', { body: resources(['Namespace', 'namespaces', false], ['Pod', 'pods', true]) });
    server.given.set(path, { body: metadataOf(web.uid, { ownerReferences: [owner] }) });
    begin();
  });

  afterEach(async () => {
    lookup.close();
    await server.stop();
  });

  it('finds the owner by metadata alone, with the credentials of the kubeconfig', async () => {
    const found = await find();
    assert.ok(found.kind === 'found');
    assert.equal(found.object.kind, 'ReplicaSet');
    assert.equal(found.object.apiVersion, 'apps/v1');
    assert.equal(found.object.generation, 3);
    assert.deepEqual(found.object.owner, { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'uid-of-web' });
    assert.equal(server.headers.accept, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
    assert.equal(server.headers.authorization, 'Bearer token-1');
  });

  it('remembers what it found for a time', async () => {
    await find();
    await find();
    assert.equal(asked(path), 1);
    await clock.advance(301_000);
    await find();
    assert.equal(asked(path), 2);
  });

  it('asks once for what several want to know at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => find()));
    assert.deepEqual(new Set(answers.map(({ kind }) => kind)), new Set(['found']));
    assert.equal(asked(path), 1);
    assert.equal(asked('/apis/apps/v1') - asked(path), 1);
  });

  it('takes another object under the same name for a gone one, and remembers that', async () => {
    server.given.set(path, { body: metadataOf('uid-of-its-successor') });
    assert.deepEqual(await find(), { kind: 'gone' });
    assert.deepEqual(await find(), { kind: 'gone' });
    assert.equal(asked(path), 1);
    assert.equal((await find({ ...web, uid: 'uid-of-its-successor' })).kind, 'found');
  });

  it('tells gone objects and kinds that are not served', async () => {
    server.given.set(path, { status: 404 });
    server.given.set('/apis/flows.example.com/v1', { status: 404 });
    server.given.set('/apis/flows.example.com', { status: 404 });
    assert.deepEqual(await find(), { kind: 'gone' });
    assert.deepEqual(await find({ ...web, kind: 'Flow', uid: 'u2' }), { kind: 'gone' });
    assert.deepEqual(await find({ ...web, apiVersion: 'flows.example.com/v1', kind: 'Flow', uid: 'u3' }), { kind: 'gone' });
  });

  it('turns to the version of the group that is served', async () => {
    server.given.set('/apis/apps/v1beta1', { status: 404 });
    server.given.set('/apis/apps', { body: { preferredVersion: { groupVersion: 'apps/v1' } } });
    const found = await find({ ...web, apiVersion: 'apps/v1beta1' });
    assert.ok(found.kind === 'found');
    assert.equal(found.object.apiVersion, 'apps/v1');
  });

  it('counts what it may not read by kind, remembers it for the namespace, and names no object in a metric', async () => {
    server.given.set(path, { status: 403 });
    assert.deepEqual(await find(), { kind: 'forbidden' });
    assert.deepEqual(await find({ ...web, name: 'web-2', uid: 'u2' }), { kind: 'forbidden' });
    await find({ apiVersion: 'apps/v1', kind: `Strange${'x'.repeat(50)}`, namespace: 'shop', name: 'odd-name', uid: 'u3' });
    assert.equal(asked('/replicasets/'), 1);
    const text = await metrics.text();
    assert.match(text, /knspan_lookups_total\{kind="ReplicaSet",outcome="forbidden"\} 1/);
    assert.match(text, /knspan_lookups_total\{kind="other",outcome="gone"\} 1/);
    assert.doesNotMatch(text, /web-1|odd-name|Strange/);
    server.given.set(path, { body: metadataOf(web.uid) });
    await clock.advance(601_000);
    assert.equal((await find()).kind, 'found');
  });

  it('never asks for Secrets and ConfigMaps, nor by names that lead elsewhere', async () => {
    for (const kind of ['Secret', 'ConfigMap'])
      assert.deepEqual(await find({ apiVersion: 'v1', kind, namespace: 'shop', name: 'password', uid: 'u' }), { kind: 'forbidden' });
    assert.deepEqual(server.requests, []);
    for (const name of ['../../secrets/password', '..', 'a%2fb'])
      assert.deepEqual(await find({ ...web, name, uid: `u${name}` }), { kind: 'gone' });
    for (const apiVersion of ['../api/v1', 'apps/v1/..', 'a b/v1', '/v1'])
      assert.deepEqual(await find({ ...web, apiVersion, uid: `u${apiVersion}` }), { kind: 'gone' });
    assert.deepEqual(server.requests, ['/apis/apps/v1']);
  });

  it('reads no whole object where metadata was asked for', async () => {
    server.given.set(path, {
      body: { kind: 'ReplicaSet', apiVersion: 'apps/v1', metadata: { name: 'web-1', uid: web.uid }, spec: { secret: 1 } },
    });
    assert.deepEqual(await find(), { kind: 'forbidden' });
  });

  it('answers by the deadline when the API server does not, and takes the late answer for the next one', async () => {
    let answer = () => {};
    const after = new Promise<void>((resolve) => {
      answer = resolve;
    });
    server.given.set(path, { body: metadataOf(web.uid), after });
    const early = find(web, 100);
    await until('the request is there', () => asked(path) === 1);
    await clock.advance(101);
    assert.deepEqual(await early, { kind: 'away', reason: 'no answer in time' });
    const later = find(web, 5_000);
    answer();
    assert.equal((await later).kind, 'found');
    assert.equal(asked(path), 1);
  });

  it('gives up a request after its own time, and spares the API server for a moment', async () => {
    server.given.set(path, { after: new Promise(() => {}) });
    const found = find(web, 60_000);
    await until('the request is there', () => asked(path) === 1);
    await clock.advance(10_001);
    assert.deepEqual(await found, { kind: 'away', reason: 'no answer within 10 s' });
    assert.equal((await find({ ...web, uid: 'u2', name: 'web-2' })).kind, 'away');
    assert.equal(asked('/replicasets/'), 1);
    server.given.set(path, { body: metadataOf(web.uid) });
    await clock.advance(1_001);
    assert.equal((await find()).kind, 'found');
  });

  it('heeds what the API server says about when to come again', async () => {
    server.given.set(path, { status: 429, headers: { 'retry-after': '30' } });
    assert.deepEqual(await find(), { kind: 'away', reason: 'the API server answered 429' });
    server.given.set(path, { body: metadataOf(web.uid) });
    await clock.advance(29_000);
    assert.equal((await find()).kind, 'away');
    await clock.advance(1_001);
    assert.equal((await find()).kind, 'found');
  });

  it('keeps to its rate: who comes too late hears so at once, who can wait gets its turn', async () => {
    begin({ perSecond: 1, burst: 1 });
    assert.equal((await find()).kind, 'found');
    const other = { ...web, uid: 'u2', name: 'web-2' };
    assert.deepEqual(await find(other, 500), { kind: 'away', reason: 'lookup rate limit reached' });
    server.given.set('/apis/apps/v1/namespaces/shop/replicasets/web-2', { body: metadataOf('u2') });
    const sleeping = clock.sleeping;
    const waiting = find(other, 5_000);
    await until('both its turn and its deadline are waited for', () => clock.sleeping === sleeping + 2);
    await clock.advance(1_000);
    await until('the request is there', () => asked('/web-2') === 1);
    assert.equal((await waiting).kind, 'found');
  });

  it('knows the cluster by the uid of kube-system', async () => {
    server.given.set('/api/v1/namespaces/kube-system', {
      body: { kind: 'PartialObjectMetadata', metadata: { name: 'kube-system', uid: 'uid-of-the-cluster' } },
    });
    assert.deepEqual(await lookup.clusterUid(clock.now() + 1_000), { ok: true, value: 'uid-of-the-cluster' });
  });

  it('says what is needed to know the cluster', async () => {
    server.given.set('/api/v1/namespaces/kube-system', { status: 403 });
    const uid = await lookup.clusterUid(clock.now() + 1_000);
    assert.ok(!uid.ok);
    assert.match(uid.reason, /kube-system is forbidden, wanted 'get' on namespaces or KNSPAN_CLUSTER/);
  });

  it('knows no owner where no cluster is configured', async () => {
    const alone = createLookup({ api: createApiServer(async () => null), clock, metrics: new Metrics() });
    assert.deepEqual(await alone.find(web, clock.now() + 1_000), { kind: 'forbidden' });
  });
});
