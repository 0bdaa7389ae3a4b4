/** A function as a process: refuses wrong settings, serves, and ends by SIGTERM with what is in flight answered. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { until } from '../helpers/fake-api-server.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { segmentOf, spanOf } from '../helpers/segment.ts';

const file = fileURLToPath(new URL('../../functions/main.ts', import.meta.url));

class Running {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>;

  constructor(env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [file, 'exporter'], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => [code, signal] as const);
  }

  async url(): Promise<string> {
    await until('it listens', () => /"message":"listening"/.test(this.stdout));
    return `http://127.0.0.1:${/"port":([0-9]+)/.exec(this.stdout)?.[1]}`;
  }
}

describe('runFunction', () => {
  const all: Running[] = [];
  afterEach(() => {
    for (const one of all.splice(0)) one.child.kill('SIGKILL');
  });
  function run(env: Readonly<Record<string, string>>): Running {
    const one = new Running(env);
    all.push(one);
    return one;
  }

  test('wrong settings: all of them on stderr, exit code 2, nothing started', async () => {
    const one = run({ PORT: 'eighty', KNSPAN_LOG_LEVEL: 'loud', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    assert.deepEqual(await one.ended, [2, null]);
    assert.deepEqual(
      one.stderr
        .trim()
        .split('\n')
        .map((line) => / exporter: ([A-Z_]+) is /.exec(line)?.[1]),
      ['KNSPAN_LOG_LEVEL', 'PORT', 'OTEL_EXPORTER_OTLP_PROTOCOL'],
    );
    assert.equal(one.stdout, '');
  });

  test('a port that is taken: one line that says so, exit code 1', async () => {
    const first = run({ PORT: '0' });
    const port = new URL(await first.url()).port;
    const second = run({ PORT: port });
    assert.deepEqual(await second.ended, [1, null]);
    const last = JSON.parse(second.stdout.trim().split('\n').at(-1) ?? '');
    assert.deepEqual([last.level, last.message], ['error', 'failed']);
    assert.match(last.reason, /EADDRINUSE/);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal}: what is in flight is answered, then it ends with 0; the log is JSON lines`, async () => {
      const backend = new OtlpReceiver();
      const one = run({ PORT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: await backend.start() });
      try {
        const url = await one.url();
        backend.next.push({ kind: 'fail', status: 503, retryAfter: '1' });
        const body = toSegmentEvents(segmentOf([spanOf()]), { source: '/test' })[0]?.body ?? '';
        const answer = fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/cloudevents+json' } });
        await until('the backend has it', () => backend.requests.length === 1);
        one.child.kill(signal);
        assert.equal((await answer).status, 202);
        assert.deepEqual(await one.ended, [0, null]);
        assert.equal(backend.taken.length, 1);
        assert.deepEqual(
          one.stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line).message),
          ['exporting', 'listening', 'stopped'],
        );
        assert.equal(one.stderr, '');
      } finally {
        await backend.stop();
      }
    });
  }
});
