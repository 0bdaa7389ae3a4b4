/** Objects from YAML: what is read, what is refused and in which words, and that the real files under knative/ are as the design says. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { createLocalBroker } from '../../shared/dev-broker/index.ts';
import { parseWiring, readWiring, WiringError } from '../../shared/dev-broker/read-wiring.ts';
import { sinkOf } from '../../shared/dev-broker/wiring.ts';
import { parseDuration } from '../../shared/dev-broker/wiring-objects.ts';
import { Log } from '../../shared/process/log.ts';
import { Metrics } from '../../shared/process/metrics.ts';
import { eventHeaders } from '../helpers/broker.ts';
import { PacedClock } from '../helpers/paced-clock.ts';
import { Subscriber } from '../helpers/subscriber.ts';

const base = fileURLToPath(new URL('../../knative/base', import.meta.url));
const service = (name: string) => ({ apiVersion: 'serving.knative.dev/v1', kind: 'Service', name });
const objects = {
  broker: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', metadata: { name: 'b', namespace: 'n' } },
  service: {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 's', namespace: 'n' },
    spec: { template: { spec: { containers: [{ image: 'x' }] } } },
  },
};
const trigger = (spec: unknown) => ({
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Trigger',
  metadata: { name: 't', namespace: 'n' },
  spec,
});
const good = { broker: 'b', subscriber: { ref: service('s') } };
const wiringOf = (...all: unknown[]) => parseWiring([{ file: 'a.yaml', text: all.map((one) => stringify(one)).join('---\n') }]);
const refusalOf = (...all: unknown[]): string => {
  try {
    wiringOf(...all);
  } catch (error) {
    if (error instanceof WiringError) return error.message;
    throw error;
  }
  return '';
};

describe('what is read', () => {
  test('a Trigger with everything', () => {
    const delivery = { retry: 3, backoffPolicy: 'linear', backoffDelay: 'PT0.5S', timeout: 'PT10S', retryAfterMax: 'PT1M', format: 'json' };
    const sink = { deadLetterSink: { uri: 'http://dead.example/x' } };
    const subscriber = { ref: service('s'), uri: '/in' };
    const [read] = wiringOf(objects.broker, objects.service, trigger({ ...good, subscriber, delivery: { ...delivery, ...sink } })).triggers;
    assert.deepEqual(read, {
      namespace: 'n',
      name: 't',
      broker: 'b',
      filter: { kind: 'all', filters: [] },
      subscriber: { kind: 'service', namespace: 'n', name: 's', path: '/in' },
      delivery: {
        retry: 3,
        backoffPolicy: 'linear',
        backoffDelayMs: 500,
        timeoutMs: 10_000,
        deadLetterSink: { kind: 'uri', uri: 'http://dead.example/x' },
        retryAfterMaxMs: 60_000,
        format: 'json',
      },
    });
  });

  test("a Broker without delivery gets the webhook's", () => {
    const [broker] = wiringOf(objects.broker).brokers;
    assert.deepEqual([broker?.delivery.retry, broker?.delivery.backoffDelayMs, broker?.isAsync], [10, 200, false]);
  });

  test('a folder: several files and documents, other kinds passed over', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'knspan-'));
    try {
      await writeFile(join(folder, 'a.yaml'), `${stringify(objects.broker)}---\n${stringify(objects.service)}---\n`);
      await writeFile(join(folder, 'b.yml'), stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }));
      await writeFile(join(folder, 'c.txt'), 'no: [yaml');
      const wiring = await readWiring(folder);
      assert.deepEqual([wiring.brokers.length, wiring.services.length], [1, 1]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('durations', () => {
    const known: readonly (readonly [string, number | null])[] = [
      ['PT0.5S', 500],
      ['PT10S', 10_000],
      ['PT1M30S', 90_000],
      ['P1DT2H', 93_600_000],
      ['P2W', 1_209_600_000],
      ['PT', null],
      ['P', null],
      ['10s', null],
      ['P1M', null],
      ['-PT1S', null],
      ['', null],
    ];
    for (const [text, ms] of known) assert.equal(parseDuration(text), ms, text);
  });
});

describe('what is refused: file, object, field, what is there, what was wanted', () => {
  const faulty: readonly (readonly [what: string, objects: readonly unknown[], message: string])[] = [
    [
      'an unknown Broker',
      [objects.service, trigger(good)],
      "Cannot use Trigger n/t, spec.broker: wanted a Broker of the files, found 'n/b'",
    ],
    [
      'an unknown Service',
      [objects.broker, trigger(good)],
      "Cannot use Trigger n/t, spec.subscriber: wanted a Knative Service of the files, found 'n/s'",
    ],
    [
      'no subscriber',
      [objects.broker, trigger({ broker: 'b' })],
      "Cannot use a.yaml, Trigger n/t, spec.subscriber: wanted a 'ref', or a 'uri' that begins with http:// or https://, found nothing",
    ],
    [
      'a bad number',
      [objects.broker, trigger({ ...good, delivery: { retry: -1 } })],
      'Cannot use a.yaml, Trigger n/t, spec.delivery.retry: wanted a whole number from 0 to 1000, found -1',
    ],
    [
      'a bad duration',
      [objects.broker, trigger({ ...good, delivery: { backoffDelay: '1s' } })],
      "Cannot use a.yaml, Trigger n/t, spec.delivery.backoffDelay: wanted an ISO 8601 duration such as PT0.5S, found '1s'",
    ],
    [
      'a bad policy',
      [objects.broker, trigger({ ...good, delivery: { backoffPolicy: 'x' } })],
      "Cannot use a.yaml, Trigger n/t, spec.delivery.backoffPolicy: wanted one of exponential, linear, found 'x'",
    ],
    [
      'a slip',
      [objects.broker, trigger({ ...good, delivery: { retries: 1 } })],
      "spec.delivery.retries: wanted one of retry, backoffPolicy, backoffDelay, timeout, deadLetterSink, retryAfterMax, format, found the unknown field 'retries'",
    ],
    [
      'another kind of Service',
      [objects.broker, trigger({ ...good, subscriber: { ref: { ...service('s'), apiVersion: 'v2' } } })],
      "spec.subscriber.ref.apiVersion: wanted one of serving.knative.dev/v1, v1, found 'v2'",
    ],
    [
      'a whole URL beside a reference',
      [objects.broker, objects.service, trigger({ ...good, subscriber: { ref: service('s'), uri: 'http://x/dead-letters' } })],
      "spec.subscriber.uri: wanted a path beside 'ref', found 'http://x/dead-letters'",
    ],
    [
      'twice the same',
      [objects.broker, objects.broker],
      'Cannot use n/b: wanted each object once, found a second eventing.knative.dev/v1 Broker n/b',
    ],
    [
      'a bad schedule',
      [
        {
          apiVersion: 'sources.knative.dev/v1',
          kind: 'PingSource',
          metadata: { name: 'p' },
          spec: { schedule: '@every 5s', sink: { uri: 'http://x/' } },
        },
      ],
      "Cannot use a.yaml, PingSource p, spec.schedule: Cannot read the schedule '@every 5s': wanted 5 fields",
    ],
    ['no object', ['hello'], "Cannot use a.yaml: wanted a Kubernetes object with a 'kind'"],
  ];
  for (const [what, all, message] of faulty)
    test(what, () => assert.ok(refusalOf(...all).includes(message), `${refusalOf(...all)}\nwanted ${message}`));

  test('no YAML, and aliases that multiply', () => {
    assert.throws(() => parseWiring([{ file: 'a.yaml', text: 'a: [' }]), /Cannot use a\.yaml: wanted YAML, found: /);
    const many = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index]}`)}]`),
    ];
    assert.throws(() => parseWiring([{ file: 'a.yaml', text: many.join('\n') }]), /Cannot use a\.yaml: .*alias/i);
  });

  test('all faults at once', () =>
    assert.equal(
      refusalOf(objects.broker, objects.service, trigger({ ...good, delivery: { retry: 'x', timeout: 'y' } })).split('\n').length,
      2,
    ));

  test('any JSON as the spec of a Trigger is read or refused in sentences', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (spec) => {
        assert.match(refusalOf(objects.broker, trigger(spec)), /^Cannot use /);
      }),
      { numRuns: 300 },
    );
  });
});

describe('knative/base', () => {
  const resource = 'dev.knative.apiserver.resource';
  const ticks = 'dev.knative.sources.ping';

  test('each Trigger has its own delivery and dead letter sink', async () => {
    const { triggers } = await readWiring(base);
    assert.equal(triggers.length, 6);
    for (const { name, delivery, subscriber } of triggers) {
      const { deadLetterSink, ...rest } = delivery;
      assert.deepEqual(
        rest,
        {
          retry: name === 'exporter-segments' || name === 'reconciler-gap' ? 1 : 3,
          backoffDelayMs: 500,
          timeoutMs: 10_000,
          backoffPolicy: 'exponential',
          retryAfterMaxMs: null,
          format: 'binary',
        },
        name,
      );
      assert.deepEqual(
        deadLetterSink,
        {
          kind: 'service',
          namespace: 'knspan',
          name: 'reconciler',
          path: `/dead-letters/${subscriber.kind === 'service' ? subscriber.name : ''}`,
        },
        name,
      );
    }
  });

  test('two Brokers, one asynchronous; sinks, source and functions', async () => {
    const wiring = await readWiring(base);
    assert.deepEqual(
      wiring.brokers.map(({ name, isAsync }) => [name, isAsync]),
      [
        ['events', true],
        ['traces', false],
      ],
    );
    assert.deepEqual(sinkOf(wiring, 'correlator'), { kind: 'broker', namespace: 'knspan', name: 'traces' });
    assert.deepEqual(sinkOf(wiring, 'reconciler'), { kind: 'broker', namespace: 'knspan', name: 'events' });
    assert.equal(sinkOf(wiring, 'exporter'), undefined);
    assert.deepEqual(
      wiring.services.map(({ name, args }) => [name, args]),
      [
        ['correlator', ['correlator']],
        ['exporter', ['exporter']],
        ['reconciler', ['reconciler']],
      ],
    );
    const [source] = wiring.apiServerSources;
    assert.deepEqual([source?.mode, source?.allNamespaces, source?.resources], ['Resource', true, [{ apiVersion: 'v1', kind: 'Event' }]]);
    assert.equal(wiring.pingSources[0]?.schedule.next(Date.UTC(2025, 0, 1, 0, 1)), Date.UTC(2025, 0, 1, 0, 5));
  });

  const routes: readonly (readonly [broker: string, attributes: Readonly<Record<string, string>>, to: readonly string[]])[] = [
    ['events', { type: `${resource}.add`, kind: 'Event', namespace: 'shop' }, ['correlator']],
    ['events', { type: `${resource}.update`, kind: 'Event', namespace: 'shop' }, ['correlator']],
    ['events', { type: `${resource}.delete`, kind: 'Event', namespace: 'shop' }, []],
    ['events', { type: `${resource}.add`, kind: 'Event', namespace: 'knspan' }, []],
    ['events', { type: `${resource}.update`, kind: 'Event', namespace: 'knspan' }, []],
    ['events', { type: `${resource}.add`, kind: 'Pod', namespace: 'shop' }, []],
    ['events', { type: 'dev.knspan.event.missed', namespace: 'shop' }, ['correlator']],
    ['events', { type: ticks }, ['correlator', 'reconciler']],
    ['events', { type: 'dev.knspan.trace.segment' }, []],
    ['traces', { type: 'dev.knspan.trace.segment' }, ['exporter']],
    ['traces', { type: 'dev.knspan.trace.segment.flipped', flip: 'heads' }, []],
    ['traces', { type: ticks }, []],
  ];

  test('who gets what, over real HTTP', async () => {
    const subscribers = new Map<string, Subscriber>();
    for (const name of ['correlator', 'exporter', 'reconciler']) subscribers.set(name, await Subscriber.start());
    const clock = new PacedClock(undefined, 4_000);
    const log = new Log({ function: 'broker', write: () => undefined });
    const urlOf = (name: string) => subscribers.get(name)?.url ?? '';
    const broker = await createLocalBroker({
      wiring: await readWiring(base),
      urlOf,
      log,
      metrics: new Metrics(),
      clock,
      random: () => 0,
      pings: false,
    });
    try {
      for (const [index, [to, attributes, wanted]] of routes.entries()) {
        const id = `route-${index}`;
        assert.equal(
          (await fetch(broker.urlOf(to), { method: 'POST', headers: eventHeaders({ ...attributes, id }) })).status,
          202,
          `${to} ${JSON.stringify(attributes)}`,
        );
        await broker.idle();
        const got = [...subscribers].filter(([, one]) => one.header('ce-id').includes(id)).map(([name]) => name);
        assert.deepEqual(got, wanted, `${to} ${JSON.stringify(attributes)}`);
      }
      await broker.tick();
      await broker.idle();
      assert.deepEqual(subscribers.get('reconciler')?.header('ce-source').at(-1), '/apis/v1/namespaces/knspan/pingsources/tick');
      assert.equal(broker.sinkOf('correlator'), broker.urlOf('traces'));
    } finally {
      await broker.stop();
      for (const one of subscribers.values()) await one.stop();
    }
  });
});
