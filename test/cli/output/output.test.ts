/** Destinations of traces: terminal, file, backend; filters, service names, and messages about failures. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { field, listField, textField } from '../../../shared/events/json.ts';
import { crashloop, knspan, receiver, rollout, spansIn } from '../../helpers/cli.ts';
import { eventJson } from '../../helpers/event.ts';
import { FakeApiServer } from '../../helpers/fake-api-server.ts';

/** A device that is always full. */
const full = '/dev/full';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knspan-output-'));
});
after(() => rm(folder, { recursive: true }));

/** `service.name` -> names of its spans. */
function servicesIn(lines: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of lines.trimEnd().split('\n'))
    for (const resource of listField(JSON.parse(line), 'resourceSpans', 1_000)) {
      const attributes = listField(field(resource, 'resource'), 'attributes', 100);
      const named = attributes.find((one) => field(one, 'key') === 'service.name');
      const service = textField(field(named, 'value'), 'stringValue');
      const spans = listField(resource, 'scopeSpans', 100).flatMap((scope) => listField(scope, 'spans', 10_000));
      found.set(service, [...(found.get(service) ?? []), ...spans.map((span) => textField(span, 'name'))]);
    }
  return found;
}

describe('where traces go', () => {
  test('--format otlp-json --out: every line is a request', async () => {
    const path = join(folder, 'out.jsonl');
    const { status, out } = await knspan(['replay', crashloop, '--format', 'otlp-json', '--out', path, '--cluster', 'c1']);
    assert.deepEqual([status, out], [0, '']);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    assert.ok(lines.length > 2);
    for (const line of lines) for (const span of spansIn(line)) assert.match(textField(span, 'traceId'), /^[0-9a-f]{32}$/);
    assert.ok(lines.every((line) => spansIn(line).length > 0 && line.includes('k8s.cluster.name')));
  });

  test('an --out that cannot be written: exit 2 with a sentence', async () => {
    const { status, err } = await knspan(['replay', crashloop, '--out', join(folder, 'none', 'x.txt')]);
    assert.equal(status, 2, err);
    assert.match(err, /Cannot write '.*x\.txt': /);
    assert.doesNotMatch(err, /^ +at /m);
  });

  for (const suffix of ['', '/', '/v1/traces'])
    test(`--otlp URL${suffix}: the spans arrive`, async () => {
      const backend = await receiver(200);
      const { status, out, err } = await knspan(['replay', crashloop, '--otlp', backend.url + suffix]);
      backend.close();
      assert.deepEqual([status, out], [0, ''], err);
      const count = Number(/(\d+) spans/.exec(err)?.[1]);
      assert.ok(count > 20);
      assert.equal(backend.bodies.flatMap(spansIn).length, count);
      assert.ok(backend.paths.every((path) => path === '/v1/traces'));
    });

  test('the standard variable names a backend', async () => {
    const backend = await receiver(200);
    const { status } = await knspan(['replay', crashloop], { env: { OTEL_EXPORTER_OTLP_ENDPOINT: backend.url } });
    backend.close();
    assert.equal(status, 0);
    assert.ok(backend.bodies.flatMap(spansIn).length > 20);
  });

  test('a backend that refuses, and none at all: exit 3 with a sentence', async () => {
    const backend = await receiver(400);
    const broken = await receiver(500);
    const none = await receiver(200);
    none.close();
    const env = { OTEL_EXPORTER_OTLP_TIMEOUT: '3000' };
    for (const { url } of [backend, broken, none]) {
      const { status, err } = await knspan(['replay', crashloop, '--otlp', url], { env });
      assert.equal(status, 3, err);
      assert.match(err, /^Cannot deliver \d+ spans to the OTLP backend: \S.*$/m);
      assert.doesNotMatch(err, /^ +at /m);
    }
    backend.close();
    broken.close();
  });

  for (const view of ['tree', 'list'])
    test(`--otlp with an explicit --view ${view} prints as well`, async () => {
      const backend = await receiver(200);
      const [both, printed] = await Promise.all([
        knspan(['replay', crashloop, '--otlp', backend.url, '--view', view]),
        knspan(['replay', crashloop, '--view', view]),
      ]);
      backend.close();
      assert.deepEqual([both.status, both.out], [0, printed.out]);
      assert.ok(both.out.length > 0 && backend.bodies.flatMap(spansIn).length > 20);
    });

  test('a disk that is full: exit 2 with a sentence, for one trace and for many', async () => {
    if (!existsSync(full)) return;
    const one = join(folder, 'one.json');
    await writeFile(one, JSON.stringify(eventJson()));
    for (const args of [
      ['replay', one],
      ['replay', crashloop, '--format', 'otlp-json'],
    ]) {
      const { status, err } = await knspan([...args, '--out', full]);
      assert.deepEqual([status, err], [2, "Cannot write '/dev/full': ENOSPC: no space left on device, write\n"]);
    }
  });
});

describe('under which service roots go', () => {
  const args = ['replay', rollout, '--format', 'otlp-json', '--quiet'];
  for (const [what, more, env, wanted] of [
    ['by default', [], {}, 'knspan'],
    ['by KNSPAN_ROOT_SERVICE', [], { KNSPAN_ROOT_SERVICE: 'changes' }, 'changes'],
    ['by --root-service, whatever the variable says', ['--root-service', 'mine'], { KNSPAN_ROOT_SERVICE: 'changes' }, 'mine'],
    ['with an empty variable', [], { KNSPAN_ROOT_SERVICE: '' }, 'knspan'],
  ] as const)
    test(`${what}: ${wanted}`, async () => {
      const { status, out } = await knspan([...args, ...more], { env });
      assert.equal(status, 0);
      const services = servicesIn(out);
      assert.deepEqual(services.get(wanted)?.toSorted(), [
        'Deployment cart: create',
        'Deployment cart: rollback',
        'Deployment cart: rollout',
      ]);
      assert.ok((services.get('kubelet') ?? []).length > 0);
      assert.equal([...services.values()].flat().filter((name) => name.startsWith('Deployment cart: ')).length, 3);
    });
});

describe('what is counted', () => {
  /** An event without cause or effect, and a pod that starts. */
  async function orphans(count: number): Promise<string> {
    const path = join(folder, `orphans-${count}.jsonl`);
    const lines = [eventJson()];
    for (let index = 0; index < count; index += 1)
      lines.push(
        eventJson({
          metadata: { name: `n${index}`, uid: `orphan-${index}` },
          involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'leader' },
          reason: 'LeaderElection',
          message: 'web-1 became leader',
        }),
      );
    await writeFile(path, lines.map((line) => JSON.stringify(line)).join('\n'));
    return path;
  }

  test('--orphans drop says how many were dropped', async () => {
    for (const [count, said] of [
      [0, '0 events'],
      [1, '1 event'],
      [7, '7 events'],
    ] as const) {
      const path = await orphans(count);
      const { out, err } = await knspan(['replay', path, '--orphans', 'drop', '--view', 'list']);
      assert.equal(out.split('\n').length, 2, out);
      assert.match(err, new RegExp(`1 trace shown, 0 failed, 2 spans; ${said} without cause or effect dropped\n$`));
    }
    const digest = await knspan(['replay', await orphans(7), '--view', 'list']);
    assert.equal(digest.out.split('\n').length, 3);
    assert.doesNotMatch(digest.err, /dropped/);
    const each = await knspan(['replay', await orphans(7), '--orphans', 'each', '--view', 'list']);
    assert.equal(each.out.split('\n').length, 9);
  });

  test('one of each is said in the singular', async () => {
    const path = join(folder, 'single.json');
    await writeFile(path, JSON.stringify(eventJson()));
    const one = await knspan(['replay', path]);
    assert.equal(one.err, '1 event read; 1 trace shown, 0 failed, 2 spans\n');
    assert.match(one.out, / {3}1 event$/m);
    await writeFile(path, `${JSON.stringify(eventJson())}\n{broken`);
    assert.match((await knspan(['replay', path])).err, /^7 bytes of text not understood$/m);
    assert.equal((await knspan(['find', 'pod/nobody', path])).err, 'No trace of pod/nobody among 1 event\n');
  });
});

describe('watch', () => {
  /** A cluster where a pod was scheduled and then failed long ago. */
  async function cluster(failing: boolean): Promise<{ server: FakeApiServer; env: Readonly<Record<string, string>> }> {
    const server = new FakeApiServer();
    const config = await server.start();
    const said = {
      involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'p1', fieldPath: 'spec.containers{app}' },
      source: { component: 'kubelet' },
    };
    const began = Date.now() - 3 * 3_600_000;
    const steps: readonly (readonly [string, string])[] = [
      ['Scheduled', 'Successfully assigned shop/web-1 to node-1'],
      ['Created', 'Created container app'],
      failing ? ['Failed', 'Error: secret "web" not found'] : ['Started', 'Started container app'],
    ];
    for (const [second, [reason, message]] of steps.entries()) {
      const at = new Date(began + second * 1_000).toISOString();
      server.put('/api/v1/events', `e${second}`, { ...said, reason, message, firstTimestamp: at, lastTimestamp: at, count: 1 });
    }
    const path = join(folder, `kubeconfig-${failing}.json`);
    await writeFile(path, config.exportConfig());
    return { server, env: { KUBECONFIG: path } };
  }

  for (const failing of [true, false])
    test(`--exit-code with ${failing ? 'a failed trace' : 'none that failed'}`, async () => {
      const { server, env } = await cluster(failing);
      const watch = ['watch', '--for', '1s', '--since', '4h', '--view', 'list'];
      const [plain, told] = await Promise.all([knspan(watch, { env }), knspan([...watch, '--exit-code'], { env })]);
      await server.stop();
      assert.deepEqual([plain.status, told.status], [0, failing ? 1 : 0], told.err);
      assert.match(told.out, failing ? / failed .*Pod shop\/web-1/ : / ok .*Pod shop\/web-1/);
      assert.match(told.err, new RegExp(`^1 trace shown, ${failing ? 1 : 0} failed, \\d+ spans?; 0 occurrences not settled yet$`, 'm'));
    });

  test('an --out that fails ends it with exit 2 and a sentence', async () => {
    if (!existsSync(full)) return;
    const { server, env } = await cluster(true);
    const { status, err } = await knspan(['watch', '--since', '4h', '--out', full], { env });
    await server.stop();
    assert.equal(status, 2);
    assert.match(err, /^Cannot write '\/dev\/full': ENOSPC/m);
  });
});
