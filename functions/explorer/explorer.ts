/** The pages as one request listener, without a server: a local run puts it beside the entrance for Events. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express from 'express';
import { type Database, DatabaseError, isTooMuch } from '../../shared/history/database.ts';
import { everything } from '../../shared/history/queries/scope.ts';
import { clusterNames, historyStatus } from '../../shared/history/queries/status.ts';
import type { Clock } from '../../shared/process/clock.ts';
import { type Log, messageOf } from '../../shared/process/log.ts';
import { secure, sendAsset, sendHtml, sendJson } from './answers.ts';
import type { Html } from './html/html.ts';
import { document, type Surroundings } from './html/layout.ts';
import { type PageQuery, readPageQuery } from './html/page-query.ts';
import { Live } from './live.ts';
import { bucketPage } from './pages/bucket.ts';
import { changesPage } from './pages/changes.ts';
import { eventPage } from './pages/event.ts';
import { eventsPage } from './pages/events.ts';
import { insightsPage } from './pages/insights.ts';
import { objectPage } from './pages/object.ts';
import type { PageRoute, Way } from './pages/page.ts';
import { sqlPage } from './pages/sql.ts';
import { problem } from './pages/states.ts';
import { tracePage } from './pages/trace.ts';

export interface ExplorerParts {
  /** Rejects while PostgreSQL is away. */
  readonly database: () => Promise<Database>;
  readonly traceUrl: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Explorer {
  readonly listener: RequestListener;
  /** Ends what is open: server-sent events. */
  close(): void;
}

export const pages: readonly PageRoute[] = [changesPage, eventsPage, bucketPage, eventPage, objectPage, tracePage, insightsPage, sqlPage];

const linesPerMinute = 20;
const retryAfterSeconds = 2;
const home: Way = { href: '/changes', text: 'All changes' };

export function createExplorer(parts: ExplorerParts): Explorer {
  const live = new Live(parts.database);
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', false).enable('case sensitive routing').enable('strict routing');
  app.use((_request, response, next) => {
    secure(response);
    next();
  });
  app.get('/', (_request, response) => {
    response.writeHead(302, { location: '/changes' }).end();
  });
  app.get('/live', (_request, response) => {
    if (!live.add(response)) response.writeHead(503, { 'retry-after': '30' }).end();
  });
  app.get(/^\/assets\/[^/]+\/[a-z.-]+$/, (request, response, next) => {
    if (!sendAsset(request, response, request.path.split('/').at(-1) ?? '')) next();
  });
  for (const route of pages)
    app.get(new RegExp(`^${route.path}(?:\\.json)?$`), (request, response) => answer(parts, route, request, response));
  app.use((request, response) => notFound(parts, request, response));
  app.use((error: unknown, request: IncomingMessage, response: ServerResponse, _next: () => void) =>
    failed(parts, error, request, response),
  );
  return { listener: app, close: () => live.close() };
}

async function answer(parts: ExplorerParts, route: PageRoute, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { path, search, isJson } = targetOf(request);
  const read = readPageQuery(path, search, route.parameters, now(parts));
  const segments = decoded(path);
  if (segments === null) return notFound(parts, request, response);
  if (!read.ok)
    return show(parts, request, response, 400, 'Cannot show this page', read.reason, { href: path, text: 'This page without parameters' });
  const query = read.value;
  const database = await parts.database();
  const { traceUrl, log } = parts;
  const [surroundings, result] = await Promise.all([
    surroundingsOf(database, query),
    route.answer({ database, scope: everything, query, segments, traceUrl, log }),
  ]);
  if (result.kind === 'refused') {
    const title = result.status === 404 ? 'Not here' : 'Cannot show this page';
    return show(parts, request, response, result.status, title, result.reason, result.way, surroundings);
  }
  if (isJson) return sendJson(request, response, 200, result.data);
  if (result.kind === 'fragment') return sendHtml(request, response, 200, result.fragment);
  return sendHtml(request, response, 200, document(result.page, surroundings));
}

async function surroundingsOf(database: Database, query: PageQuery): Promise<Surroundings> {
  const [clusters, status] = await Promise.all([clusterNames(database), historyStatus(database)]);
  return { query, clusters, status, person: null };
}

function targetOf({ url = '/' }: IncomingMessage): { readonly path: string; readonly search: string; readonly isJson: boolean } {
  const [whole = '/', ...rest] = url.split('?');
  const isJson = whole.endsWith('.json');
  return { path: isJson ? whole.slice(0, -'.json'.length) : whole, search: rest.join('?'), isJson };
}

/** Null: it is not percent-encoded as it should be, or holds what no name can. */
function decoded(path: string): readonly string[] | null {
  try {
    const segments = path.split('/').slice(2).map(decodeURIComponent);
    return segments.some((segment) => segment.includes('\u0000')) ? null : segments;
  } catch {
    return null;
  }
}

function now({ clock }: ExplorerParts): number {
  return Math.round(clock.now() * 1_000);
}

function notFound(parts: ExplorerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return show(parts, request, response, 404, 'Not here', 'There is no page with this address.', home);
}

/** PostgreSQL away or too slow: 503; anything else is a bug: the log has the details, the browser a sentence. */
async function failed(parts: ExplorerParts, error: unknown, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error instanceof DatabaseError) {
    parts.log.sampled('database', linesPerMinute)?.warn('cannot read the history', { reason: error.message, code: error.code });
    response.setHeader('retry-after', String(retryAfterSeconds));
    const again = { href: isShowable(request.url) ? (request.url ?? '/') : '/changes', text: 'Try again' };
    if (isTooMuch(error))
      return show(
        parts,
        request,
        response,
        503,
        'Too much at once',
        'PostgreSQL took too long for this range: narrow it, or filter.',
        home,
      );
    return show(parts, request, response, 503, 'The history cannot be read now', `${error.message}.`, again);
  }
  parts.log.error('failed to answer a request', { reason: messageOf(error), stack: error instanceof Error ? error.stack : '' });
  return show(parts, request, response, 500, 'This page has failed', 'An internal error; the log of the explorer has the details.', home);
}

function isShowable(url: string | undefined): boolean {
  return url !== undefined && /^\/(?![/\\])[!-~]*$/.test(url);
}

async function show(
  parts: ExplorerParts,
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  title: string,
  reason: string,
  way: Way,
  surroundings?: Surroundings,
): Promise<void> {
  if (targetOf(request).isJson) return sendJson(request, response, status, { error: reason });
  const around = surroundings ?? { query: plainQuery(parts), clusters: [], status: { batches: 0, writtenAt: null }, person: null };
  const content: Html = problem(title, reason, way);
  return sendHtml(request, response, status, document({ title, content, live: false, ranged: false }, around));
}

/** Of a page whose parameters could not be read. */
function plainQuery(parts: ExplorerParts): PageQuery {
  const read = readPageQuery('/changes', '', [], now(parts));
  if (!read.ok) throw new Error(read.reason);
  return read.value;
}
