/** One export with an outcome: an export never affects another one or the rest of the process. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type DiagLogger, diag } from '@opentelemetry/api';
import { createOtlpExporter, type OtlpExporter, otlpProtocols } from '../../shared/spans/otlp-exporter.ts';
import { toReadableSpans } from '../../shared/spans/readable.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { segmentOf, spanOf } from '../helpers/segment.ts';
import { until } from '../helpers/until.ts';

const spans = toReadableSpans(segmentOf([spanOf()]));

/** Keeps what it is told at each level. */
class KeepingLogger implements DiagLogger {
  readonly lines: string[] = [];
  readonly #say = (...words: unknown[]) => void this.lines.push(words.join(' '));
  readonly error = this.#say;
  readonly warn = this.#say;
  readonly info = this.#say;
  readonly debug = this.#say;
  readonly verbose = this.#say;
}

describe('createOtlpExporter', () => {
  let backend: OtlpReceiver;
  let url: string;
  const open: OtlpExporter[] = [];

  beforeEach(async () => {
    backend = new OtlpReceiver();
    url = `${await backend.start()}/v1/traces`;
  });
  afterEach(async () => {
    diag.disable();
    await backend.stop();
    for (const exporter of open.splice(0)) await exporter.close(0);
  });

  async function exporterTo(options: Partial<Parameters<typeof createOtlpExporter>[0]> = {}): Promise<OtlpExporter> {
    const exporter = await createOtlpExporter({ protocol: 'http/protobuf', url, tls: {}, ...options });
    open.push(exporter);
    return exporter;
  }

  for (const protocol of otlpProtocols)
    it(`${protocol}: leaves the diagnostic log of the process to others, whose level does not matter to it`, async () => {
      const logger = new KeepingLogger();
      diag.setLogger(logger);
      const exporter = await exporterTo({ protocol });
      diag.warn('mine');
      assert.deepEqual(logger.lines, ['mine']);
      diag.disable();
      backend.next.push({ kind: 'take in part', rejected: 2, message: 'too old' });
      assert.deepEqual(await exporter.export(spans), { kind: 'accepted', rejected: 2, reason: 'too old' });
      assert.deepEqual(await exporter.export(spans), { kind: 'accepted', rejected: 0, reason: '' });
    });

  it('ends the connection of an export that hangs, and of no other', async () => {
    const exporter = await exporterTo({ deadlineMs: 200, timeoutMs: 200 });
    backend.next.push({ kind: 'drip' });
    const hanging = exporter.export(spans);
    await until('the backend drips', () => backend.requests.length === 1);
    const answered: string[] = [];
    // As long as the connection of the first lasts, others come and go.
    for (let round = 0; round < 12; round += 1) {
      backend.slowMs = 60;
      answered.push((await exporter.export(spans)).kind);
    }
    assert.deepEqual(await hanging, { kind: 'retry', reason: 'the backend did not answer within 200 ms' });
    assert.deepEqual(new Set(answered), new Set(['accepted']));
    // Each was sent once: none had to be repeated on another connection.
    assert.equal(backend.requests.length, 1 + answered.length);
    await until('the one that hangs is cut', () => backend.dripping === 0);
  });

  it('sends no more exports at a time than it may have connections', async () => {
    const exporter = await exporterTo({ connectionsMax: 2 });
    backend.slowMs = 50;
    const outcomes = await Promise.all([1, 2, 3].map(() => exporter.export(spans)));
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['accepted', 'accepted', 'retry'],
    );
    assert.equal((await exporter.export(spans)).kind, 'accepted');
    assert.equal(backend.connections, 2);
  });
});
