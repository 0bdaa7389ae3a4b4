/**
 * A function as an HTTP server: CloudEvents in by `POST /`, health and metrics beside it, bounds on everything a sender controls.
 * What a Broker makes of an answer: 2xx delivered, 404, 408, 409, 429 and 5xx retried, any other 4xx final.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { CloudEvent } from 'cloudevents';
import express from 'express';
import { contentMode, parseHttp, type ReceivedEvent, toHttp } from '../cloudevent/http.ts';
import { type Body, BodyReader } from './body.ts';
import { type Log, messageOf } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface Answer {
  /** 200, 202 or 204 when taken; 4xx when it never will be; 503 when it should come again. */
  readonly status: number;
  readonly retryAfterSeconds?: number;
  /** Sent with status 200: the one event that a reply may carry. */
  readonly reply?: CloudEvent<unknown>;
  /** One sentence for the sender's log and the dead letter. */
  readonly reason?: string;
}

export interface FunctionOptions {
  readonly name: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** true, or why not. */
  readonly ready: () => true | string;
  readonly handle: (events: readonly ReceivedEvent[], request: { readonly batch: boolean }) => Promise<Answer>;
  readonly bodyLimit?: number;
  readonly bounds?: Partial<ServerBounds>;
  /** Runs once the requests in flight are answered, with the time that is left: the place to push what is pending. */
  readonly beforeClose?: (graceMs: number) => Promise<void>;
}

export interface RunningFunction {
  readonly port: number;
  readonly url: string;
  /** Not ready any more, no new connections, requests in flight finished or cut at the end of the grace period. */
  close(graceMs: number): Promise<void>;
}

export interface ServerBounds {
  readonly requestsAtOnce: number;
  readonly bodiesAtOnce: number;
  readonly connections: number;
  readonly headers: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly checkConnectionsMs: number;
}

const mebibyte = 1024 * 1024;
const bodyLimit = 3 * mebibyte;
const headerBytesMost = 16 * 1024;
/** Above the 90 s after which Go's pool in queue-proxy lets an idle connection go: the sender must be the one to close. */
const keepAliveMs = 95_000;
const bounds: ServerBounds = {
  requestsAtOnce: 1_000,
  bodiesAtOnce: 64 * mebibyte,
  connections: 4_000,
  headers: 128,
  // Go also keeps connections in its pool on which it has not sent anything yet, so this too stays above 90 s.
  headersTimeoutMs: 100_000,
  requestTimeoutMs: 300_000,
  checkConnectionsMs: 5_000,
};
const badInputPerMinute = 20;

export const outcomes = [
  'accepted',
  'refused',
  'unavailable',
  'failed',
  'bad_event',
  'bad_type',
  'too_large',
  'overloaded',
  'bad_path',
  'bad_http',
] as const;
type Outcome = (typeof outcomes)[number];

export async function serveFunction(options: FunctionOptions): Promise<RunningFunction> {
  const front = new Front(options);
  const limits = front.bounds;
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.checkConnectionsMs,
      maxHeaderSize: headerBytesMost,
    },
    front.listener(),
  );
  // Node drops what exceeds this in silence, so one more is let through and refused.
  server.maxHeadersCount = limits.headers + 1;
  server.maxConnections = limits.connections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => front.badHttp(error, socket));
  const host = options.host ?? '0.0.0.0';
  await listen(server, options.port, host);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  options.log.info('listening', { port });
  return {
    port,
    url: `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`,
    close: (graceMs) => front.close(server, graceMs),
  };
}

/** What a request meets, from outside to the handler. */
class Front {
  readonly #options: FunctionOptions;
  readonly bounds: ServerBounds;
  readonly #bodies: BodyReader;
  readonly #count: (outcome: Outcome) => void;
  #underWay = 0;
  #closing: Promise<void> | undefined;

  constructor(options: FunctionOptions) {
    this.#options = options;
    this.bounds = { ...bounds, ...options.bounds };
    this.#bodies = new BodyReader({ most: options.bodyLimit ?? bodyLimit, mostAtOnce: this.bounds.bodiesAtOnce });
    const requests = options.metrics.counter('knspan_requests_total', 'Requests by outcome', { outcome: outcomes });
    this.#count = (outcome) => requests.add({ outcome });
  }

  /** What has to be fast goes past the routing of express, which costs as much as reading the event. */
  listener(): (request: IncomingMessage, response: ServerResponse) => void {
    const app = this.#app();
    return (request, response) => {
      if (request.method === 'POST' && request.url === '/') void this.#take(request, response);
      else app(request, response);
    };
  }

  #app(): express.Express {
    const app = express();
    app.disable('x-powered-by').disable('etag').set('query parser', false).enable('case sensitive routing').enable('strict routing');
    // With a query, say.
    app.post('/', (request, response) => this.#take(request, response));
    app.get('/health/liveness', (_, response) => this.#send(response, { status: 200 }));
    app.get('/health/readiness', (_, response) => this.#send(response, this.#readiness()));
    app.get('/metrics', async (_, response) => {
      const text = await this.#options.metrics.text();
      response.writeHead(200, { 'content-type': this.#options.metrics.contentType }).end(text);
    });
    const permitted: Readonly<Record<string, string>> = {
      '/': 'POST',
      '/health/liveness': 'GET',
      '/health/readiness': 'GET',
      '/metrics': 'GET',
    };
    app.use((request: IncomingMessage & { path: string }, response: ServerResponse) => {
      const allow = Object.hasOwn(permitted, request.path) ? permitted[request.path] : undefined;
      if (allow === undefined) return this.#refuse(response, 'bad_path', 404, 'Cannot find this path: wanted POST /');
      response.setHeader('allow', allow);
      this.#refuse(response, 'bad_path', 405, `Cannot use this method here: wanted ${allow}`);
    });
    app.use((error: unknown, _request: IncomingMessage, response: ServerResponse, _next: () => void) => this.#failed(response, error));
    return app;
  }

  badHttp(error: NodeJS.ErrnoException, socket: NodeJS.WritableStream & { destroy(): unknown }): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    this.#count('bad_http');
    const status =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  close(server: Server, graceMs: number): Promise<void> {
    this.#closing ??= this.#close(server, graceMs);
    return this.#closing;
  }

  async #close(server: Server, graceMs: number): Promise<void> {
    const end = performance.now() + graceMs;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(cut);
    await this.#options.beforeClose?.(Math.max(0, end - performance.now()));
    this.#options.log.info('stopped');
  }

  #readiness(): Answer {
    if (this.#closing !== undefined) return { status: 503, reason: 'stopping' };
    const ready = this.#options.ready();
    return ready === true ? { status: 200 } : { status: 503, reason: ready };
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#underWay >= this.bounds.requestsAtOnce) {
      return this.#refuse(response, 'overloaded', 503, 'Cannot take more requests at once', 1);
    }
    this.#underWay += 1;
    try {
      await this.#answer(request, response);
    } catch (error) {
      this.#failed(response, error);
    } finally {
      this.#underWay -= 1;
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
      return this.#refuse(response, 'bad_type', 415, 'Cannot read the body: wanted no content encoding', 0, request);
    if (request.rawHeaders.length > this.bounds.headers * 2)
      return this.#refuse(response, 'bad_http', 431, `Cannot read the request: wanted at most ${this.bounds.headers} headers`, 0, request);
    const mode = contentMode(request.headers);
    const body = await this.#bodies.read(request);
    try {
      if (body.kind !== 'read') return this.#unread(body.kind, request, response);
      if (mode === null)
        return this.#refuse(
          response,
          'bad_type',
          415,
          'Cannot read the request: wanted a CloudEvent 1.0 in binary, structured or batch mode',
        );
      const parsed = parseHttp(request.headers, body.bytes);
      if (!parsed.ok) return this.#refuse(response, 'bad_event', 400, parsed.reason, 0, request);
      const answer = await this.#options.handle(parsed.value, { batch: mode === 'batch' });
      this.#count(answer.status < 300 ? 'accepted' : answer.status < 500 ? 'refused' : 'unavailable');
      this.#send(response, answer);
    } finally {
      this.#bodies.release(body);
    }
  }

  #unread(kind: Exclude<Body['kind'], 'read'>, request: IncomingMessage, response: ServerResponse): void {
    if (kind === 'gone') return this.#count('bad_http');
    if (!request.complete) response.setHeader('connection', 'close');
    if (kind === 'no room') return this.#refuse(response, 'overloaded', 503, 'Cannot take more bodies at once', 1);
    const most = this.#options.bodyLimit ?? bodyLimit;
    this.#refuse(response, 'too_large', 413, `Cannot read the body: wanted at most ${most} bytes`, 0, request);
  }

  #refuse(
    response: ServerResponse,
    outcome: Outcome,
    status: number,
    reason: string,
    retryAfterSeconds = 0,
    request?: IncomingMessage,
  ): void {
    this.#count(outcome);
    if (request !== undefined) {
      const { 'content-type': contentType, 'ce-type': type, 'ce-source': source, 'ce-id': id } = request.headers;
      this.#options.log.sampled(outcome, badInputPerMinute)?.warn('refused a request', { status, reason, contentType, type, source, id });
    }
    this.#send(response, { status, reason, ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}) });
  }

  #failed(response: ServerResponse, error: unknown): void {
    this.#count('failed');
    this.#options.log.error('failed to handle a request', { reason: messageOf(error), stack: error instanceof Error ? error.stack : '' });
    if (response.headersSent) response.destroy();
    else this.#send(response, { status: 500, reason: 'Cannot handle the request: internal error' });
  }

  #send(response: ServerResponse, answer: Answer): void {
    const headers: Record<string, string> = {};
    if (answer.retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.ceil(answer.retryAfterSeconds));
    if (this.#closing !== undefined) headers['connection'] = 'close';
    if (answer.reply !== undefined) {
      const reply = toHttp(answer.reply);
      response.writeHead(200, { ...reply.headers, ...headers }).end(reply.body);
    } else if (answer.status < 300 || answer.reason === undefined) {
      // An empty body: any other text in a 2xx is a failed delivery to a Broker.
      if (answer.status !== 204) headers['content-length'] = '0';
      response.writeHead(answer.status, headers).end();
    } else {
      headers['content-type'] = 'text/plain; charset=utf-8';
      headers['content-length'] = String(Buffer.byteLength(answer.reason));
      response.writeHead(answer.status, headers).end(answer.reason);
    }
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
