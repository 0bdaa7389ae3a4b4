/** The routes of a function, by express. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express from 'express';

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface RouteHandlers {
  /** `name`: the last segment of a path below `below`; empty for `POST /`. */
  readonly event: (request: IncomingMessage, response: ServerResponse, name: string) => void | Promise<void>;
  readonly intake: Handler;
  readonly liveness: Handler;
  readonly readiness: Handler;
  readonly metrics: Handler;
  readonly refuse: (response: ServerResponse, status: 404 | 405, reason: string) => void;
  readonly failed: (response: ServerResponse, error: unknown) => void;
}

const dnsLabel = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';

export interface RoutePaths {
  /** Events are also accepted at this path (letters, digits, `-` and `/`) followed by a DNS label; null: only at `/`. */
  readonly below: string | null;
  /** Where another protocol is taken; null: nowhere. */
  readonly intake: string | null;
}

export function createRoutes(handlers: RouteHandlers, paths: RoutePaths): RequestListener {
  const { event, intake, liveness, readiness, metrics, refuse, failed } = handlers;
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', false).enable('case sensitive routing').enable('strict routing');
  const route = (method: 'get' | 'post', path: string | RegExp, handler: express.RequestHandler) => {
    app[method](path, handler);
    app.all(path, (_, response) => {
      const allow = method.toUpperCase();
      response.setHeader('allow', allow);
      refuse(response, 405, `Cannot use this method here: wanted ${allow}`);
    });
  };
  route('post', '/', (request, response) => event(request, response, ''));
  route('get', '/health/liveness', liveness);
  route('get', '/health/readiness', readiness);
  route('get', '/metrics', metrics);
  // A regular expression, since express would decode a parameter and fail on what is not percent-encoding.
  if (paths.intake !== null) route('post', paths.intake, intake);
  if (paths.below !== null) {
    const named = new RegExp(`^${paths.below}(${dnsLabel})$`);
    route('post', named, (request, response) => event(request, response, request.params['0'] ?? ''));
  }
  app.use((_request, response) => refuse(response, 404, 'Cannot find this path: wanted POST /'));
  app.use((error: unknown, _request: IncomingMessage, response: ServerResponse, _next: () => void) => failed(response, error));
  return app;
}
