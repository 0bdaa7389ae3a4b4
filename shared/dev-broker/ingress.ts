/** The HTTP side of the Brokers: `POST /NAMESPACE/BROKER`, with the answers of Knative's ingress. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Body, BodyReader } from '../http/body.ts';
import { Connections } from '../http/connections.ts';
import { listen } from '../http/listen.ts';
import { type Log, messageOf } from '../process/log.ts';
import type { Broker } from './broker.ts';
import { readEvent } from './broker-event.ts';
import { passedHeaders } from './delivery.ts';
import { passToPage } from './page-proxy.ts';

export interface IngressOptions {
  readonly brokers: Broker;
  readonly log: Log;
  readonly port: number;
  readonly host: string;
  /** `namespace/name` of the Broker for `POST /`. */
  readonly rootBroker: string | null;
  /** URL of what answers all other requests; null: 405 and 404. */
  readonly page: () => string | null;
  readonly bodyMost: number;
  /** Of a function that takes another protocol at this path; null: none does. */
  readonly functionAt: (path: string) => string | null;
}

export interface Ingress {
  readonly port: number;
  close(): Promise<void>;
}

/** Timeout for reading a request and for idle connections, as in a cluster, so that a client with a longer keep-alive fails here too. */
const patienceMs = 10_000;
const headerBytesMost = 64 * 1024;
const connectionsMost = 4_000;
const bodiesAtOnce = 32;

export async function startIngress(options: IngressOptions): Promise<Ingress> {
  const bodies = new BodyReader({ most: options.bodyMost, mostAtOnce: options.bodyMost * bodiesAtOnce, within: patienceMs });
  const limits = { keepAliveTimeout: patienceMs, headersTimeout: patienceMs, requestTimeout: patienceMs, maxHeaderSize: headerBytesMost };
  const connections = new Connections();
  const server = createServer(limits, (request, response) => {
    connections.begin(request, response);
    answer(options, bodies, request, response).catch((error: unknown) => {
      options.log.sampled('ingress', 10)?.error('request failed', { reason: messageOf(error) });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.maxConnections = connectionsMost;
  connections.watch(server);
  const port = await listen(server, options.port, options.host);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        connections.closeUnused();
      }),
  };
}

async function answer(
  { brokers, rootBroker, page, functionAt }: IngressOptions,
  bodies: BodyReader,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'OPTIONS') return end(response, 200, '', { allow: 'POST, OPTIONS', 'webhook-allowed-rate': '*' });
  const own = page();
  if (own !== null && (request.method === 'GET' || request.method === 'HEAD')) return passToPage(own, request, response);
  if (request.method !== 'POST') return end(response, 405, 'Cannot use this method here: wanted POST', { allow: 'POST, OPTIONS' });
  const path = (request.url ?? '/').split('?', 1).join('');
  const target = functionAt(path);
  if (target !== null) return pass(target, bodies, request, response);
  const broker = path === '/' ? rootBroker : /^\/([^/]+\/[^/]+)$/.exec(path)?.[1];
  if (broker === null) return end(response, 404, 'Cannot find this path: wanted /NAMESPACE/BROKER');
  if (broker === undefined) return end(response, 400, 'Cannot find this path: wanted /NAMESPACE/BROKER');
  const body = await bodies.read(request);
  try {
    if (body.kind !== 'read') return unread(body.kind, request, response);
    const event = readEvent(request.headers, body.bytes);
    if (!event.ok) return end(response, 400, event.reason);
    if (!brokers.has(broker)) return end(response, 404, `Cannot find the Broker '${broker.slice(0, 200)}'`);
    const status = await brokers.accept(broker, event.value, brokers.newContext(passedHeaders(request.headers)));
    end(response, status, '', status === 503 ? { 'retry-after': '1' } : {});
  } finally {
    bodies.release(body);
  }
}

/** What a function takes and answers, as it is: no Broker stands in between. */
async function pass(target: string, bodies: BodyReader, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodies.read(request);
  try {
    if (body.kind !== 'read') return unread(body.kind, request, response);
    const headers: Record<string, string> = {};
    for (const name of ['content-type', 'content-encoding'] as const) if (request.headers[name]) headers[name] = request.headers[name];
    const answered = await fetch(target, { method: 'POST', headers, body: new Uint8Array(body.bytes) });
    const back: Record<string, string> = {};
    for (const name of ['content-type', 'retry-after']) back[name] = answered.headers.get(name) ?? '';
    const bytes = Buffer.from(await answered.arrayBuffer());
    response.writeHead(answered.status, Object.fromEntries(Object.entries(back).filter(([, value]) => value !== ''))).end(bytes);
  } finally {
    bodies.release(body);
  }
}

function unread(kind: Exclude<Body['kind'], 'read'>, request: IncomingMessage, response: ServerResponse): void {
  if (kind === 'gone') return;
  if (!request.complete) response.setHeader('connection', 'close');
  if (kind === 'no room') return end(response, 503, 'Cannot accept the request: too many bytes in flight', { 'retry-after': '1' });
  if (kind === 'too slow') return end(response, 408, 'Cannot read the body: the sender is too slow');
  end(response, 413, 'Cannot take the body: it is too large');
}

function end(response: ServerResponse, status: number, reason: string, headers: Readonly<Record<string, string>> = {}): void {
  if (reason !== '') response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.writeHead(status, headers).end(reason === '' ? undefined : `${reason}\n`);
}
