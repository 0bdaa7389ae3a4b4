/**
 * `POST /v1/traces`: OTLP in, what speaks of an object kept, the rest counted and dropped. Acknowledged is what the store has; whoever
 * has sent something that may still find room is told when to come again.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { field } from '../../shared/events/json.ts';
import type { IntakeAnswer } from '../../shared/http/intake.ts';
import type { Clock } from '../../shared/process/clock.ts';
import { type Log, messageOf } from '../../shared/process/log.ts';
import { Semaphore } from '../../shared/process/semaphore.ts';
import { SpanBatch } from '../../shared/runtime-spans/read/make-span.ts';
import { readOtlpJson } from '../../shared/runtime-spans/read/otlp-json.ts';
import { readOtlpProtobuf } from '../../shared/runtime-spans/read/otlp-protobuf.ts';
import { screen } from '../../shared/runtime-spans/screen.ts';
import { StoreError } from '../../shared/store/store.ts';
import { encodePart } from './codec.ts';
import type { Meters } from './metrics.ts';
import { accepted, type Encoding, encodingOf, failed } from './otlp-answer.ts';
import type { SpanStore } from './store/span-store.ts';

export interface ReceiverParts {
  readonly store: SpanStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly meters: Meters;
  /** Traces of which something has come after they were sent. */
  readonly onLate: (traceIds: readonly string[]) => Promise<void>;
}

/** Of one request, unpacked. */
const bytesMost = 16 * 1024 * 1024;
/** Requests that are unpacked and stored at the same time, and that wait for it. */
const atOnce = 4;
const waitingMost = 32;
const fullRetrySeconds = 30;
const busyRetrySeconds = 1;
const awayRetrySeconds = 5;
const linesPerMinute = 10;

export class SpanReceiver {
  readonly #parts: ReceiverParts;
  readonly #turns = new Semaphore(atOnce);
  #underWay = 0;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
  }

  async take(body: Buffer, headers: IncomingHttpHeaders): Promise<IntakeAnswer> {
    const { meters } = this.#parts;
    const encoding = encodingOf(headers['content-type']);
    if (encoding === null)
      return this.#refuse('json', 'malformed', 415, 'Cannot read spans: wanted OTLP as application/x-protobuf or application/json');
    if (this.#underWay >= atOnce + waitingMost) {
      meters.requests.add({ outcome: 'busy' });
      return failed(encoding, 429, 'Cannot take more requests at once', busyRetrySeconds);
    }
    this.#underWay += 1;
    try {
      return await this.#turns.run(() => this.#read(body, headers['content-encoding'], encoding));
    } finally {
      this.#underWay -= 1;
    }
  }

  async #read(body: Buffer, contentEncoding: string | undefined, encoding: Encoding): Promise<IntakeAnswer> {
    const unpacked = await unpack(body, contentEncoding);
    if (unpacked === 'unknown')
      return this.#refuse(encoding, 'malformed', 415, 'Cannot read spans: wanted the content encoding gzip or none');
    if (unpacked === 'broken') return this.#refuse(encoding, 'malformed', 400, 'Cannot read spans: the body is no gzip');
    if (unpacked === 'too large')
      return this.#refuse(encoding, 'too_large', 413, `Cannot read spans: wanted at most ${bytesMost} bytes, unpacked`);
    const batch = new SpanBatch();
    const isRead = encoding === 'json' ? readOtlpJson(parsed(unpacked), batch) : readOtlpProtobuf(unpacked, batch);
    if (!isRead) return this.#refuse(encoding, 'malformed', 400, 'Cannot read spans: wanted an OTLP ExportTraceServiceRequest');
    return this.#keep(batch, encoding);
  }

  async #keep(batch: SpanBatch, encoding: Encoding): Promise<IntakeAnswer> {
    const { store, clock, meters } = this.#parts;
    const { kept, dropped } = screen(batch.spans);
    const receivedAt = clock.now();
    const parts = kept.map(({ traceId, spans, keys }) => ({
      id: traceId,
      body: encodePart({ receivedAt, spans }),
      spans: spans.length,
      keys,
    }));
    try {
      if (parts.length > 0 && !(await store.put('spans', parts))) {
        meters.requests.add({ outcome: 'full' });
        this.#parts.log.sampled('full', linesPerMinute)?.warn('no room for runtime spans', { ...(await store.usage()) });
        return failed(encoding, 429, 'Cannot keep spans: the store is full', fullRetrySeconds);
      }
      await this.#wakeTraces(kept.flatMap(({ keys }) => keys));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      meters.requests.add({ outcome: 'unavailable' });
      this.#parts.log.sampled('away', linesPerMinute)?.error('the store does not answer', { reason: messageOf(error) });
      return failed(encoding, 503, 'Cannot keep spans: the store does not answer', awayRetrySeconds);
    }
    for (const [reason, count] of batch.faults) meters.faults.add({ reason }, count);
    for (const [kind, count] of dropped) meters.dropped.add({ kind }, count);
    meters.kept.add(
      {},
      kept.reduce((sum, { spans }) => sum + spans.length, 0),
    );
    meters.requests.add({ outcome: batch.rejected > 0 ? 'partly' : 'accepted' });
    return accepted(encoding, batch.rejected, `Cannot use ${batch.rejected} spans: ${[...batch.faults.keys()].join(', ')}`);
  }

  /** What comes after its trace was sent. */
  async #wakeTraces(keys: readonly string[]): Promise<void> {
    const unique = [...new Set(keys)];
    if (unique.length === 0) return;
    const traces = new Set((await this.#parts.store.find('outlines', unique)).flat());
    if (traces.size > 0) await this.#parts.onLate([...traces]);
  }

  #refuse(encoding: Encoding, outcome: 'malformed' | 'too_large', status: number, reason: string): IntakeAnswer {
    this.#parts.meters.requests.add({ outcome });
    this.#parts.log.sampled(outcome, linesPerMinute)?.warn('refused spans', { status, reason });
    return failed(encoding, status, reason);
  }
}

const unzip = promisify(gunzip);

async function unpack(body: Buffer, encoding = 'identity'): Promise<Buffer | 'unknown' | 'broken' | 'too large'> {
  if (encoding.toLowerCase() === 'identity') return body;
  if (encoding.toLowerCase() !== 'gzip') return 'unknown';
  try {
    return await unzip(body, { maxOutputLength: bytesMost });
  } catch (error) {
    return field(error, 'code') === 'ERR_BUFFER_TOO_LARGE' ? 'too large' : 'broken';
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
