/** Reads runtime spans from files: OTLP/JSON lines as the Collector's file exporter writes them, or Jaeger's JSON; plain or gzipped. */
import { bytesText } from '../../events/quantity.ts';
import { messageOf } from '../../process/log.ts';
import { readJaegerJson } from '../../runtime-spans/read/jaeger-json.ts';
import { SpanBatch } from '../../runtime-spans/read/make-span.ts';
import { readOtlpJson } from '../../runtime-spans/read/otlp-json.ts';
import type { RuntimeSpan } from '../../runtime-spans/runtime-span.ts';
import { type RuntimeTrace, traceOf } from '../../runtime-spans/runtime-trace.ts';
import { screen } from '../../runtime-spans/screen.ts';
import { decodeText } from './decode-text.ts';
import type { Document } from './document.ts';
import { DocumentReader } from './document-reader.ts';
import { InputError } from './input-error.ts';
import { sourcesOf } from './sources.ts';

export interface SpansRead {
  readonly traces: readonly RuntimeTrace[];
  readonly read: number;
  /** What could not be read, a sentence each. */
  readonly skipped: readonly string[];
}

/** What is not about an object is dropped as soon as its request has been read: a recording may be far larger than what it is kept for. */
export async function readSpans(paths: readonly string[]): Promise<SpansRead> {
  const kept = new Map<string, RuntimeSpan[]>();
  const skipped: string[] = [];
  let read = 0;
  for (const path of paths) {
    const rejected = new Map<string, number>();
    for await (const batch of batchesOf(path, skipped)) {
      read += batch.spans.length;
      for (const { traceId, spans } of screen(batch.spans).kept) {
        const known = kept.get(traceId);
        if (known) known.push(...spans);
        else kept.set(traceId, [...spans]);
      }
      if (batch.rejected > 0) for (const [fault, count] of batch.faults) rejected.set(fault, (rejected.get(fault) ?? 0) + count);
    }
    for (const [fault, count] of rejected) skipped.push(`Cannot use ${count} spans of ${path}: ${fault}`);
  }
  return { traces: [...kept].map(([traceId, spans]) => traceOf(traceId, spans)), read, skipped };
}

/** A batch per request. */
async function* batchesOf(path: string, skipped: string[]): AsyncGenerator<SpanBatch> {
  for await (const source of sourcesOf([path], process.stdin)) {
    const decoded = source.ok ? await decodeText(source.bytes) : source;
    if (!decoded.ok) throw new InputError(`Cannot read '${path}': ${decoded.reason}`);
    const reader = new DocumentReader(0);
    try {
      for await (const chunk of decoded.bytes) yield* batchesIn(reader.push(chunk), path, skipped);
    } catch (error) {
      if (error instanceof InputError) throw error;
      skipped.push(`Cannot read ${path}: ${messageOf(error)}`);
    }
    yield* batchesIn(reader.end(), path, skipped);
  }
}

function* batchesIn(documents: readonly Document[], path: string, skipped: string[]): Generator<SpanBatch> {
  for (const document of documents) {
    if (document.type === 'broken') skipped.push(`Cannot read ${path}: ${document.reason}`);
    else if (document.type === 'text') skipped.push(`Cannot read ${path}: ${bytesText(document.bytes)} are not JSON`);
    if (document.type !== 'value' && document.type !== 'item') continue;
    const batch = new SpanBatch(Number.POSITIVE_INFINITY);
    if (!readOtlpJson(document.value, batch) && !readJaegerJson(document.value, batch))
      throw new InputError(`Cannot read '${path}': wanted OTLP/JSON lines of the Collector's file exporter, or Jaeger's JSON`);
    yield batch;
  }
}
