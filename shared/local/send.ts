/** Sends segments to an OpenTelemetry backend through the official OTLP/HTTP exporter, which reads OTEL_EXPORTER_OTLP_* itself. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { toReadableSpans } from '../spans/readable.ts';
import type { Segment } from '../spans/span.ts';

export interface Sender {
  send(segment: Segment): Promise<void>;
  /** Sends what is left; answers how many spans the backend did not take, and why. */
  close(): Promise<{ readonly lost: number; readonly reason: string }>;
}

const spansInRequest = 512;

/** `url` may be the base of the collector or the full path of its traces. Undefined: from the environment. */
export async function createSender(url?: string): Promise<Sender> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const exporter = new OTLPTraceExporter(url === undefined ? {} : { url: tracesUrl(url) });
  let waiting: ReadableSpan[] = [];
  let lost = 0;
  let reason = '';
  const flush = async () => {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    await new Promise<void>((resolve) => {
      exporter.export(batch, (result) => {
        if (result.code !== 0) {
          lost += batch.length;
          reason = result.error?.message || 'the backend refused';
        }
        resolve();
      });
    });
  };
  return {
    async send(segment) {
      waiting.push(...toReadableSpans(segment));
      if (waiting.length >= spansInRequest) await flush();
    },
    async close() {
      await flush();
      await exporter.shutdown();
      return { lost, reason };
    },
  };
}

function tracesUrl(url: string): string {
  return /\/v1\/traces\/?$/.test(url) ? url : `${url.replace(/\/+$/, '')}/v1/traces`;
}
