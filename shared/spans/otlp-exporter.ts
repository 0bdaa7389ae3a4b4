/**
 * OTLP over HTTP: one call per export, with an outcome. It is made of the parts that OpenTelemetry's own exporters are made of
 * (`exporter-trace-otlp-http` is a constructor around them), because those exporters do not pass on that a backend has rejected some of
 * the spans.
 *
 * Each export in flight has a lane: a transport with one connection, so that an export that hangs can be cut off without touching others.
 * The transport's own timeout is one of silence and its retries may exceed any bound; the deadline is ours.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { CompressionAlgorithm, OTLPExporterBase, type OTLPExporterNodeConfigBase } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import {
  type ISerializer,
  JsonTraceSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
} from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { field, textField } from '../events/json.ts';
import { systemClock } from '../process/clock.ts';
import { within } from '../process/timeout.ts';

export const otlpProtocols = ['http/protobuf', 'http/json'] as const;
export type OtlpProtocol = (typeof otlpProtocols)[number];

/** An absent option is taken from the environment, else from the OpenTelemetry specification. */
export interface OtlpOptions {
  readonly protocol: OtlpProtocol;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly compression?: 'none' | 'gzip';
  /** Of one export including the transport's own retries. */
  readonly timeoutMs?: number;
  /** Of one export, whatever happens. */
  readonly deadlineMs?: number;
  /** Exports at a time. */
  readonly connectionsMax?: number;
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

export type ExportOutcome =
  /** `rejected`: spans that the backend dropped for good, and its reason. */
  | { readonly kind: 'accepted'; readonly rejected: number; readonly reason: string }
  | { readonly kind: 'retry'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string };

export interface OtlpExporter {
  export(spans: ReadableSpan[]): Promise<ExportOutcome>;
  /** Waits for exports in flight, at most this long. */
  close(graceMs?: number): Promise<void>;
}

/** Below the 10 s after which backends written in Go are known to close idle connections. */
const idleMs = 8_000;
const connectionsMaxDefault = 64;
const reasonMax = 200;
const clock = systemClock();
const compressions = { none: CompressionAlgorithm.NONE, gzip: CompressionAlgorithm.GZIP } as const;
const formats = {
  'http/json': { serializer: JsonTraceSerializer, contentType: 'application/json' },
  'http/protobuf': { serializer: ProtobufTraceSerializer, contentType: 'application/x-protobuf' },
} as const;

export function createOtlpExporter(options: OtlpOptions): OtlpExporter {
  return new LaneExporter(options);
}

class LaneExporter implements OtlpExporter {
  readonly #options: OtlpOptions;
  readonly #lanes = new Set<Lane>();
  /** The last used first: few connections stay open. */
  readonly #idle: Lane[] = [];
  readonly #running = new Set<Promise<ExportOutcome>>();

  constructor(options: OtlpOptions) {
    this.#options = options;
  }

  export(spans: ReadableSpan[]): Promise<ExportOutcome> {
    const lane = this.#idle.pop() ?? this.#newLane();
    if (lane === null) return Promise.resolve({ kind: 'retry', reason: 'too many exports are running' });
    const { deadlineMs } = this.#options;
    const sent = this.#send(lane, spans);
    if (deadlineMs === undefined) return sent;
    return within(sent, deadlineMs, clock, { kind: 'retry', reason: `the backend did not answer within ${deadlineMs} ms` });
  }

  async close(graceMs?: number): Promise<void> {
    const ended = Promise.all(this.#running);
    await (graceMs === undefined ? ended : within(ended, graceMs, clock, []));
    for (const lane of this.#lanes) lane.cut();
  }

  #newLane(): Lane | null {
    if (this.#lanes.size >= (this.#options.connectionsMax ?? connectionsMaxDefault)) return null;
    const lane = new Lane(this.#options);
    this.#lanes.add(lane);
    return lane;
  }

  async #send(lane: Lane, spans: ReadableSpan[]): Promise<ExportOutcome> {
    const { deadlineMs } = this.#options;
    // A backend that sends a byte now and then would keep its lane for ever.
    const cut = deadlineMs === undefined ? undefined : setTimeout(() => lane.cut(), 2 * deadlineMs).unref();
    const sent = lane.export(spans);
    this.#running.add(sent);
    const outcome = await sent;
    this.#running.delete(sent);
    clearTimeout(cut);
    if (lane.isCut) this.#lanes.delete(lane);
    else this.#idle.push(lane);
    return outcome;
  }
}

/** The options as OpenTelemetry's exporters take them. `onAgent` is given the pool of connections when that is made. */
export function sdkConfigOf(
  { url, headers, compression, timeoutMs, tls = {} }: OtlpOptions,
  onAgent: (agent: HttpAgent) => void = () => {},
): OTLPExporterNodeConfigBase {
  return {
    ...(url === undefined ? {} : { url }),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    ...(timeoutMs === undefined ? {} : { timeoutMillis: timeoutMs }),
    ...(compression === undefined ? {} : { compression: compressions[compression] }),
    httpAgentOptions: (scheme: string) => {
      const pool = { keepAlive: true, timeout: idleMs, maxSockets: 1 };
      const agent = scheme === 'https:' ? new HttpsAgent({ ...pool, ...tls }) : new HttpAgent(pool);
      onAgent(agent);
      return agent;
    },
  };
}

/** One export at a time. */
class Lane {
  readonly #exporter: OTLPExporterBase<ReadableSpan[]>;
  readonly #agents: HttpAgent[] = [];
  #rejected = 0;
  #reason = '';
  isCut = false;

  constructor(options: OtlpOptions) {
    const { serializer, contentType } = formats[options.protocol];
    const config = sdkConfigOf(options, (agent) => this.#agents.push(agent));
    const reporting: ISerializer<ReadableSpan[], unknown> = {
      serializeRequest: (spans) => serializer.serializeRequest(spans),
      deserializeResponse: (bytes) => this.#note(serializer.deserializeResponse(bytes)),
    };
    const http = convertLegacyHttpOptions(config, 'TRACES', 'v1/traces', { 'Content-Type': contentType });
    this.#exporter = new OTLPExporterBase(createOtlpHttpExportDelegate(http, reporting, 'knspan', TraceExporterMetricsHelper, undefined));
  }

  export(spans: ReadableSpan[]): Promise<ExportOutcome> {
    this.#rejected = 0;
    this.#reason = '';
    return new Promise((resolve) => {
      try {
        this.#exporter.export(spans, ({ code, error }) =>
          resolve(code === 0 ? { kind: 'accepted', rejected: this.#rejected, reason: this.#reason } : outcomeOf(error)),
        );
      } catch (error) {
        resolve({ kind: 'rejected', reason: `the spans cannot be encoded as OTLP: ${String(error)}` });
      }
    });
  }

  /** Ends the export in flight; no other follows. */
  cut(): void {
    this.isCut = true;
    for (const agent of this.#agents) agent.destroy();
  }

  /** Notes what the backend has rejected. The base would write what is returned to the diagnostic log of the process: nothing. */
  #note(response: unknown): undefined {
    const partial = field(response, 'partialSuccess');
    const rejected = Number(field(partial, 'rejectedSpans') ?? 0);
    this.#rejected = rejected > 0 ? rejected : 0;
    this.#reason = textField(partial, 'errorMessage');
  }
}

/** Responses that speak of the spans. The others that OTLP does not retry speak of a key, an address or a backend to be put right. */
const aboutTheSpans = [400, 413, 422];

/** Only an answer of the backend is final: the error then has the status that OTLP does not permit to retry. */
function outcomeOf(error: Error | undefined): ExportOutcome {
  const status = field(error, 'code');
  const text = textField(error, 'data', reasonMax)
    .replaceAll(/[^\u0020-\u007e]+/g, ' ')
    .trim();
  if (typeof status === 'number')
    return {
      kind: aboutTheSpans.includes(status) ? 'rejected' : 'retry',
      reason: `the backend answered ${status} ${error?.message ?? ''}`.trim() + (text === '' ? '' : `: ${text}`),
    };
  return { kind: 'retry', reason: error?.message || String(status ?? 'the backend refused') };
}
