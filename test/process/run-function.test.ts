/** A function as a process: refuses invalid settings, serves, and on SIGTERM answers the requests in flight. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { FunctionRun } from '../helpers/function-run.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { segmentOf, spanOf } from '../helpers/segment.ts';
import { until } from '../helpers/until.ts';

describe('runFunction', () => {
  const all: FunctionRun[] = [];
  afterEach(() => {
    for (const one of all.splice(0)) one.child.kill('SIGKILL');
  });
  function run(env: Readonly<Record<string, string>>): FunctionRun {
    const one = new FunctionRun('exporter', env);
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
