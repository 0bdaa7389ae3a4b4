/** The bundle of the image: every function starts from it and answers, although parts of its packages are excluded. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../../shared/build/bundle-options.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { eventJson } from '../helpers/event.ts';
import { FunctionRun } from '../helpers/function-run.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { type RedisProcess, startRedis } from '../helpers/redis.ts';
import { segmentOf, spanOf } from '../helpers/segment.ts';

const top = fileURLToPath(new URL('../../', import.meta.url));

function cloudEvent(type: string, data: unknown): string {
  return JSON.stringify({ specversion: '1.0', id: '1', source: '/s', type, datacontenttype: 'application/json', data });
}

describe('the bundle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'knspan-bundle-'));
  const main = join(folder, 'main.cjs');
  const backend = new OtlpReceiver();
  let redis: RedisProcess;
  let backendUrl = '';

  before(async () => {
    execFileSync(process.execPath, [join(top, 'shared/build/image.ts'), folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    [redis, backendUrl] = await Promise.all([startRedis(), backend.start()]);
  });

  after(async () => {
    await Promise.all([redis.stop(), backend.stop()]);
    rmSync(folder, { recursive: true });
  });

  const segment = toSegmentEvents(segmentOf([spanOf()]), { source: '/s' })[0]?.body ?? '';
  const bodies: Readonly<Record<string, string>> = {
    correlator: cloudEvent('dev.knative.apiserver.resource.add', eventJson()),
    exporter: segment,
    coinflip: segment,
    'event-display': segment,
    reconciler: cloudEvent('dev.knative.sources.ping', {}),
  };

  for (const [name, body] of Object.entries(bodies))
    it(`starts ${name}, which takes an event, tells its metrics and refuses other paths and methods`, async () => {
      const run = new FunctionRun(
        name,
        {
          ...{ PORT: '0', REDIS_URL: redis.url, K_SINK: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_ENDPOINT: backendUrl },
          ...{ KNSPAN_CLUSTER: 'test', HOME: folder },
        },
        main,
      );
      try {
        const url = await run.url();
        const headers = { 'content-type': 'application/cloudevents+json', prefer: 'reply' };
        const answer = await fetch(url, { method: 'POST', headers, body });
        assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
        const metrics = await fetch(`${url}/metrics`);
        assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=/);
        assert.match(await metrics.text(), /^knspan_requests_total\{outcome="accepted"\} 1$/m);
        const statuses = [await fetch(`${url}/health/readiness?now`), await fetch(`${url}/nowhere`), await fetch(url, { method: 'PUT' })];
        assert.deepEqual(
          statuses.map(({ status }) => status),
          [200, 404, 405],
        );
      } finally {
        run.child.kill('SIGTERM');
      }
      assert.deepEqual(await run.ended, [0, null]);
      assert.equal(run.stderr, '');
    });

  it('has the command line, with the files that it reads', () => {
    const { status, stdout } = spawnSync(process.execPath, [main, 'demo'], { encoding: 'utf8' });
    assert.deepEqual([status, /rollback/.test(stdout)], [0, true]);
    const { stdout: game } = spawnSync(process.execPath, [main, 'demo', 'heartbeats', '--beats', '1'], { encoding: 'utf8' });
    assert.match(game, /1 heartbeat/);
  });

  it('has in its bill of materials the packages that are in the bundle, and no others', () => {
    const { components }: { components: { name: string }[] } = JSON.parse(readFileSync(join(folder, 'sbom.json'), 'utf8'));
    const names = components.map(({ name }) => name);
    for (const name of ['express', 'ioredis', 'prom-client', '@kubernetes/client-node']) assert.ok(names.includes(name), name);
    for (const name of ['esbuild', 'typescript', 'fast-check']) assert.ok(!names.includes(name), name);
  });

  it('brings scripts, licences, a bill of materials and compiled code, and the Containerfile starts it with the same flags', () => {
    const lua = 'shared/store/redis/lua';
    assert.deepEqual(readdirSync(join(folder, lua)), readdirSync(join(top, lua)));
    for (const file of ['LICENSE', 'main.cjs.LEGAL.txt', 'THIRD-PARTY-NOTICES.txt', 'sbom.json', 'compile-cache'])
      assert.ok(existsSync(join(folder, file)), file);
    const entry = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(join(top, 'Containerfile'), 'utf8'))?.[1] ?? '[]';
    assert.deepEqual(JSON.parse(entry).slice(1), [...nodeFlags, '/app/main.cjs']);
  });
});
