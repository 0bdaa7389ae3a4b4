/** The overlay `runtime` in one process: Events by CloudEvents, spans by `/v1/traces` of the same port, all of it at the backend. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { notificationsOf, playAll } from '../../../shared/cli/local/replay-through-http.ts';
import { ManualClock } from '../../../shared/process/clock.ts';
import { isRuntimeSpan } from '../../../shared/runtime-spans/shown.ts';
import type { Span } from '../../../shared/spans/span.ts';
import { startLocal } from '../../helpers/local-run.ts';
import { OtlpReceiver } from '../../helpers/otlp-receiver.ts';
import { fileOf, readRecording } from '../recording.ts';
import { score } from '../score.ts';

const name = 'deployment-create';

/** What the backend has in the end. */
async function played(
  overlays: readonly string[],
  requests: readonly unknown[],
): Promise<{ spans: readonly Span[]; logged: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'knspan-runtime-'));
  const backend = new OtlpReceiver();
  const logged: string[] = [];
  try {
    const file = join(folder, 'watch.jsonl');
    writeFileSync(file, gunzipSync(readFileSync(fileOf(name, 'watch.jsonl'))));
    const { events } = await notificationsOf([file], []);
    const clock = new ManualClock(events[0]?.at ?? 0);
    const run = await startLocal({
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: await backend.start(),
        KNSPAN_LOOKUPS: 'false',
        KNSPAN_TICK_WAITS: '5m',
        KNSPAN_RUNTIME_BUDGET: '0',
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
      overlays,
    });
    for (const request of requests) {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(new URL('/v1/traces', run.url), { method: 'POST', headers, body: JSON.stringify(request) });
      assert.deepEqual([response.status, await response.json()], [200, {}]);
    }
    await playAll(run, clock, events);
    await run.close();
    return { spans: backend.taken, logged };
  } finally {
    await backend.stop();
    rmSync(folder, { recursive: true });
  }
}

describe('the overlay runtime', () => {
  it('adds runtime spans to the traces at the backend, and leaves the spans of Events as they are', async () => {
    const recording = readRecording(name);
    const [plain, joined] = [await played([], []), await played(['runtime'], recording.requests)];
    assert.deepEqual([plain.logged, joined.logged], [[], []]);
    const texts = (spans: readonly Span[]) => spans.map((span) => JSON.stringify(span)).sort();
    assert.deepEqual(texts(joined.spans.filter((span) => !isRuntimeSpan(span))), texts(plain.spans));
    const copies = joined.spans.filter(isRuntimeSpan);
    assert.equal(new Set(copies.map(({ spanId }) => spanId)).size, copies.length);
    const eventSpans = joined.spans.filter((span) => !isRuntimeSpan(span));
    const [segment] = recording.segments;
    assert.ok(segment);
    const { wanted, missed, wrong, outside } = score({ ...recording, segments: [{ ...segment, spans: eventSpans }] }, copies);
    assert.deepEqual({ wrong, outside, missed: missed.length <= wanted * 0.02 }, { wrong: [], outside: [], missed: true });
  });
});
