/** A backend for OTLP/HTTP in tests: keeps every request (JSON and protobuf, plain and gzip), and fails on demand. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { parseOtlpRequest } from '../../shared/spans/parse-otlp.ts';
import type { Span } from '../../shared/spans/span.ts';
import { partialSuccess, readTraceRequest } from './protobuf.ts';

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly encoding: 'json' | 'protobuf';
  readonly cluster: string;
  readonly spans: readonly Span[];
  /** What was answered; 0: nothing. */
  readonly status: number;
}

export type Behaviour =
  | { readonly kind: 'take' }
  | { readonly kind: 'take in part'; readonly rejected: number; readonly message: string }
  | { readonly kind: 'fail'; readonly status: number; readonly retryAfter?: string; readonly body?: string }
  /** Reads the request and never answers. */
  | { readonly kind: 'hang' }
  /** Answers a byte at a time, without an end. */
  | { readonly kind: 'drip' }
  /** Breaks the connection. */
  | { readonly kind: 'reset' };

export class OtlpReceiver {
  readonly requests: ReceivedRequest[] = [];
  /** For the next requests, one each; then `behaviour`. */
  readonly next: Behaviour[] = [];
  behaviour: Behaviour = { kind: 'take' };
  /** What it takes it answers so much later, ms. */
  slowMs = 0;
  /** Connections ever opened. */
  connections = 0;
  readonly #server: Server;
  readonly #drips = new Set<NodeJS.Timeout>();
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => this.#take(request, response));
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  /** Also again, on the same port, after `stop`. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    const address = this.#server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
    return `http://127.0.0.1:${this.#port}`;
  }

  async stop(): Promise<void> {
    for (const drip of this.#drips) clearInterval(drip);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Answers that drip now. */
  get dripping(): number {
    return this.#drips.size;
  }

  /** Those that were answered with 200, copies too. */
  get taken(): readonly Span[] {
    return this.requests.filter((request) => request.status === 200).flatMap((request) => request.spans);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const raw = Buffer.concat(chunks);
    const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    const encoding = request.headers['content-type'] === 'application/x-protobuf' ? 'protobuf' : 'json';
    const parsed = parseOtlpRequest(encoding === 'protobuf' ? readTraceRequest(bytes) : JSON.parse(bytes.toString('utf8')));
    const behaviour: Behaviour = parsed.ok ? (this.next.shift() ?? this.behaviour) : { kind: 'fail', status: 400 };
    const { cluster, spans } = parsed.ok ? parsed.data : { cluster: '', spans: [] };
    const status = behaviour.kind.startsWith('take') ? 200 : behaviour.kind === 'fail' ? behaviour.status : 0;
    this.requests.push({ path: request.url ?? '', headers: request.headers, encoding, cluster, spans, status });
    if (this.slowMs > 0) await pause(this.slowMs);
    this.#answer(response, behaviour, encoding);
  }

  #answer(response: ServerResponse, behaviour: Behaviour, encoding: 'json' | 'protobuf'): void {
    response.setHeader('content-type', encoding === 'json' ? 'application/json' : 'application/x-protobuf');
    if (behaviour.kind === 'take') response.end(encoding === 'json' ? '{}' : '');
    else if (behaviour.kind === 'take in part') {
      const { rejected, message } = behaviour;
      const json = JSON.stringify({ partialSuccess: { rejectedSpans: String(rejected), errorMessage: message } });
      response.end(encoding === 'json' ? json : partialSuccess(rejected, message));
    } else if (behaviour.kind === 'fail') {
      if (behaviour.retryAfter !== undefined) response.setHeader('retry-after', behaviour.retryAfter);
      response.writeHead(behaviour.status).end(behaviour.body ?? '');
    } else if (behaviour.kind === 'drip') {
      response.write(' ');
      const drip = setInterval(() => response.write(' '), 5);
      this.#drips.add(drip);
      response.on('close', () => {
        clearInterval(drip);
        this.#drips.delete(drip);
      });
    } else if (behaviour.kind === 'reset') response.destroy();
  }
}
