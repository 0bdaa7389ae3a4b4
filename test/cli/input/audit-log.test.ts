/** An audit log beside Events adds who edited what, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAuditRecord } from '../../../shared/cli/input/audit-record.ts';
import { load } from '../../../shared/cli/input/load-input.ts';
import { eventJson } from '../../helpers/event.ts';
import { read, withFile } from '../../helpers/reading.ts';

const stageTimestamp = '2025-11-20T23:06:39.500000Z';
const at = Date.UTC(2025, 10, 20, 23, 6, 39, 500) * 1_000;
/** As the API server writes it at level Metadata. */
const record = {
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'Metadata',
  auditID: '62d5bbe4-f227-4e6f-a10e-25475c70108b',
  stage: 'ResponseComplete',
  requestURI: '/apis/apps/v1/namespaces/shop/deployments/web',
  verb: 'patch',
  user: { username: 'alice', groups: ['system:authenticated'] },
  objectRef: { resource: 'deployments', namespace: 'shop', name: 'web', apiGroup: 'apps', apiVersion: 'v1' },
  responseStatus: { metadata: {}, code: 200 },
  requestReceivedTimestamp: '2025-11-20T23:06:39.400000Z',
  stageTimestamp,
};
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', uid: 'd', creationTimestamp: '2025-11-01T00:00:00Z' },
};
const scaled = eventJson({
  involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'd' },
  reason: 'ScalingReplicaSet',
  message: 'Scaled up replica set web-5d8f7c9b4d to 2',
  source: { component: 'deployment-controller' },
});
const lines = (...values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).join('\n');

describe('parseAuditRecord', () => {
  test('a write by a person', () => {
    assert.deepEqual(parseAuditRecord(record), {
      kind: 'Deployment',
      namespace: 'shop',
      name: 'web',
      uid: '',
      edit: { manager: 'alice', operation: 'Update', subresource: '', at },
      object: null,
    });
  });

  test('the user who was impersonated; the object of the answer', () => {
    const write = parseAuditRecord({ ...record, impersonatedUser: { username: 'deployer' }, responseObject: deployment });
    assert.deepEqual([write?.edit.manager, write?.uid, write?.object?.name], ['deployer', 'd', 'web']);
  });

  for (const [what, change] of [
    ['a read', { verb: 'get' }],
    ['a request that has not ended', { stage: 'RequestReceived' }],
    ['a write that was refused', { responseStatus: { code: 409 } }],
    ['a write of a controller', { user: { username: 'system:serviceaccount:kube-system:deployment-controller' } }],
    ['a write of the kubelet', { user: { username: 'system:node:n1' } }],
    ['a status', { objectRef: { ...record.objectRef, subresource: 'status' } }],
    ['an eviction', { objectRef: { ...record.objectRef, resource: 'pods', subresource: 'eviction' } }],
    ['a deletion of many', { verb: 'deletecollection' }],
    ['a record without a time', { stageTimestamp: 'soon' }],
    ['a record without an object', { objectRef: undefined }],
    ['a record of something else', { user: 'alice', objectRef: 7, responseStatus: null }],
  ] as const)
    test(`null for ${what}`, () => assert.equal(parseAuditRecord({ ...record, ...change }), null));
});

describe('load', () => {
  const editsOf = async (text: string) => {
    const { objects, observations } = await withFile('input.jsonl', text, (path) => load([path], { objects: [], stdin: process.stdin }));
    return { events: observations.length, edits: objects.latest('d')?.edits.map(({ manager, at: time }) => [manager, time]) ?? null };
  };

  test('an audit log at level Metadata: the uid is that of the Events, wherever they stand', async () => {
    const wanted = { events: 1, edits: [['alice', at]] };
    assert.deepEqual(await editsOf(lines(record, scaled)), wanted);
    assert.deepEqual(await editsOf(lines(scaled, record)), wanted);
    assert.deepEqual(await editsOf(lines(scaled, { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [record] })), wanted);
  });

  test('edits of an object that is known are added to its own', async () => {
    const metadata = { ...deployment.metadata, managedFields: [{ manager: 'helm', operation: 'Update', time: '2025-11-20T20:00:00Z' }] };
    const { edits } = await editsOf(lines(scaled, { ...deployment, metadata }, record));
    assert.deepEqual(edits, [
      ['helm', Date.UTC(2025, 10, 20, 20) * 1_000],
      ['alice', at],
    ]);
  });

  test('writes of objects of which no Event speaks are left out, and of pods, whose owner is unknown', async () => {
    const pod = { ...record, objectRef: { resource: 'pods', namespace: 'shop', name: 'web-1' } };
    assert.deepEqual(await editsOf(lines(record)), { events: 0, edits: null });
    const { objects } = await withFile('x.jsonl', lines(pod, eventJson()), (path) => load([path], { objects: [], stdin: process.stdin }));
    assert.equal(objects.latest('22222222-0000-4000-8000-000000000002'), null);
  });
});

test('a collector’s wrapping, and the lines of a log', async () => {
  const wanted = ['write Update Deployment/web by alice'];
  assert.deepEqual(await read(JSON.stringify({ jsonPayload: record })), wanted);
  assert.deepEqual(await read(`2025-11-20T23:06:41.1Z stdout F ${JSON.stringify(record)}\n`), [...wanted]);
});
