/** The explorer: the history as pages for a browser. Reads PostgreSQL and nothing else; keeps nothing. */
import { createServer } from 'node:http';
import express from 'express';
import { type OpenedDatabase, openDatabase } from '../../shared/history/open.ts';
import { Connections } from '../../shared/http/connections.ts';
import { listen } from '../../shared/http/listen.ts';
import type { FunctionContext, Stoppable } from '../../shared/process/run-function.ts';
import { ExplorerConnection } from './connection.ts';
import { createExplorer } from './explorer.ts';
import { isLoopbackHost } from './loopback.ts';
import { readConfig } from './settings.ts';

export const explorerName = 'explorer';

/** What a local run or a test gives in place of what the settings would open. */
export interface Given {
  /** Closed by the caller. */
  readonly opened?: OpenedDatabase;
}

const connectionsMax = 1_000;
const loopback = '127.0.0.1';

export async function startExplorer(context: FunctionContext, given: Given = {}): Promise<Stoppable & { readonly url: string }> {
  const { settings, log, metrics, clock } = context;
  const config = readConfig(settings, { database: given.opened !== undefined });
  settings.finish(explorerName);
  const connection = new ExplorerConnection(async () =>
    given.opened
      ? { database: given.opened.database, close: async () => {} }
      : openDatabase({ kind: 'url', url: config.databaseUrl }, { name: `knspan ${explorerName}`, log }),
  );
  const explorer = createExplorer({ database: () => connection.database(), traceUrl: config.traceUrl, clock, log });
  const isLocal = config.auth.kind === 'loopback';
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.get(/^\/health\/(?:liveness|readiness)$/, (_request, response) => {
    response.writeHead(200, { 'content-length': '0' }).end();
  });
  app.get('/metrics', async (_request, response) => {
    response.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.text());
  });
  app.use((request, response, next) => {
    if (!isLocal || isLoopbackHost(request.headers.host)) return next();
    response
      .writeHead(421, { 'content-type': 'text/plain; charset=utf-8' })
      .end('Cannot answer for this host: wanted localhost, or KNSPAN_AUTH');
  });
  app.use(explorer.listener);
  const connections = new Connections();
  const server = createServer((request, response) => {
    connections.begin(request, response);
    app(request, response);
  });
  server.maxConnections = connectionsMax;
  connections.watch(server);
  const port = await listen(server, config.port, isLocal ? loopback : undefined);
  log.info('listening', { port, auth: config.auth.kind });
  // Beside the first request, not in it.
  connection.database().catch(() => {});
  return {
    url: `http://${loopback}:${port}`,
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      explorer.close();
      connections.closeUnused();
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
      await connection.close(graceMs);
    },
  };
}
