/**
 * OTLP over HTTP: one call per export, with an outcome. Built from the parts of OpenTelemetry's exporters (`exporter-trace-otlp-http` is
 * a constructor around them), because those exporters do not report partial success.
 *
 * Each export in flight has a lane: a transport with one connection, so that a hanging export can be aborted without affecting others. The
 * transport's timeout covers inactivity only and its retries are unbounded; hence the deadline here.
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

/** Default of an absent option: the environment, else the OpenTelemetry specification. */
export interface OtlpOptions {
  readonly protocol: OtlpProtocol;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly compression?: 'none' | 'gzip';
  /** Of one export, including the transport's retries. */
  readonly timeoutMs?: number;
  /** Hard limit of one export. */
  readonly deadlineMs?: number;
  /** Max concurrent exports. */
  readonly connectionsMax?: number;
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

export type ExportOutcome =
  /** `rejected`: number of spans that the backend has dropped, and its reason. */
  | { readonly kind: 'accepted'; readonly rejected: number; readonly reason: string }
  | { readonly kind: 'retry'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string };

export interface OtlpExporter {
  export(spans: ReadableSpan[]): Promise<ExportOutcome>;
  /** Waits for exports in flight, up to `graceMs`. */
  close(graceMs?: number): Promise<void>;
}

/** Below the 10 s after which some Go backends close idle connections. */
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
  /** Most recently used first, so that few connections stay open. */
  readonly #idle: Lane[] = [];
  readonly #running = new Set<Promise<ExportOutcome>>();

  constructor(options: OtlpOptions) {
    this.#options = options;
  }

  export(spans: ReadableSpan[]): Promise<ExportOutcome> {
    const lane = this.#idle.pop() ?? this.#newLane();
    if (lane === null) return Promise.resolve({ kind: 'retry', reason: 'too many concurrent exports' });
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
    // A backend that sends a byte now and then would keep its lane forever.
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

/** The options in the form of OpenTelemetry's exporters. `onAgent` receives the connection pool when it is created. */
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

/** A transport for one export at a time. */
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

  /** Aborts the export in flight and closes the lane. */
  cut(): void {
    this.isCut = true;
    for (const agent of this.#agents) agent.destroy();
  }

  /** Records rejected spans. Returns nothing, since the base class would log it to the diagnostic log of the process. */
  #note(response: unknown): undefined {
    const partial = field(response, 'partialSuccess');
    const rejected = Number(field(partial, 'rejectedSpans') ?? 0);
    this.#rejected = rejected > 0 ? rejected : 0;
    this.#reason = textField(partial, 'errorMessage');
  }
}

/** Responses about the spans themselves. Other non-retryable ones are about a key, an address or a misconfigured backend. */
const aboutTheSpans = [400, 413, 422];

/** Final only if the backend has answered with a status that OTLP does not retry. */
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
