/**
 * knspan's own spans by the OpenTelemetry SDK: W3C context in and out by headers, a sampler that follows the sender's decision, a bounded
 * queue to the backend, so that tracing never holds up what it watches.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { messageOf } from '../runtime/log.ts';
import type { SpanAttributes, Tracing } from '../runtime/tracing.ts';
import type { OtlpExporter } from '../spans/otlp-exporter.ts';

export interface SelfTracingOptions {
  /** `service.name`: the function. */
  readonly name: string;
  /** From 0 to 1, of the traces that begin here. */
  readonly ratio: number;
  readonly exporter: OtlpExporter;
}

export interface SelfTracing extends Tracing {
  /** Sends what is left. */
  close(graceMs: number): Promise<void>;
}

const marksMost = 20_000;
const linksMost = 100;
const propagator = new W3CTraceContextPropagator();

export function createSelfTracing({ name, ratio, exporter }: SelfTracingOptions): SelfTracing {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `knspan-${name}`, 'service.namespace': 'knspan' }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor(spanExporterOf(exporter))],
  });
  return new SdkTracing(provider, exporter);
}

class SdkTracing implements SelfTracing {
  readonly isOn = true;
  readonly #provider: BasicTracerProvider;
  readonly #exporter: OtlpExporter;
  readonly #tracer: Tracer;
  readonly #running = new AsyncLocalStorage<Context>();
  readonly #marks = new Map<string, SpanContext>();

  constructor(provider: BasicTracerProvider, exporter: OtlpExporter) {
    this.#provider = provider;
    this.#exporter = exporter;
    this.#tracer = provider.getTracer('knspan');
  }

  receive<T>(headers: IncomingHttpHeaders, work: () => T): T {
    const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
    const attributes: Record<string, string> = {};
    for (const key of ['type', 'source', 'id']) {
      const value = headers[`ce-${key}`];
      if (typeof value === 'string') attributes[`cloudevents.event_${key}`] = value;
    }
    return this.#run('receive', { kind: SpanKind.SERVER, attributes }, parent, work);
  }

  span<T>(name: string, work: () => T, attributes: SpanAttributes = {}): T {
    const parent = this.#running.getStore();
    return parent === undefined ? work() : this.#run(name, { attributes: { ...attributes } }, parent, work);
  }

  root<T>(name: string, keys: readonly string[], work: () => T): T {
    const found = new Map<string, SpanContext>();
    for (const key of keys) {
      const context = this.#marks.get(key);
      if (context !== undefined && found.size < linksMost) found.set(context.spanId, context);
    }
    return this.#run(name, { root: true, links: [...found.values()].map((context) => ({ context })) }, ROOT_CONTEXT, work);
  }

  below<T>(key: string, name: string, work: () => T): T {
    const context = this.#marks.get(key);
    const parent = context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
    return this.#run(name, { kind: SpanKind.PRODUCER }, parent, work);
  }

  past(name: string, began: number): void {
    const parent = this.#running.getStore();
    if (parent !== undefined) this.#tracer.startSpan(name, { startTime: began }, parent).end();
  }

  mark(key: string): void {
    const context = trace.getSpanContext(this.#running.getStore() ?? ROOT_CONTEXT);
    if (context === undefined) return;
    this.#marks.delete(key);
    this.#marks.set(key, context);
    for (const oldest of this.#marks.keys()) {
      if (this.#marks.size <= marksMost) break;
      this.#marks.delete(oldest);
    }
  }

  headers(): Record<string, string> {
    const headers: Record<string, string> = {};
    propagator.inject(this.#running.getStore() ?? ROOT_CONTEXT, headers, defaultTextMapSetter);
    return headers;
  }

  async close(graceMs: number): Promise<void> {
    await this.#provider.forceFlush().catch(() => undefined);
    await this.#exporter.close(graceMs);
  }

  #run<T>(name: string, options: SpanOptions, parent: Context, work: () => T): T {
    const span = this.#tracer.startSpan(name, options, parent);
    try {
      const result = this.#running.run(trace.setSpan(parent, span), work);
      if (!(result instanceof Promise)) {
        span.end();
        return result;
      }
      // Beside the promise, not in its way: who awaits it gets the very same.
      result.then(
        () => span.end(),
        (error: unknown) => failed(span, error),
      );
      return result;
    } catch (error) {
      failed(span, error);
      throw error;
    }
  }
}

function failed(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
  span.end();
}

/** What the backend does not take is dropped: it is about us, not about the cluster. */
function spanExporterOf(exporter: OtlpExporter): SpanExporter {
  return {
    export: (spans: ReadableSpan[], done) => {
      exporter.export(spans).then(
        ({ kind }) => done({ code: kind === 'taken' ? 0 : 1 }),
        () => done({ code: 1 }),
      );
    },
    shutdown: async () => undefined,
  };
}
