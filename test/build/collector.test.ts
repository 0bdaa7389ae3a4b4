/** The Collector's configuration of the overlay `runtime`: by the Collector itself where there is one, in any case by its parts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { top } from '../../shared/build/manifests.ts';
import { readObjects } from '../../shared/dev-broker/kustomize.ts';
import { field, isJson, textField } from '../../shared/events/json.ts';

/** On the PATH, or as the test cluster has built it. */
function collector(): string | undefined {
  const named = process.env['KNSPAN_TEST_COLLECTOR'];
  const built = join(process.env['KSPAN_CLUSTER_HOME'] ?? join(homedir(), '.cache/kspan-cluster'), 'bin');
  const folders = existsSync(built) ? readdirSync(built).filter((name) => name.startsWith('otel-collector-')) : [];
  const files = [named, ...folders.map((folder) => join(built, folder, 'otel-collector'))];
  const onPath = ['otelcol-contrib', 'otelcol'].filter((name) => spawnSync(name, ['--version']).status === 0);
  return files.find((file) => file !== undefined && existsSync(file)) ?? onPath[0];
}

async function configuration(): Promise<string> {
  const objects = await readObjects([join(top, 'knative/overlays/runtime')], []);
  const map = objects.find(
    ({ value }) => textField(value, 'kind') === 'ConfigMap' && textField(field(value, 'metadata'), 'name') === 'otel-collector',
  );
  return textField(field(map?.value, 'data'), 'config.yaml', 100_000);
}

const keysOf = (value: unknown) => (isJson(value) ? Object.keys(value) : []);

describe('the Collector of the overlay runtime', () => {
  it('has a configuration that the Collector takes', async (test) => {
    const text = await configuration();
    const program = collector();
    if (program === undefined) {
      test.diagnostic('NO COLLECTOR HERE: its configuration was checked by its parts alone (KNSPAN_TEST_COLLECTOR names one)');
      process.stderr.write('collector.test.ts: no OpenTelemetry Collector here, the configuration was not checked by it\n');
      return;
    }
    const folder = mkdtempSync(join(tmpdir(), 'knspan-collector-'));
    try {
      const file = join(folder, 'config.yaml');
      writeFileSync(file, text);
      const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://jaeger.knspan:4318' };
      const { status, stdout, stderr } = spawnSync(program, ['validate', `--config=${file}`], { encoding: 'utf8', env });
      assert.equal(status, 0, `${stdout}${stderr}`);
      writeFileSync(file, text.replace('decision_wait', 'decision_waits'));
      assert.notEqual(spawnSync(program, ['validate', `--config=${file}`], { env }).status, 0, 'a wrong one is refused');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('uses in its pipeline what it defines, and nothing else', async () => {
    const config: unknown = parse(await configuration());
    const pipelines = field(field(config, 'service'), 'pipelines');
    assert.deepEqual(keysOf(pipelines), ['traces']);
    for (const part of ['receivers', 'processors', 'exporters'])
      assert.deepEqual(field(field(pipelines, 'traces'), part), keysOf(field(config, part)), part);
    assert.deepEqual(field(field(config, 'service'), 'extensions'), keysOf(field(config, 'extensions')));
  });

  it('reads attributes by the names of Kubernetes 1.34 and of 1.35', async () => {
    const text = await configuration();
    assert.match(text, /attributes\["http\.method"\]/);
    assert.match(text, /attributes\["http\.request\.method"\]/);
    assert.match(text, /\(client\\\\\.\)\?task\\\\\.Wait/);
  });
});
