/** The function with a clock that is moved by hand, and a sink that keeps what it is sent. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { startRuntimeSpans } from '../../../functions/runtime-spans/index.ts';
import { MemorySpanStore } from '../../../functions/runtime-spans/store/memory.ts';
import { defaultBounds, type SpanStore } from '../../../functions/runtime-spans/store/span-store.ts';
import { field, isJson } from '../../../shared/events/json.ts';
import type { Sink, SinkOutcome } from '../../../shared/http/sink.ts';
import { ManualClock } from '../../../shared/process/clock.ts';
import type { Environment } from '../../../shared/process/settings.ts';
import { parseOtlpRequest } from '../../../shared/spans/parse-otlp.ts';
import { toSegmentEvents } from '../../../shared/spans/segment-event.ts';
import type { Segment, Span } from '../../../shared/spans/span.ts';
import { metricOf, surroundingsFor } from '../../helpers/surroundings.ts';
import { otlpProtobuf } from './otlp-protobuf.ts';

export interface RigOptions {
  readonly now: number;
  readonly store?: SpanStore;
  readonly env?: Environment;
}

export class Rig implements Sink {
  readonly clock: ManualClock;
  /** Bodies of what came to the sink. */
  readonly late: string[] = [];
  /** What the sink answers. */
  outcome: SinkOutcome = { kind: 'accepted' };
  readonly store: SpanStore;
  #running: Awaited<ReturnType<typeof startRuntimeSpans>> | null = null;
  #surroundings: ReturnType<typeof surroundingsFor>;

  private constructor({ now, store, env = {} }: RigOptions) {
    this.clock = new ManualClock(now);
    this.store = store ?? new MemorySpanStore(() => this.clock.now(), defaultBounds);
    this.#surroundings = surroundingsFor(env, this.clock);
  }

  static async start(options: RigOptions): Promise<Rig> {
    const rig = new Rig(options);
    rig.#running = await startRuntimeSpans(rig.#surroundings, { store: rig.store, sink: rig, beats: false });
    return rig;
  }

  get url(): string {
    return this.#running?.url ?? '';
  }

  async send(body: string): Promise<SinkOutcome> {
    if (this.outcome.kind === 'accepted') this.late.push(body);
    return this.outcome;
  }

  close(): void {}

  async stop(): Promise<void> {
    await this.#running?.close(0);
  }

  sweep(): Promise<void> {
    return this.#running?.sweep() ?? Promise.resolve();
  }

  async metric(name: string): Promise<number> {
    return metricOf(await this.#surroundings.metrics.text(), name);
  }

  /** Posts an OTLP request and wants it taken. */
  async spans(request: unknown, encoding: 'json' | 'protobuf' = 'json', gzip = false): Promise<void> {
    const body = encoding === 'json' ? Buffer.from(JSON.stringify(request)) : otlpProtobuf(request);
    const { status } = await this.post(gzip ? gzipSync(body) : body, {
      'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    });
    assert.equal(status, 200);
  }

  post(body: string | Buffer, headers: Readonly<Record<string, string>>): Promise<Response> {
    const bytes = Buffer.isBuffer(body) ? new Uint8Array(body) : body;
    return fetch(`${this.url}/v1/traces`, { method: 'POST', body: bytes, headers });
  }

  /** Posts a segment in its events; the runtime spans of the replies. */
  async segment(segment: Segment): Promise<Span[]> {
    const spans: Span[] = [];
    for (const { body } of toSegmentEvents(segment, { source: '/test' })) {
      const response = await this.event(body);
      const text = await response.text();
      assert.ok(response.status === 200 || response.status === 204, `${response.status} ${text}`);
      if (response.status === 200) {
        assert.equal(response.headers.get('ce-type'), 'dev.knspan.trace.segment.runtime');
        spans.push(...spansIn(JSON.parse(text)));
      }
    }
    return spans;
  }

  event(body: string, headers: Readonly<Record<string, string>> = { prefer: 'reply' }): Promise<Response> {
    return fetch(this.url, { method: 'POST', body, headers: { 'content-type': 'application/cloudevents+json', ...headers } });
  }

  /** Spans that came to the sink. */
  lateSpans(): Span[] {
    return this.late.flatMap((body) => {
      const event: unknown = JSON.parse(body);
      assert.equal(field(event, 'type'), 'dev.knspan.trace.segment.runtime');
      assert.ok(isJson(event));
      return spansIn(event['data']);
    });
  }
}

export function spansIn(data: unknown): Span[] {
  const parsed = parseOtlpRequest(data);
  return parsed.ok ? [...parsed.data.spans] : assert.fail(parsed.faults.join());
}
