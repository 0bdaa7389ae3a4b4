/** The paths of a function, by express: what each path and method leads to. Loaded with the first request that `server.ts` leaves to it. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express from 'express';

export type Take = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface Paths {
  readonly event: Take;
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
  const permitted: Readonly<Record<string, string>> = {
    '/': 'POST',
    '/health/liveness': 'GET',
    '/health/readiness': 'GET',
    '/metrics': 'GET',
  };
  app.use((request: IncomingMessage & { path: string }, response: ServerResponse) => {
    const allow = Object.hasOwn(permitted, request.path) ? permitted[request.path] : undefined;
    if (allow === undefined) return paths.refuse(response, 404, 'Cannot find this path: wanted POST /');
    response.setHeader('allow', allow);
    paths.refuse(response, 405, `Cannot use this method here: wanted ${allow}`);
  });
  app.use((error: unknown, _request: IncomingMessage, response: ServerResponse, _next: () => void) => paths.failed(response, error));
  return app;
}
