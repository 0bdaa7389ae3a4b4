/**
 * The official OTLP/HTTP exporters as one call with an outcome. They tell less than a function must know: that a backend took only a
 * part goes to a diagnostic log alone, and their retries and their timeout (of silence, not of the whole) may exceed any bound.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { field, textField } from '../events/json.ts';

export const otlpProtocols = ['http/protobuf', 'http/json'] as const;
export type OtlpProtocol = (typeof otlpProtocols)[number];

/** What is absent the exporter takes from the environment, else from the OpenTelemetry specification. */
export interface OtlpOptions {
  readonly protocol: OtlpProtocol;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly compression?: 'none' | 'gzip';
  /** Of one export with the exporter's own retries. */
  readonly timeoutMs?: number;
  /** Of one export, whatever happens. */
  readonly deadlineMs?: number;
  /** Together with `tls`, in place of the exporter's own connections. */
  readonly connectionsMost?: number;
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
}

export type ExportOutcome =
  /** `rejected` spans the backend dropped for good, with its reason. */
  | { readonly kind: 'accepted'; readonly rejected: number; readonly reason: string }
  | { readonly kind: 'retry'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string };

export interface OtlpExporter {
  export(spans: ReadableSpan[]): Promise<ExportOutcome>;
  /** Waits for what is under way, at most so long. */
  close(graceMs?: number): Promise<void>;
}

interface Exporter {
  export(spans: ReadableSpan[], done: (result: { code: number; error?: Error }) => void): void;
  shutdown(): Promise<void>;
}

interface PartialSuccess {
  rejected: number;
  reason: string;
}

/** Below the 10 s after which backends written in Go are known to close idle connections. */
const idleMs = 8_000;
const connectionsMost = 64;
const saidMost = 200;
/** Which export the diagnostic log speaks of: that log is one for the whole process. */
const running = new AsyncLocalStorage<PartialSuccess>();

export async function createOtlpExporter(options: OtlpOptions): Promise<OtlpExporter> {
  listenToDiagnostics();
  const agents: HttpAgent[] = [];
  const { headers, url, compression, timeoutMs, tls } = options;
  const most = options.connectionsMost ?? connectionsMost;
  const config = {
    ...(url === undefined ? {} : { url }),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    ...(timeoutMs === undefined ? {} : { timeoutMillis: timeoutMs }),
    ...(tls === undefined ? {} : { httpAgentOptions: (protocol: string) => agentOf(protocol, tls, most, agents) }),
    ...(compression === undefined ? {} : { compression }),
    concurrencyLimit: most,
  };
  const exporter = await load(options.protocol, config);
  return new Exports(exporter, options.deadlineMs, () => {
    for (const agent of agents) agent.destroy();
  });
}

/** Only the one that is asked for is loaded. The options go as a bare object: their names for compressions are a type of a package within. */
async function load(protocol: OtlpProtocol, config: object): Promise<Exporter> {
  const { OTLPTraceExporter } = protocol === 'http/json' ? await import('./exporter-json.ts') : await import('./exporter-protobuf.ts');
  return new OTLPTraceExporter(config);
}

function agentOf(protocol: string, tls: NonNullable<OtlpOptions['tls']>, maxSockets: number, agents: HttpAgent[]): HttpAgent {
  const pool = { keepAlive: true, timeout: idleMs, maxSockets };
  const agent = protocol === 'https:' ? new HttpsAgent({ ...pool, ...tls }) : new HttpAgent(pool);
  agents.push(agent);
  return agent;
}

class Exports implements OtlpExporter {
  readonly #exporter: Exporter;
  readonly #deadlineMs: number | undefined;
  readonly #disconnect: () => void;

  constructor(exporter: Exporter, deadlineMs: number | undefined, disconnect: () => void) {
    this.#exporter = exporter;
    this.#deadlineMs = deadlineMs;
    this.#disconnect = disconnect;
  }

  export(spans: ReadableSpan[]): Promise<ExportOutcome> {
    const partial: PartialSuccess = { rejected: 0, reason: '' };
    return new Promise((resolve) => {
      const timers: NodeJS.Timeout[] = [];
      const deadline = this.#deadlineMs;
      if (deadline !== undefined) {
        timers.push(setTimeout(() => resolve({ kind: 'retry', reason: `the backend did not answer within ${deadline} ms` }), deadline));
        // A backend that sends a byte now and then would keep its place among the exports for ever.
        timers.push(setTimeout(this.#disconnect, deadline * 2).unref());
      }
      const done = ({ code, error }: { code: number; error?: Error }) => {
        for (const timer of timers) clearTimeout(timer);
        resolve(code === 0 ? { kind: 'accepted', ...partial } : outcomeOf(error));
      };
      running.run(partial, () => {
        try {
          this.#exporter.export(spans, done);
        } catch (error) {
          for (const timer of timers) clearTimeout(timer);
          resolve({ kind: 'rejected', reason: `the spans cannot be put into OTLP: ${String(error)}` });
        }
      });
    });
  }

  async close(graceMs?: number): Promise<void> {
    const ended = this.#exporter.shutdown();
    if (graceMs === undefined) await ended;
    else {
      const enough = new AbortController();
      await Promise.race([ended, sleep(graceMs, undefined, { signal: enough.signal }).catch(() => undefined)]);
      enough.abort();
    }
    this.#disconnect();
  }
}

/** These speak of what was sent. The others of which OTLP wants no retry speak of a key, an address or a backend that somebody must put right. */
const aboutTheSpans = [400, 413, 422];

/** Only an answer of the backend is final: the exporter tells a status with it where OTLP says that it must not be retried. */
function outcomeOf(error: Error | undefined): ExportOutcome {
  const status = field(error, 'code');
  const said = textField(error, 'data', saidMost)
    .replaceAll(/[^\u0020-\u007e]+/g, ' ')
    .trim();
  if (typeof status === 'number')
    return {
      kind: aboutTheSpans.includes(status) ? 'rejected' : 'retry',
      reason: `the backend answered ${status} ${error?.message ?? ''}`.trim() + (said === '' ? '' : `: ${said}`),
    };
  return { kind: 'retry', reason: error?.message || String(status ?? 'the backend refused') };
}

let listening = false;

function listenToDiagnostics(): void {
  if (listening) return;
  listening = true;
  const warn = (_: string, said?: unknown) => {
    const partial = running.getStore();
    const answer = typeof said === 'string' ? parsed(said) : null;
    const rejected = Number(field(answer, 'rejectedSpans') ?? 0);
    if (partial === undefined || !(rejected >= 0)) return;
    partial.rejected += rejected;
    partial.reason = textField(answer, 'errorMessage');
  };
  const nothing = () => {};
  diag.setLogger(
    { error: nothing, warn, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
