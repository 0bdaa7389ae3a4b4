/** KNSPAN_SELF_TRACING: whether a function traces itself, and the sampling ratio. If off, the OpenTelemetry SDK is not loaded. */
import type { FunctionContext, Start, Stoppable } from '../process/run-function.ts';
import type { Settings } from '../process/settings.ts';
import type { SelfTracing } from './self-tracing.ts';

const wanted = 'off, on, or the ratio of traces to sample, from 0 to 1';
/** Shorter than the time that a function has to stop. */
const flushMs = 5_000;

/** 0: off. */
export function selfTracingOf(settings: Settings): number {
  const what = 'trace knspan itself: off, on, or the sampling ratio of traces that start here';
  const text = settings.text('KNSPAN_SELF_TRACING', { default: 'off', wanted, what }).toLowerCase();
  if (text === 'off' || text === 'false') return 0;
  if (text === 'on' || text === 'true') return 1;
  const ratio = /^[01](\.[0-9]{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (ratio >= 0 && ratio <= 1) return ratio;
  settings.fault('KNSPAN_SELF_TRACING', text, wanted);
  return 0;
}

export async function openTracing(name: string, settings: Settings): Promise<SelfTracing | undefined> {
  const ratio = selfTracingOf(settings);
  if (ratio === 0) return undefined;
  const [{ exporterConfigOf }, { sdkConfigOf }, { createSelfTracing }] = await Promise.all([
    import('../spans/otlp-settings.ts'),
    import('../spans/otlp-exporter.ts'),
    import('./self-tracing.ts'),
  ]);
  const { otlp } = exporterConfigOf(settings);
  settings.finish(name);
  // OpenTelemetry's exporters without our retries: no function waits for these spans.
  const { OTLPTraceExporter } = await (otlp.protocol === 'http/json'
    ? import('@opentelemetry/exporter-trace-otlp-http')
    : import('@opentelemetry/exporter-trace-otlp-proto'));
  return createSelfTracing({ name, ratio, exporter: new OTLPTraceExporter(sdkConfigOf(otlp)), random: Math.random });
}

/** The tracings of functions that share a process; closed after the functions. */
export class Tracings implements Stoppable {
  readonly #open: SelfTracing[] = [];

  async into(name: string, around: FunctionContext): Promise<FunctionContext> {
    const tracing = await openTracing(name, around.settings);
    if (tracing === undefined) return around;
    this.#open.push(tracing);
    return { ...around, tracing };
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((one) => one.close(flushMs)));
  }
}

/** Wraps the start of a function that runs as a process. */
export function traced(name: string, start: Start): Start {
  return async (around) => {
    const tracings = new Tracings();
    const running = await start(await tracings.into(name, around));
    return {
      close: async (graceMs) => {
        await running.close(graceMs);
        await tracings.close();
      },
    };
  };
}
