/** Filters match as users expect: any object of the trace, `*` for any text, times relative to the newest Event. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Filter, parseObjectName, passes, sinceOf } from '../../../shared/cli/output/selection.ts';
import { segmentOf, spanOf } from '../../helpers/segment.ts';

const pod = spanOf({ attributes: { 'k8s.object.kind': 'ReplicaSet', 'k8s.object.name': 'web-5d', 'k8s.pod.name': 'web-5d-x1' } });
const segment = segmentOf([spanOf({ title: 'root' }), pod], { namespace: 'shop', rootKind: 'Deployment', rootName: 'web' });

describe('passes', () => {
  const cases: readonly (readonly [Filter, boolean])[] = [
    [{}, true],
    [{ namespace: 'shop' }, true],
    [{ namespace: 'sh*' }, true],
    [{ namespace: '*' }, true],
    [{ namespace: 'sho' }, false],
    [{ namespace: 'shop*x' }, false],
    [{ kind: 'deployment' }, true],
    [{ kind: 'Deployment', name: 'web' }, true],
    [{ kind: 'replicaset', name: 'web' }, false],
    [{ kind: 'pod', name: 'web-5d-*' }, true],
    [{ name: '*-x1' }, true],
    [{ name: 'web.5d' }, false],
    [{ name: 'w(eb' }, false],
    [{ kind: 'Node' }, false],
    [{ failed: true }, false],
    [{ failed: false }, true],
    [{ since: pod.end }, true],
    [{ since: pod.end + 1 }, false],
    [{ since: 0, namespace: 'other' }, false],
  ];
  for (const [filter, wanted] of cases) test(JSON.stringify(filter), () => assert.equal(passes(segment, filter), wanted));

  test('failed traces pass --failed', () => assert.ok(passes({ ...segment, severity: 'error' }, { failed: true })));

  test('many stars against a long name end soon', () => {
    const name = 'a'.repeat(250);
    const began = performance.now();
    assert.equal(passes({ ...segment, rootName: name }, { name: `${'*a'.repeat(20)}*b` }), false);
    assert.ok(performance.now() - began < 1_000);
  });
});

describe('parseObjectName', () => {
  for (const [text, kind] of [
    ['deployment/web', 'Deployment'],
    ['Deployment/web', 'Deployment'],
    ['deployments/web', 'Deployment'],
    ['deploy/web', 'Deployment'],
    ['deployment.apps/web', 'Deployment'],
    ['deployments.v1.apps/web', 'Deployment'],
    ['helmreleases/web', 'HelmRelease'],
    ['helmrelease.helm.toolkit.fluxcd.io/web', 'HelmRelease'],
    ['leases/web', 'Lease'],
    ['ingresses/web', 'Ingress'],
    ['ingress/web', 'Ingress'],
    ['ing/web', 'Ingress'],
    ['gateways/web', 'Gateway'],
    ['networkpolicies/web', 'NetworkPolicy'],
    ['endpoints/web', 'Endpoints'],
    ['daemonsets/web', 'DaemonSet'],
    ['hpa/web', 'HorizontalPodAutoscaler'],
  ] as const)
    test(`${text} is the ${kind} web`, () => {
      const object = parseObjectName(text);
      assert.ok(object);
      const rooted = segmentOf([spanOf({})], { rootKind: kind, rootName: 'web' });
      assert.ok(passes(rooted, { object }));
      assert.ok(!passes({ ...rooted, rootName: 'other' }, { object }));
      for (const other of ['Pod', 'Release', 'DeploymentConfig']) assert.ok(!passes({ ...rooted, rootKind: other }, { object }));
    });

  for (const text of ['web', '/web', 'deployment/', 'deployment/a/b', 'a b/c', ''])
    test(`'${text}' names no object`, () => assert.equal(parseObjectName(text), null));
});

test('sinceOf: a duration before the newest event, or a time', () => {
  const newest = Date.UTC(2025, 10, 20) * 1_000;
  assert.equal(sinceOf('2h', newest), newest - 7_200_000_000);
  assert.equal(sinceOf('1m30s', newest), newest - 90_000_000);
  assert.equal(sinceOf('2025-11-20T00:00:00Z', 0), newest);
  for (const text of ['', 'yesterday', '2', '-2h', '2025-11-20']) assert.equal(sinceOf(text, newest), null, text);
});
