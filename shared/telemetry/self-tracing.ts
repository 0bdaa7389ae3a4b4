/**
 * knspan's own spans, by the OpenTelemetry SDK: W3C context in and out by headers, and a bounded queue to the backend, so that tracing
 * never delays the traced work. Sampling is decided first: by the sender, else at random; an unsampled request costs one look at its
 * headers. A flush is traced if a request that contributed to it is.
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
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { systemClock } from '../process/clock.ts';
import { messageOf } from '../process/log.ts';
import { within } from '../process/timeout.ts';
import type { Origin, SpanAttributes, Tracing } from '../process/tracing.ts';
import { TtlCache } from '../process/ttl-cache.ts';

export interface SelfTracingOptions {
  /** `service.name`: the function. */
  readonly name: string;
  /** Sampling ratio of traces that start here, 0 to 1. */
  readonly ratio: number;
  readonly exporter: SpanExporter;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
}

export interface SelfTracing extends Tracing {
  /** Sends the spans that are left. */
  close(graceMs: number): Promise<void>;
}

const marksMost = 20_000;
const linksMost = 100;
const propagator = new W3CTraceContextPropagator();

export function createSelfTracing(options: SelfTracingOptions): SelfTracing {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `knspan-${options.name}`, 'service.namespace': 'knspan' }),
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor(options.exporter)],
  });
  return new SdkTracing(provider, options);
}

class SdkTracing implements SelfTracing {
  readonly #provider: BasicTracerProvider;
  readonly #options: SelfTracingOptions;
  readonly #tracer: Tracer;
  readonly #running = new AsyncLocalStorage<Context | undefined>();
  readonly #marks = new TtlCache<SpanContext>({ now: () => 0, max: marksMost });

  constructor(provider: BasicTracerProvider, options: SelfTracingOptions) {
    this.#provider = provider;
    this.#options = options;
    this.#tracer = provider.getTracer('knspan');
  }

  get isRunning(): boolean {
    return this.#running.getStore() !== undefined;
  }

  receive<T>(headers: IncomingHttpHeaders, work: () => T): T {
    const isAsked = headers['traceparent'] !== undefined;
    const parent = isAsked ? propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter) : ROOT_CONTEXT;
    const sender = trace.getSpanContext(parent);
    const isTraced = sender === undefined ? this.#chance() : (sender.traceFlags & TraceFlags.SAMPLED) !== 0;
    if (!isTraced) return this.#apart(work);
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

  start<T>(name: string, work: () => T): T {
    return this.#chance() ? this.#run(name, { root: true, kind: SpanKind.PRODUCER }, ROOT_CONTEXT, work) : this.#apart(work);
  }

  origin(): Origin | null {
    const { traceparent } = this.headers();
    return traceparent === undefined ? null : [traceparent, performance.timeOrigin + performance.now()];
  }

  after<T>(name: string, origins: readonly Origin[], work: () => T): T {
    const latest = origins.reduce<Origin | null>((last, origin) => (last && last[1] >= origin[1] ? last : origin), null);
    const parent = latest && spanOf(latest);
    if (!parent) return this.#apart(work);
    // Not to its parent: Jaeger would show a link instead of the parent.
    const others = new Map(origins.map((origin) => [origin[0], origin]));
    others.delete(latest[0]);
    const links = [...others.values()].slice(0, linksMost).flatMap((origin) => {
      const context = spanOf(origin);
      return context ? [{ context }] : [];
    });
    return this.#run(name, { links }, trace.setSpanContext(ROOT_CONTEXT, parent), work);
  }

  below<T>(key: string, name: string, work: () => T): T {
    const context = this.#marks.get(key);
    if (context === undefined) return this.#apart(work);
    const parent = trace.setSpanContext(ROOT_CONTEXT, context);
    return this.#run(name, { kind: SpanKind.PRODUCER }, parent, work);
  }

  past(name: string, began: number): void {
    const parent = this.#running.getStore();
    if (parent !== undefined) this.#tracer.startSpan(name, { startTime: began }, parent).end();
  }

  mark(key: string): void {
    const context = trace.getSpanContext(this.#running.getStore() ?? ROOT_CONTEXT);
    if (context !== undefined) this.#marks.set(key, context);
  }

  headers(): Record<string, string> {
    const headers: Record<string, string> = {};
    const running = this.#running.getStore();
    if (running !== undefined) propagator.inject(running, headers, defaultTextMapSetter);
    return headers;
  }

  async close(graceMs: number): Promise<void> {
    await within(
      this.#provider.shutdown().catch(() => undefined),
      graceMs,
      systemClock(),
      undefined,
    );
  }

  /** A sweep triggered by a request is not part of that request: detach it from the request's span. */
  #apart<T>(work: () => T): T {
    return this.isRunning ? this.#running.run(undefined, work) : work();
  }

  #chance(): boolean {
    return this.#options.random() < this.#options.ratio;
  }

  #run<T>(name: string, options: SpanOptions, parent: Context, work: () => T): T {
    const span = this.#tracer.startSpan(name, options, parent);
    try {
      const result = this.#running.run(trace.setSpan(parent, span), work);
      if (!(result instanceof Promise)) {
        span.end();
        return result;
      }
      // The caller gets the original promise.
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

function spanOf([traceparent]: Origin): SpanContext | undefined {
  return trace.getSpanContext(propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter));
}

function failed(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
  span.end();
}
