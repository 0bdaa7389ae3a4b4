/** The overlays as rendered by kubectl, checked against their purpose. Needs no cluster. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { readObjects } from '../../shared/dev-broker/kustomize.ts';
import type { ManifestFault } from '../../shared/dev-broker/manifest-reader.ts';
import { field, textField } from '../../shared/events/json.ts';
import { top } from './image.ts';
import { functionNames, home } from './installation.ts';
import { kubectl } from './kubectl.ts';

const overlays = join(top, 'knative', 'overlays');

/** By `Kind/name`. */
function rendered(folder: string): Map<string, unknown> {
  const documents = parseAllDocuments(kubectl('kustomize', folder));
  const objects: unknown[] = [...documents].map((document) => document.toJS());
  return new Map(objects.map((object) => [`${textField(object, 'kind')}/${textField(field(object, 'metadata'), 'name')}`, object]));
}

/** Down a path; a number is a place in a list. */
function at(object: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof step === 'string' ? field(value, step) : Array.isArray(value) ? value[step] : undefined),
    object,
  );
}

const kindOf = (key: string): string => key.split('/')[0] ?? '';
const ofKind = (all: ReadonlyMap<string, unknown>, kind: string): unknown[] =>
  [...all].flatMap(([key, object]) => (kindOf(key) === kind ? [object] : []));
const names = (all: ReadonlyMap<string, unknown>, ...kinds: string[]): string[] =>
  [...all.keys()].filter((key) => kinds.includes(kindOf(key))).sort();

interface Pod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A label selector: none of its conditions is what selects all. */
function selects(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const exact = at(selector, 'matchLabels');
  const isExact = Object.entries(typeof exact === 'object' && exact !== null ? exact : {}).every(([key, value]) => labels[key] === value);
  return (
    isExact &&
    list(at(selector, 'matchExpressions')).every((one) => {
      const label = labels[textField(one, 'key') ?? ''];
      return at(one, 'operator') === 'Exists' ? label !== undefined : label !== undefined && list(at(one, 'values')).includes(label);
    })
  );
}

describe('the overlays, rendered', () => {
  for (const { name } of readdirSync(overlays, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    it(`${name}: the local broker and a release have the objects that kubectl makes of it`, async () => {
      const faults: ManifestFault[] = [];
      const objects = await readObjects([join(overlays, name)], faults);
      assert.deepEqual(faults, []);
      assert.deepEqual(
        objects.map(({ value }) => value),
        [...rendered(join(overlays, name)).values()],
      );
    });

    it(`${name}: nothing may write, nothing may read Secrets`, () => {
      const all = rendered(join(overlays, name));
      assert.ok(all.size > 0);
      for (const role of [...ofKind(all, 'ClusterRole'), ...ofKind(all, 'Role')]) {
        const rules = at(role, 'rules');
        for (const rule of Array.isArray(rules) ? rules : []) {
          assert.doesNotMatch(JSON.stringify(at(rule, 'resources')), /secrets|\*/);
          assert.match(JSON.stringify(at(rule, 'verbs')), /^\["(get|list|watch)"(,"(list|watch)")*\]$/);
        }
      }
    });
  }
});

describe('plain', () => {
  it('runs what the base runs, as the base does, without Knative Serving', () => {
    const [base, plain] = [rendered(join(top, 'knative', 'base')), rendered(join(overlays, 'plain'))];
    assert.doesNotMatch(JSON.stringify([...plain.values()]), /serving\.knative\.dev/);
    for (const name of functionNames) {
      const wanted = at(base.get(`Service/${name}`), 'spec', 'template', 'spec');
      const found = at(plain.get(`Deployment/${name}`), 'spec', 'template', 'spec');
      for (const key of ['image', 'args', 'envFrom', 'resources', 'securityContext'])
        assert.deepEqual(at(found, 'containers', 0, key), at(wanted, 'containers', 0, key), `${name}: ${key}`);
      assert.equal(at(found, 'serviceAccountName'), at(wanted, 'serviceAccountName'));
      assert.equal(at(found, 'terminationGracePeriodSeconds'), at(wanted, 'timeoutSeconds'), 'the time between SIGTERM and the end');
    }
    assert.deepEqual(names(plain, 'Trigger', 'SinkBinding', 'Broker'), names(base, 'Trigger', 'SinkBinding', 'Broker'));
  });
});

describe('secure', () => {
  /** Whether the NetworkPolicies let one pod open a connection to another: those that select it together, if there are any. */
  function mayReach(policies: readonly unknown[], from: Pod, to: Pod, port: number): boolean {
    const rules = policies
      .map((policy) => at(policy, 'spec'))
      .filter((spec) => selects(at(spec, 'podSelector'), to.labels))
      .flatMap((spec) => list(at(spec, 'ingress')));
    return rules.some((rule) => {
      const ports = list(at(rule, 'ports')).map((one) => at(one, 'port'));
      if (ports.length > 0 && !ports.includes(port)) return false;
      return list(at(rule, 'from')).some((peer) => {
        const [spaces, pods] = [at(peer, 'namespaceSelector'), at(peer, 'podSelector')];
        const isThere = spaces === undefined ? from.namespace === home : selects(spaces, { 'kubernetes.io/metadata.name': from.namespace });
        return isThere && (pods === undefined || selects(pods, from.labels));
      });
    });
  }

  const policies = ofKind(rendered(join(overlays, 'secure')), 'NetworkPolicy');
  const own = (name: string): Pod => ({ namespace: home, labels: { 'serving.knative.dev/service': name } });
  const part = (name: string): Pod => ({ namespace: home, labels: { 'app.kubernetes.io/name': name } });
  const of = (namespace: string): Pod => ({ namespace, labels: {} });

  it('who has to reach a pod may, and nobody else', () => {
    const flows: readonly (readonly [from: Pod, to: Pod, port: number, may: boolean])[] = [
      ...[...functionNames, 'my-function'].flatMap((name) => [
        // Channel dispatcher and filter, activator and autoscaler, gateway; what they reach is queue-proxy.
        ...['knative-eventing', 'knative-serving', 'kourier-system'].map((one) => [of(one), own(name), 8012, true] as const),
        [of('monitoring'), own(name), 8080, true] as const,
        [of('monitoring'), own(name), 8012, false] as const,
        [of('shop'), own(name), 8012, false] as const,
        [own('exporter'), own(name), 8012, false] as const,
      ]),
      ...['correlator', 'reconciler'].map((name) => [own(name), part('redis'), 6379, true] as const),
      ...['exporter', 'my-function'].map((name) => [own(name), part('redis'), 6379, false] as const),
      [of('shop'), part('redis'), 6379, false],
      // The Jaeger of `dev`: the exporter, and each function that traces itself.
      ...['exporter', 'correlator', 'my-function'].map((name) => [own(name), part('jaeger'), 4318, true] as const),
      [of('knspan-demo'), part('jaeger'), 4318, true],
      [of('knative-eventing'), part('jaeger'), 4318, true],
      [of('shop'), part('jaeger'), 4318, false],
      [of('shop'), part('jaeger'), 16686, false],
    ];
    const wrong = flows.filter(([from, to, port, may]) => mayReach(policies, from, to, port) !== may);
    assert.deepEqual(wrong, []);
  });
});

describe('several clusters', () => {
  const clusterOf = (all: ReadonlyMap<string, unknown>) => at(all.get('ConfigMap/knspan'), 'data', 'KNSPAN_CLUSTER');
  /** Each cluster's name is the same in what the sources say and in what its reconciler says. */
  const saysItsName = (all: ReadonlyMap<string, unknown>) => {
    assert.deepEqual(names(all, 'ApiServerSource'), ['ApiServerSource/events', 'ApiServerSource/objects']);
    for (const source of ofKind(all, 'ApiServerSource'))
      assert.equal(at(source, 'spec', 'ceOverrides', 'extensions', 'cluster'), clusterOf(all));
  };
  const [central, member] = ['multi-cluster', 'member-cluster'].map((name) => rendered(join(overlays, name)));
  assert.ok(central && member);

  it('have different names, and each says its own', () => {
    saysItsName(central);
    saysItsName(member);
    assert.notEqual(clusterOf(central), clusterOf(member));
  });

  it('the central one takes objects, which is how it learns the owners of others', () => {
    assert.ok(central.has('Trigger/correlator-objects'));
  });

  it('a member has its sources and a reconciler, and sends to the central Broker', () => {
    const left = [...member.keys()].filter((key) => !['Namespace', 'ClusterRole', 'ClusterRoleBinding'].includes(kindOf(key)));
    assert.deepEqual(left.sort(), [
      'ApiServerSource/events',
      'ApiServerSource/objects',
      'ConfigMap/knspan',
      'PingSource/tick',
      'Service/reconciler',
      'ServiceAccount/event-source',
      'ServiceAccount/object-source',
      'ServiceAccount/reconciler',
      'SinkBinding/reconciler',
    ]);
    const sinks = [...ofKind(member, 'ApiServerSource'), ...ofKind(member, 'SinkBinding')].map((one) => at(one, 'spec', 'sink'));
    const broker = { uri: `https://events.central.example/${home}/events` };
    assert.deepEqual(sinks, [broker, broker, broker]);
    assert.deepEqual(at(member.get('PingSource/tick'), 'spec', 'sink'), {
      ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'reconciler' },
    });
  });

  it('the dead letters are the central one’s alone', () => {
    assert.equal(at(member.get('ConfigMap/knspan'), 'data', 'KNSPAN_SUBSCRIBERS'), undefined);
    assert.equal(typeof at(central.get('ConfigMap/knspan'), 'data', 'KNSPAN_SUBSCRIBERS'), 'string');
  });

  it('both leave out the same namespaces', () => {
    const excluded = [central, member].map((all) => at(all.get('ConfigMap/knspan'), 'data', 'KNSPAN_EXCLUDE_NAMESPACES'));
    assert.deepEqual(excluded, [home, home]);
  });
});
