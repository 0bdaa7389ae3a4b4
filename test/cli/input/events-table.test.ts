/** The tables that kubectl prints of Events, of its versions and options, read back as far as they go. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventsTable } from '../../../shared/cli/input/events-table.ts';
import { load } from '../../../shared/cli/input/load-input.ts';
import type { Observation } from '../../../shared/events/observation.ts';
import { eventJson } from '../../helpers/event.ts';
import { collect, withFile } from '../../helpers/reading.ts';

const now = Date.UTC(2026, 0, 31, 12) * 1_000;
const second = 1_000_000;
const minute = 60 * second;
const hour = 60 * minute;

async function rowsOf(text: string, printed = new Date(now / 1_000)): Promise<Observation[]> {
  const items = await withFile('events.txt', text, (path) => collect([path]), printed);
  return items.flatMap((item) => (item.type === 'event' && item.isRow ? [item.observation] : []));
}

const brief = ({ namespace, involved, reason, message, n }: Observation) => [
  namespace,
  `${involved.kind}/${involved.name}`,
  reason,
  message,
  n,
];

describe('kubectl get events', () => {
  test('plain', async () => {
    const rows = await rowsOf(`LAST SEEN   TYPE      REASON              OBJECT                       MESSAGE
2m          Normal    Scheduled           pod/web-5d8f7c9b4d-x2x       Successfully assigned shop/web-5d8f7c9b4d-x2x to n1
89s         Warning   FailedScheduling    pod/web-5d8f7c9b4d-y1y       0/3 nodes are available: 3 Insufficient cpu.
3m12s       Normal    ScalingReplicaSet   deployment/web               Scaled up replica set web-5d8f7c9b4d to 2
2d3h        Normal    NodeReady           node/n1                      Node n1 status is now: NodeReady
`);
    assert.deepEqual(rows.map(brief), [
      ['', 'Pod/web-5d8f7c9b4d-x2x', 'Scheduled', 'Successfully assigned shop/web-5d8f7c9b4d-x2x to n1', 1],
      ['', 'Pod/web-5d8f7c9b4d-y1y', 'FailedScheduling', '0/3 nodes are available: 3 Insufficient cpu.', 1],
      ['', 'Deployment/web', 'ScalingReplicaSet', 'Scaled up replica set web-5d8f7c9b4d to 2', 1],
      ['', 'Node/n1', 'NodeReady', 'Node n1 status is now: NodeReady', 1],
    ]);
    // An age was cut: the truth lies up to one unit earlier.
    assert.deepEqual(
      rows.map(({ last }) => last),
      [
        { at: now - 3 * minute, uncertainty: minute },
        { at: now - 90 * second, uncertainty: second },
        { at: now - 193 * second, uncertainty: second },
        { at: now - 52 * hour, uncertainty: hour },
      ],
    );
    assert.deepEqual(
      rows.map(({ type }) => type),
      ['Normal', 'Warning', 'Normal', 'Normal'],
    );
  });

  test('-A', async () => {
    const [row] = await rowsOf(`NAMESPACE     LAST SEEN   TYPE     REASON    OBJECT           MESSAGE
kube-system   5m          Normal   Pulled    pod/coredns-x1   Container image "coredns:1.11" already present on machine
`);
    assert.deepEqual(row && brief(row), [
      'kube-system',
      'Pod/coredns-x1',
      'Pulled',
      'Container image "coredns:1.11" already present on machine',
      1,
    ]);
  });

  test('-o wide: reporter, container, count, name', async () => {
    const [row] =
      await rowsOf(`LAST SEEN   TYPE      REASON    OBJECT      SUBOBJECT               SOURCE          MESSAGE                                FIRST SEEN   COUNT   NAME
3m          Warning   BackOff   pod/web-1   spec.containers{app}    kubelet, n1     Back-off restarting failed container   63m          258     web-1.17a1
3m          Normal    Pulled    pod/web-1                           kubelet, n1     Image is there                         3m           1       web-1.17a2
`);
    assert.ok(row);
    assert.deepEqual([row.reporter, row.instance, row.container, row.n, row.name], ['kubelet', 'n1', 'app', 258, 'web-1.17a1']);
    assert.deepEqual(row.first, { at: now - 64 * minute, uncertainty: minute });
  });

  test('rows of a table that was followed do not stand below their titles', async () => {
    const rows = await rowsOf(`LAST SEEN   TYPE     REASON   OBJECT   MESSAGE
0s          Normal   SuccessfulCreate   replicaset/web-5d8f7c9b4d   Created pod: web-5d8f7c9b4d-x2x
0s          Normal   Pulled             pod/web-5d8f7c9b4d-x2x      Container image "a"  already present
`);
    assert.deepEqual(rows.map(brief), [
      ['', 'ReplicaSet/web-5d8f7c9b4d', 'SuccessfulCreate', 'Created pod: web-5d8f7c9b4d-x2x', 1],
      ['', 'Pod/web-5d8f7c9b4d-x2x', 'Pulled', 'Container image "a"  already present', 1],
    ]);
  });

  test('-o wide: the name has the first time exactly, where it is not an older one', async () => {
    const at = now - 190 * second - 543_211;
    const name = (micros: number) => `web-1.${(BigInt(micros) * 1_000n).toString(16)}`;
    const rows = await rowsOf(`LAST SEEN   TYPE      REASON    OBJECT      SUBOBJECT   SOURCE        MESSAGE   FIRST SEEN   COUNT   NAME
3m10s       Normal    Started   pod/web-1               kubelet, n1   started   3m10s        1       ${name(at)}
10s         Warning   BackOff   pod/web-1               kubelet, n1   back-off  3m           2       ${name(at)}
10s         Warning   BackOff   pod/web-1               kubelet, n1   back-off  3m           2       ${name(at - 30 * minute)}
`);
    assert.deepEqual(
      rows.map(({ first }) => first),
      [
        { at, uncertainty: 0 },
        { at, uncertainty: 0 },
        { at: now - 4 * minute, uncertainty: minute },
      ],
    );
    assert.deepEqual(
      rows.map(({ last }) => last.uncertainty),
      [0, minute, minute],
    );
  });

  test('of kubectl 1.11, with the kind in a column of its own', async () => {
    const [row] =
      await rowsOf(`LAST SEEN   FIRST SEEN   COUNT     NAME                     KIND         SUBOBJECT               TYPE      REASON      SOURCE          MESSAGE
1m          10m          7         web-1.15b2d6cf1e8b5a9c   Pod          spec.containers{app}    Warning   Unhealthy   kubelet, n1     Readiness probe failed
`);
    assert.deepEqual(row && brief(row), ['', 'Pod/web-1', 'Unhealthy', 'Readiness probe failed', 7]);
  });
});

test('kubectl events: the count in the age, kinds as they are spelled', async () => {
  const rows = await rowsOf(`NAMESPACE   LAST SEEN               TYPE      REASON      OBJECT               MESSAGE
shop        10s (x5 over 10m)       Warning   Unhealthy   Pod/web-1            Liveness probe failed
flux        35m                     Normal    Progressing HelmRelease/podinfo  upgrade
`);
  assert.deepEqual(rows.map(brief), [
    ['shop', 'Pod/web-1', 'Unhealthy', 'Liveness probe failed', 5],
    ['flux', 'HelmRelease/podinfo', 'Progressing', 'upgrade', 1],
  ]);
  assert.deepEqual(rows[0]?.last, { at: now - 11 * second, uncertainty: minute });
  assert.deepEqual(rows[0]?.first, { at: now - 11 * minute, uncertainty: minute });
});

describe('in text', () => {
  const table = 'LAST SEEN   TYPE     REASON    OBJECT      MESSAGE\n2m          Normal   Started   pod/web-1   Started container app\n';

  test('between commands, which name the namespace; other tables are none', async () => {
    const rows = await rowsOf(`$ kubectl get pods
NAME    READY   STATUS    RESTARTS   AGE
web-1   1/1     Running   0          2m
$ kubectl get events -n shop --sort-by=.lastTimestamp
${table}
$ kubectl get deploy
NAME   READY   UP-TO-DATE   AVAILABLE   AGE
web    1/1     1            1           2m
`);
    assert.deepEqual(rows.map(brief), [['shop', 'Pod/web-1', 'Started', 'Started container app', 1]]);
  });

  test('the same Events as JSON count, in their namespace', async () => {
    const other = table.replace('LAST', 'NAMESPACE   LAST').replace('2m ', 'other       2m ');
    const load1 = (text: string) => withFile('events.txt', text, (path) => load([path], { objects: [], stdin: process.stdin }));
    const alone = await load1(table);
    assert.deepEqual([alone.observations.length, alone.counts.repeatedRows], [1, 0]);
    const beside = await load1(`${JSON.stringify(eventJson())}\n${table}`);
    assert.deepEqual([beside.observations.length, beside.counts.repeatedRows], [1, 1]);
    const elsewhere = await load1(`${other}\n${JSON.stringify(eventJson())}`);
    assert.deepEqual([elsewhere.observations.length, elsewhere.counts.repeatedRows], [2, 0]);
  });

  test('--now stands over the date of the file', async () => {
    const items = await withFile('events.txt', table, (path) => collect([path], undefined, now), new Date(0));
    assert.ok(items[0]?.type === 'event' && items[0].observation.last.at === now - 3 * minute);
  });
});

test('EventsTable: no header of anything else', () => {
  for (const header of ['NAME   READY   STATUS   REASON   MESSAGE', 'REASON MESSAGE', 'LAST SEEN  TYPE', 'the REASON of this MESSAGE', ''])
    assert.equal(EventsTable.open(header, now, ''), null, header);
});
