/** `knspan serve` as a user runs it: a process that accepts CloudEvents by POST and sends traces to a backend. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { knspan } from '../../helpers/cli.ts';
import { type Notice, noticesOf, post } from '../../helpers/notices.ts';
import { OtlpReceiver } from '../../helpers/otlp-receiver.ts';
import { startRedis } from '../../helpers/redis.ts';
import { Serving, waited } from '../../helpers/serving.ts';
import { endingAt } from '../../helpers/shifted.ts';

const statusesOf = (url: string, notices: readonly Notice[]) => Promise.all(notices.map((notice) => post(url, notice)));
const allTaken = (notices: readonly Notice[]) => notices.map(() => 202);
/** Each span once, in one order. */
const spansAt = ({ taken }: OtlpReceiver) => [...new Set(taken.map((span) => JSON.stringify(span)))].toSorted();

/** What the direct replay of the same Events sends. */
async function replayed(notices: readonly Notice[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'knspan-serve-'));
  const backend = new OtlpReceiver();
  try {
    const file = join(folder, 'events.jsonl');
    writeFileSync(file, notices.map(({ object }) => JSON.stringify(object)).join('\n'));
    const { status, err } = await knspan(['replay', file, '--cluster', 'test', '--otlp', await backend.start()]);
    assert.equal(status, 0, err);
    return spansAt(backend);
  } finally {
    await backend.stop();
    rmSync(folder, { recursive: true });
  }
}

describe('knspan serve', { concurrency: true }, () => {
  const capture = noticesOf('deployment-create').filter(({ type }) => !type.endsWith('delete'));

  it('sends what is posted to it, once it has settled: the spans of the direct replay', async () => {
    const backend = new OtlpReceiver();
    const serving = new Serving(['--otlp', await backend.start()]);
    try {
      const url = await serving.url();
      const notices = endingAt(capture, Date.now());
      assert.deepEqual(await statusesOf(url, notices), allTaken(notices));
      const wanted = await replayed(notices);
      await waited('all spans are there', () => spansAt(backend).length >= wanted.length);
      assert.deepEqual(spansAt(backend), wanted);
      assert.deepEqual(await serving.kill('SIGTERM'), [0, null]);
      assert.match(serving.err, /0 occurrences not settled yet/);
    } finally {
      await serving.kill('SIGKILL');
      await backend.stop();
    }
  });

  it('says at SIGTERM what has not settled, decides nothing early and ends with 0', async () => {
    const backend = new OtlpReceiver();
    const serving = new Serving(['--otlp', await backend.start()]);
    try {
      const notices = endingAt(capture, Date.now());
      assert.deepEqual(await statusesOf(await serving.url(), notices), allTaken(notices));
      assert.deepEqual(await serving.kill('SIGTERM'), [0, null]);
      assert.match(serving.err, new RegExp(`; ${notices.length} occurrences not settled yet`));
      assert.match(serving.err, /The in-memory store is volatile/);
      assert.deepEqual(backend.requests, []);
    } finally {
      await serving.kill('SIGKILL');
      await backend.stop();
    }
  });

  it('killed and started again over Redis, loses nothing and sends nothing else', async () => {
    const backend = new OtlpReceiver();
    const redis = await startRedis();
    const args = ['--otlp', await backend.start()];
    const first = new Serving(args, { REDIS_URL: redis.url });
    let second: Serving | undefined;
    try {
      const url = await first.url();
      // While it is down, time goes on: so they end a little later than now.
      const notices = endingAt(capture, Date.now() + 3_000);
      const middle = Math.floor(notices.length / 2);
      assert.deepEqual(await statusesOf(url, notices.slice(0, middle)), allTaken(notices.slice(0, middle)));
      assert.deepEqual(await first.kill('SIGKILL'), [null, 'SIGKILL']);
      second = new Serving(args, { REDIS_URL: redis.url });
      // The last ones before the kill come again, as from a Broker that never saw their answer.
      const rest = notices.slice(middle - 3);
      assert.deepEqual(await statusesOf(await second.url(), rest), allTaken(rest));
      const wanted = await replayed(notices);
      await waited('all spans are there', () => spansAt(backend).length >= wanted.length);
      assert.deepEqual(spansAt(backend), wanted);
      assert.deepEqual(await second.kill('SIGTERM'), [0, null]);
      assert.match(second.err, /0 occurrences not settled yet/);
    } finally {
      await Promise.all([first.kill('SIGKILL'), second?.kill('SIGKILL')]);
      await backend.stop();
      await redis.stop();
    }
  });

  it('refuses what is no CloudEvent, and an option that is wrong', async () => {
    const serving = new Serving(['--view', 'list']);
    try {
      const response = await fetch(await serving.url(), { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
      assert.equal(response.status, 400);
      await response.arrayBuffer();
      assert.deepEqual(await serving.kill('SIGTERM'), [0, null]);
    } finally {
      await serving.kill('SIGKILL');
    }
    const wrong = await knspan(['serve', '--port', 'x']);
    assert.deepEqual([wrong.status, wrong.out], [2, '']);
  });

  it('says in a sentence why it cannot start, and ends', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = String(typeof address === 'object' ? address?.port : '');
    const [busy, nonsense, away] = await Promise.all([
      knspan(['serve', '--no-history', '--port', port]),
      knspan(['serve', '--no-history', '--port', '0', '--otlp', 'nonsense']),
      knspan(['serve', '--no-history', '--port', '0'], { env: { REDIS_URL: 'redis://127.0.0.1:1' } }),
    ]);
    taken.close();
    assert.match(busy.err, new RegExp(`^Cannot listen on port ${port}: .*EADDRINUSE.*, wanted a free one \\(--host, --port\\)$`, 'm'));
    assert.match(nonsense.err, /^Cannot start exporter: OTEL_EXPORTER_OTLP_ENDPOINT is 'nonsense', wanted /m);
    assert.match(away.err, /^Cannot open the store: Redis did not answer within 10 s: .*ECONNREFUSED/m);
    for (const { status, err } of [busy, nonsense, away]) {
      assert.equal(status, 2, err);
      assert.doesNotMatch(err, /^ +at /m);
    }
  });
});
