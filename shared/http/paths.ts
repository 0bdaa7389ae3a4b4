/** The paths of a function, by express: what each path and method leads to. Loaded with the first request that `server.ts` leaves to it. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express from 'express';

const read: readonly string[] = ['/health/liveness', '/health/readiness', '/metrics'];
const dnsLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export type Take = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface Paths {
  readonly event: Take;
  /** Events may also come to a path of this beginning and a name; null: they may not. */
  readonly below: string | null;
  readonly named: (request: IncomingMessage, response: ServerResponse, name: string) => void | Promise<void>;
  readonly liveness: Take;
  readonly readiness: Take;
  readonly metrics: Take;
  readonly refuse: (response: ServerResponse, status: 404 | 405, reason: string) => void;
  readonly failed: (response: ServerResponse, error: unknown) => void;
}

/** All paths are here, also those that `server.ts` answers by itself: with a query they come this way. */
export function appOf(paths: Paths): RequestListener {
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', false).enable('case sensitive routing').enable('strict routing');
  app.post('/', paths.event);
  app.get('/health/liveness', paths.liveness);
  app.get('/health/readiness', paths.readiness);
  app.get('/metrics', paths.metrics);
  // Not by a pattern of express, which decodes the path and trips over what is no encoding.
  app.use((request: IncomingMessage & { path: string }, response: ServerResponse, next: () => void) => {
    const name = request.method === 'POST' ? nameIn(paths, request.path) : '';
    return name === '' ? next() : paths.named(request, response, name);
  });
  app.use((request: IncomingMessage & { path: string }, response: ServerResponse) => {
    const { path } = request;
    const allow = read.includes(path) ? 'GET' : path === '/' || nameIn(paths, path) !== '' ? 'POST' : '';
    if (allow === '') return paths.refuse(response, 404, 'Cannot find this path: wanted POST /');
    response.setHeader('allow', allow);
    paths.refuse(response, 405, `Cannot use this method here: wanted ${allow}`);
  });
  app.use((error: unknown, _request: IncomingMessage, response: ServerResponse, _next: () => void) => paths.failed(response, error));
  return app;
}

/** Empty when the path is not one `below`. */
function nameIn({ below }: Paths, path: string): string {
  const name = below !== null && path.startsWith(below) ? path.slice(below.length) : '';
  return dnsLabel.test(name) ? name : '';
}
