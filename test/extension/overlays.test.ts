/** The overlays: patches as kustomize applies them, every extension with its Trigger, and sampling from Events to the backend. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { samples } from '../../functions/samples/index.ts';
import { noticesOf, playAll } from '../../shared/cli/local/replay-through-http.ts';
import { readWiring, WiringError } from '../../shared/dev-broker/read-wiring.ts';
import { loopsIn } from '../../shared/extension/loops.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { playHeartbeats, startLocal } from '../helpers/local-run.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { folderOf, loadCapture, pipelineOver } from '../helpers/trace.ts';

const knative = fileURLToPath(new URL('../../knative/', import.meta.url));
const overlays = ['sampling', 'redact', 'owner-team', 'alert'] as const;
const wiringOf = (overlay: string) => readWiring(join(knative, 'base'), join(knative, 'overlays', overlay));

describe('a folder with a kustomization', () => {
  async function read(files: Readonly<Record<string, unknown>>) {
    const folder = await mkdtemp(join(tmpdir(), 'knspan-'));
    try {
      for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), stringify(content));
      return await readWiring(join(knative, 'base'), folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  const patch = (spec: unknown, name = 'exporter-segments') => ({
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: { name, namespace: 'knspan' },
    spec,
  });
  const kustomization = { resources: ['../../base'], patches: [{ path: 'p.yaml' }] };
  const exporterOf = (wiring: Awaited<ReturnType<typeof read>>) => wiring.triggers.find(({ name }) => name === 'exporter-segments');

  it('patches: maps grow together, lists and texts are replaced, null removes', async () => {
    const spec = { filters: [{ exact: { type: 'x' } }], delivery: { retry: 1, deadLetterSink: null } };
    const trigger = exporterOf(await read({ 'kustomization.yaml': kustomization, 'p.yaml': patch(spec) }));
    assert.deepEqual(trigger?.filter, { kind: 'all', filters: [{ kind: 'exact', entries: [['type', 'x']] }] });
    assert.deepEqual([trigger?.delivery.retry, trigger?.delivery.timeoutMs, trigger?.delivery.deadLetterSink], [1, 10_000, null]);
    assert.equal(trigger?.broker, 'traces');
  });

  it('takes only the files that it lists', async () => {
    const stray = patch({ broker: 'nowhere', subscriber: { uri: 'http://x/' } }, 'stray');
    const wiring = await read({ 'kustomization.yaml': { resources: [] }, 'stray.yaml': stray });
    assert.equal(
      wiring.triggers.some(({ name }) => name === 'stray'),
      false,
    );
  });

  it('takes the manifests beside a function, and nothing of its packages, of hidden folders or of func', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'knspan-'));
    try {
      const trigger = patch({ broker: 'traces', subscriber: { uri: 'http://x/' } }, 'mine');
      for (const name of ['deploy', 'node_modules/one/.github', '.git']) await mkdir(join(folder, name), { recursive: true });
      for (const name of ['node_modules/one/.github/funding.yml', '.git/x.yaml', 'func.yaml'])
        await writeFile(join(folder, name), 'github: someone\n');
      await writeFile(join(folder, 'deploy/mine.yaml'), stringify(trigger));
      const wiring = await readWiring(join(knative, 'base'), folder);
      assert.ok(wiring.triggers.some(({ name }) => name === 'mine'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const refused: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    'wanted an object of this kind and name to patch': { 'kustomization.yaml': kustomization, 'p.yaml': patch({}, 'other') },
    "wanted a file of this folder, found 'p.yaml'": { 'kustomization.yaml': kustomization },
    "found the unknown field 'patchesJson6902'": { 'kustomization.yaml': { patchesJson6902: [] } },
    'wanted a patch without directives': { 'kustomization.yaml': kustomization, 'p.yaml': patch({ $patch: 'delete' }) },
  };
  for (const [reason, files] of Object.entries(refused)) {
    it(`refuses: ${reason}`, () => assert.rejects(read(files), (error) => error instanceof WiringError && error.message.includes(reason)));
  }
});

describe('the overlays', () => {
  it('are there', async () => {
    const names = (await readdir(join(knative, 'overlays'), { withFileTypes: true })).map(({ name }) => name);
    for (const name of [...overlays, 'demo']) assert.ok(names.includes(name), name);
  });

  for (const overlay of overlays) {
    it(`${overlay}: every function runs, none can loop, every dead letter has a place`, async () => {
      const wiring = await wiringOf(overlay);
      for (const { name, args } of wiring.services) {
        const extension = await samples[args[0] ?? '']?.();
        if (extension === undefined) continue;
        assert.equal(extension.name, name);
        assert.deepEqual(loopsIn(wiring, extension), []);
        const own = wiring.triggers.filter(({ subscriber }) => subscriber.kind === 'service' && subscriber.name === name);
        assert.ok(own.length > 0, `${name} has a Trigger`);
        for (const { delivery } of own) assert.equal(delivery.deadLetterSink?.kind, 'service');
        assert.ok(
          wiring.sinkBindings.some(({ subject }) => subject.name === name),
          `${name} has a SinkBinding`,
        );
      }
    });
  }
});

describe('sampling', () => {
  it('brings traces with heads to the backend whole, and of the others nothing', async () => {
    const capture = 'crashloop';
    const direct = pipelineOver((await loadCapture(capture, 'full')).objects);
    for (const observation of (await loadCapture(capture, 'full')).observations) direct.push(observation);
    const wanted = direct.finish().flatMap(({ spans }) => spans);
    const isHeads = ({ traceId }: { traceId: string }) => Number.parseInt(traceId.slice(-1), 16) % 2 === 0;
    assert.ok(wanted.some(isHeads) && !wanted.every(isHeads), 'the capture has both');
    const backend = new OtlpReceiver();
    const { events, objects } = await noticesOf([join(folderOf(capture), 'watch.jsonl')], [join(folderOf(capture), 'objects-watch.jsonl')]);
    const clock = new ManualClock(events[0]?.at ?? 0);
    const logged: string[] = [];
    const run = await startLocal({
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: await backend.start(),
        KNSPAN_CLUSTER: 'test',
        KNSPAN_LOOKUPS: 'false',
        KNSPAN_TICK_WAITS: '5m',
      },
      clock,
      logLevel: 'error',
      log: (line) => logged.push(line),
      port: 0,
      host: '127.0.0.1',
      correlators: 1,
      exports: true,
      reconciles: false,
      beats: false,
      overlays: ['sampling'],
    });
    const { sendAll } = await import('../../shared/cli/live/apiserver-notifications.ts');
    await sendAll(run.url, objects, 8);
    await playAll(run, clock, events);
    await run.close();
    await backend.stop();
    assert.deepEqual(logged, []);
    const ids = (spans: readonly { spanId: string }[]) => spans.map(({ spanId }) => spanId).sort();
    assert.deepEqual(ids(backend.taken), ids(wanted.filter(isHeads)));
  });
});

describe('the game of heartbeats', () => {
  it('ends each game with tails; what was flipped is what was shown', async () => {
    const lines: string[] = [];
    const logged: string[] = [];
    const environment = { KNSPAN_HEARTBEAT_PERIOD: '1ms' };
    const figures = await playHeartbeats({ environment, beats: 20, write: (line) => lines.push(line), log: (line) => logged.push(line) });
    assert.deepEqual(figures.shown, { ...figures.flipped });
    // Sixteen heads in a row end a game too: once in 65,536.
    assert.ok((figures.flipped['tails'] ?? 0) >= 19);
    assert.equal(lines.length, (figures.flipped['heads'] ?? 0) + (figures.flipped['tails'] ?? 0));
    assert.deepEqual(logged, []);
  });
});
