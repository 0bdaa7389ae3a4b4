/**
 * A function as an HTTP server: CloudEvents by `POST /`, health, metrics, and bounds on everything a sender controls. A Broker treats
 * responses as follows: 2xx delivered, 404, 408, 409, 429 and 5xx retried, any other 4xx final.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { CloudEvent } from 'cloudevents';
import { contentMode, parseHttp, type ReceivedEvent, toHttp } from '../events/cloudevents.ts';
import { type Log, messageOf } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import { noTracing, type Tracing } from '../process/tracing.ts';
import { type Body, BodyReader } from './body.ts';
import { bodyLimit, bounds, headerBytesMost, keepAliveMs, type ServerBounds } from './bounds.ts';
import { Connections } from './connections.ts';
import type { Intake } from './intake.ts';
import { listen } from './listen.ts';
import { createRoutes, type RouteHandlers } from './routes.ts';

export interface Answer {
  /** 200, 202 or 204: accepted; 4xx: rejected; 503: to be retried. */
  readonly status: number;
  readonly retryAfterSeconds?: number;
  /** Sent with status 200: the reply event. */
  readonly reply?: CloudEvent<unknown>;
  /** Shown in the sender's log and in the dead letter. */
  readonly reason?: string;
}

export interface RequestFacts {
  readonly batch: boolean;
  /** The path segment after `below`; empty for `POST /`. */
  readonly name: string;
  readonly headers: IncomingHttpHeaders;
}

export interface FunctionOptions {
  readonly name: string;
  /** 0: any free port. */
  readonly port: number;
  /** Absent: all addresses, IPv6 included. */
  readonly host?: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** true, or the reason why not. */
  readonly ready: () => true | string;
  readonly handle: (events: readonly ReceivedEvent[], request: RequestFacts) => Promise<Answer>;
  /** Events are also accepted by `POST <below>NAME`, such as `/dead-letters/`; NAME is a DNS label. */
  readonly below?: string;
  /** Another protocol beside. */
  readonly intake?: Intake;
  readonly tracing?: Tracing | undefined;
  readonly bodyLimit?: number;
  readonly bounds?: Partial<ServerBounds>;
  /** Runs after the requests in flight, with the remaining time, to flush pending work. */
  readonly beforeClose?: (graceMs: number) => Promise<void>;
}

export interface RunningFunction {
  readonly port: number;
  readonly url: string;
  /** Turns unready, stops accepting, and finishes requests in flight or aborts them after the grace period. */
  close(graceMs: number): Promise<void>;
}

const badInputPerMinute = 20;

export const outcomes = [
  'accepted',
  'rejected',
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
  const routes = createRoutes(front.handlers, { below: options.below ?? null, intake: options.intake?.path ?? null });
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.checkConnectionsMs,
      maxHeaderSize: headerBytesMost,
    },
    (request, response) => {
      front.connections.begin(request, response);
      routes(request, response);
    },
  );
  // Node silently drops headers beyond this, so one more is accepted and refused here.
  server.maxHeadersCount = limits.headers + 1;
  server.maxConnections = limits.connections;
  front.connections.watch(server);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => front.badHttp(error, socket));
  const port = await listen(server, options.port, options.host);
  options.log.info('listening', { port });
  return { port, url: `http://${options.host ?? '127.0.0.1'}:${port}`, close: (graceMs) => front.close(server, graceMs) };
}

/** The path of a request to the handler. */
class Front {
  readonly #options: FunctionOptions;
  readonly bounds: ServerBounds;
  readonly connections = new Connections();
  readonly #bodies: BodyReader;
  readonly #count: (outcome: Outcome) => void;
  readonly #tracing: Tracing;
  #underWay = 0;
  #closing: Promise<void> | undefined;

  constructor(options: FunctionOptions) {
    this.#options = options;
    this.#tracing = options.tracing ?? noTracing;
    this.bounds = { ...bounds, ...options.bounds };
    this.#bodies = new BodyReader({
      most: options.bodyLimit ?? bodyLimit,
      mostAtOnce: this.bounds.bodiesAtOnce,
      within: this.bounds.bodyWithinMs,
    });
    const requests = options.metrics.counter('knspan_requests_total', 'Requests by outcome', { outcome: outcomes });
    this.#count = (outcome) => requests.add({ outcome });
  }

  /** Targets of the routes. */
  readonly handlers: RouteHandlers = {
    event: (request, response, name) => this.#take(request, response, () => this.#answer(request, response, name)),
    intake: (request, response) => this.#take(request, response, () => this.#takeIn(request, response)),
    liveness: (_, response) => this.#send(response, { status: 200 }),
    readiness: (_, response) => this.#send(response, this.#readiness()),
    metrics: async (_, response) => {
      const { metrics } = this.#options;
      const text = await metrics.text();
      response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
    },
    refuse: (response, status, reason) => this.#refuse(response, 'bad_path', status, reason),
    failed: (response, error) => this.#failed(response, error),
  };

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
    this.connections.closeUnused();
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

  async #take(request: IncomingMessage, response: ServerResponse, answer: () => Promise<void>): Promise<void> {
    if (this.#underWay >= this.bounds.requestsAtOnce) {
      return this.#refuse(response, 'overloaded', 503, 'Cannot accept the request: too many concurrent requests', 1);
    }
    this.#underWay += 1;
    try {
      await this.#tracing.receive(request.headers, answer);
    } catch (error) {
      this.#failed(response, error);
    } finally {
      this.#underWay -= 1;
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
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
      const { bytes } = body;
      const parsed = this.#tracing.span('parse', () => parseHttp(request.headers, bytes));
      if (!parsed.ok) return this.#refuse(response, 'bad_event', 400, parsed.reason, 0, request);
      const answer = await this.#options.handle(parsed.value, { batch: mode === 'batch', name, headers: request.headers });
      this.#count(answer.status < 300 ? 'accepted' : answer.status < 500 ? 'rejected' : 'unavailable');
      this.#send(response, answer);
    } finally {
      this.#bodies.release(body);
    }
  }

  async #takeIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await this.#bodies.read(request);
    try {
      if (body.kind !== 'read') return this.#unread(body.kind, request, response);
      const answer = await this.#options.intake?.take(body.bytes, request.headers);
      if (answer === undefined) return;
      const { status, retryAfterSeconds, contentType } = answer;
      this.#count(status < 300 ? 'accepted' : status < 500 && status !== 429 ? 'rejected' : 'unavailable');
      response.writeHead(status, {
        'content-type': contentType,
        'content-length': Buffer.byteLength(answer.body),
        ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
        ...(this.#closing === undefined ? {} : { connection: 'close' }),
      });
      response.end(answer.body);
    } finally {
      this.#bodies.release(body);
    }
  }

  #unread(kind: Exclude<Body['kind'], 'read'>, request: IncomingMessage, response: ServerResponse): void {
    if (kind === 'gone') return this.#count('bad_http');
    if (!request.complete) response.setHeader('connection', 'close');
    if (kind === 'no room') return this.#refuse(response, 'overloaded', 503, 'Cannot accept the request: too many bytes in flight', 1);
    if (kind === 'too slow') return this.#refuse(response, 'bad_http', 408, 'Cannot read the body: the sender is too slow');
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
      // An empty body: to a Broker, text in a 2xx is a failed delivery.
      if (answer.status !== 204) headers['content-length'] = '0';
      response.writeHead(answer.status, headers).end();
    } else {
      headers['content-type'] = 'text/plain; charset=utf-8';
      headers['content-length'] = String(Buffer.byteLength(answer.reason));
      response.writeHead(answer.status, headers).end(answer.reason);
    }
  }
}
