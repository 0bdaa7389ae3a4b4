/** Only owners, edits, conditions and container ends of an object are kept: no env, command, data or last-applied configuration. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { KubeObject } from '../../shared/kubernetes/object.ts';
import { parseObject } from '../../shared/kubernetes/parse-object.ts';

const at = Date.UTC(2025, 10, 20, 23, 6, 40) * 1_000;
const stamp = '2025-11-20T23:06:40Z';

function parsed(value: unknown): KubeObject {
  const result = parseObject(value);
  if (!result.ok) assert.fail(result.reason);
  return result.value;
}
const named = (fields: Readonly<Record<string, unknown>>, metadata: Readonly<Record<string, unknown>> = {}) =>
  parsed({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1', namespace: 'shop', ...metadata }, ...fields });

describe('what is kept', () => {
  test('an object of nothing but kind and name', () => {
    assert.deepEqual(parsed({ kind: 'Thing', metadata: { name: 'x' } }), {
      apiVersion: '',
      kind: 'Thing',
      namespace: '',
      name: 'x',
      uid: '',
      resourceVersion: '',
      generation: 0,
      createdAt: null,
      deletionAt: null,
      owner: null,
      edits: [],
      labels: {},
      annotations: {},
      target: null,
      claims: [],
      nodeName: '',
      replicas: null,
      conditions: [],
      containers: [],
    });
  });

  test('the controller among the owners, else the first one', () => {
    const a = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: '1' };
    const b = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'b', uid: '2', controller: true };
    assert.equal(named({}, { ownerReferences: [a, b] }).owner?.name, 'b');
    assert.deepEqual(named({}, { ownerReferences: [a] }).owner, { ...a, namespace: 'shop' });
    assert.equal(named({}, { ownerReferences: [{ kind: 'Node', name: 'n', controller: true }] }).owner?.namespace, '');
    for (const ownerReferences of [[], [{}], ['x'], 'x', { 0: a }]) assert.equal(named({}, { ownerReferences }).owner, null);
  });

  test('edits, also without a time', () => {
    const managedFields = [
      { manager: 'kubectl', operation: 'Update', time: stamp, fieldsV1: { 'f:spec': {} } },
      { manager: 'kube-controller-manager', operation: 'Update', subresource: 'status' },
      null,
    ];
    assert.deepEqual(named({}, { managedFields }).edits, [
      { manager: 'kubectl', operation: 'Update', subresource: '', at },
      { manager: 'kube-controller-manager', operation: 'Update', subresource: 'status', at: null },
      { manager: '', operation: '', subresource: '', at: null },
    ]);
  });

  test('conditions by transition, else by update', () => {
    const conditions = [
      { type: 'Ready', status: 'True', lastTransitionTime: stamp, lastUpdateTime: '2025-11-20T23:06:41Z' },
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: 'done', lastUpdateTime: stamp },
      { type: 'Odd', lastTransitionTime: null },
    ];
    assert.deepEqual(named({ status: { conditions } }).conditions, [
      { type: 'Ready', status: 'True', reason: '', message: '', at },
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: 'done', at },
      { type: 'Odd', status: '', reason: '', message: '', at: null },
    ]);
  });

  test('containers: running, waiting, ended, ended before', () => {
    const terminated = { reason: 'OOMKilled', exitCode: 137, startedAt: stamp, finishedAt: stamp, message: 'left out' };
    const ended = { reason: 'OOMKilled', exitCode: 137, startedAt: at, finishedAt: at };
    const none = { runningSince: null, waiting: '', ended: null, lastEnded: null };
    const status = {
      initContainerStatuses: [{ name: 'init', state: { terminated } }],
      containerStatuses: [
        { name: 'app', ready: true, restartCount: 2, state: { running: { startedAt: stamp } }, lastState: { terminated } },
        { name: 'side', ready: 'true', state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: {} } },
      ],
    };
    const lost = { reason: '', exitCode: -1, startedAt: null, finishedAt: null };
    assert.deepEqual(named({ status }).containers, [
      { ...none, name: 'init', init: true, ready: false, restarts: 0, ended },
      { ...none, name: 'app', init: false, ready: true, restarts: 2, runningSince: at, lastEnded: ended },
      { ...none, name: 'side', init: false, ready: false, restarts: 0, waiting: 'CrashLoopBackOff', lastEnded: lost },
    ]);
  });

  test('target, claims, node, replicas', () => {
    const target = named({ spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' } } }).target;
    assert.deepEqual(target, { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: 'shop', name: 'db', uid: '' });
    assert.equal(named({ spec: { scaleTargetRef: { name: 'web' } } }).target?.kind, 'Deployment');
    assert.equal(named({ spec: { targetRef: { kind: 'Job', name: 'j' } } }).target?.kind, 'Job');
    const volumes = [{ persistentVolumeClaim: { claimName: 'data' } }, { emptyDir: {} }, null, { persistentVolumeClaim: 'x' }];
    const { claims, nodeName, replicas } = named({ spec: { volumes, nodeName: 'node-1', replicas: 0 } });
    assert.deepEqual({ claims, nodeName, replicas }, { claims: ['data'], nodeName: 'node-1', replicas: 0 });
  });

  test('no kind or no name: a sentence', () => {
    for (const value of [null, 'x', [], {}, { kind: 'Pod' }, { metadata: { name: 'x' } }, { kind: 7, metadata: { name: 'x' } }]) {
      const result = parseObject(value);
      assert.ok(!result.ok && /^Cannot read object: (kind is|metadata\.name is|kind and metadata\.name are) missing$/.test(result.reason));
    }
  });
});

test('nothing secret survives, wherever it is planted', () => {
  const secret = 'hunter2-planted';
  const container = { name: 'app', image: 'x', env: [{ name: 'P', value: secret }], command: [secret], args: [secret] };
  const metadata = {
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': secret, note: secret },
    labels: { team: secret },
    finalizers: [secret],
    managedFields: [{ manager: 'kubectl', time: stamp, fieldsV1: { [secret]: secret } }],
  };
  const spec = { containers: [container], initContainers: [container], template: { spec: { containers: [container] } }, secret };
  const state = { terminated: { exitCode: 1, message: secret }, waiting: { message: secret } };
  const status = { containerStatuses: [{ name: 'app', state, lastState: state, env: secret }], hostIP: secret, message: secret };
  const kept = named({ spec, status, data: { password: secret }, stringData: { password: secret }, [secret]: secret }, metadata);
  assert.ok(!JSON.stringify(kept).includes(secret));
});

test('any JSON: never throws, and never keeps more than its limits', () => {
  const keys = fc.constantFrom(
    'kind',
    'metadata',
    'name',
    'spec',
    'status',
    'conditions',
    'managedFields',
    'containerStatuses',
    '__proto__',
  );
  const inner = fc.dictionary(keys, fc.jsonValue());
  const outer = fc.dictionary(keys, fc.oneof(inner, fc.jsonValue())).map((fields) => ({ ...fields, kind: 'X' }));
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), outer), fc.array(fc.jsonValue()), (value, list) => {
      parseObject(value);
      const lists = { conditions: list, containerStatuses: list, initContainerStatuses: list };
      named({ spec: { volumes: list }, status: lists }, { managedFields: list, ownerReferences: list });
    }),
    { numRuns: 300 },
  );
  const many = Array.from({ length: 10_000 }, () => ({}));
  assert.ok(JSON.stringify(named({ status: { conditions: many, containerStatuses: many } }, { managedFields: many })).length < 100_000);
});
