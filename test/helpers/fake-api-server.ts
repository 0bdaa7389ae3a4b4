/** An API server for tests: paged lists, watches, 403, 410; content and end of watches are controlled by the test. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { KubeConfig } from '@kubernetes/client-node';
import { isJson } from '../../shared/events/json.ts';

export interface Thing {
  readonly kind: string;
  readonly metadata: { readonly uid: string; readonly name: string; readonly resourceVersion: string };
  readonly [field: string]: unknown;
}

const pageItems = 2;

export interface Given {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The answer waits for it. */
  readonly after?: Promise<unknown>;
}

export class FakeApiServer {
  /** Path of a list -> the objects there, by uid. */
  readonly things = new Map<string, Map<string, Thing>>();
  readonly forbidden = new Set<string>();
  /** Path -> the answer as it is, before all else. */
  readonly given = new Map<string, Given>();
  /** Headers of the last request. */
  headers: IncomingMessage['headers'] = {};
  /** Every request's path and query. */
  readonly requests: string[] = [];
  /** Watches of a version below this are answered with 410. */
  oldest = 0;
  /** Answer a watch that is too old with the HTTP status instead of an ERROR notification. */
  plainGone = false;
  /** Continue tokens that expire once. */
  expirePages = 0;
  version = 100;
  readonly #log: { path: string; type: string; thing: Thing; version: number }[] = [];
  readonly #watches = new Set<{ path: string; response: ServerResponse }>();
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));

  /** With a token the client shows it at each request. */
  async start(token?: string): Promise<KubeConfig> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'fake', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: 'nobody', ...(token === undefined ? {} : { token }) },
    );
    return config;
  }

  /** Resolves when no request is open any more. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  get watching(): number {
    return this.#watches.size;
  }

  watchesOf(path: string): number {
    return [...this.#watches].filter((watch) => watch.path === path).length;
  }

  /** Writes an object and tells the watches; `quiet`: only lists and later watches show it. */
  put(path: string, uid: string, fields: Readonly<Record<string, unknown>>, quiet = false): void {
    this.version += 1;
    const things = this.things.get(path) ?? new Map<string, Thing>();
    this.things.set(path, things);
    const type = things.has(uid) ? 'MODIFIED' : 'ADDED';
    const metadata = isJson(fields['metadata']) ? fields['metadata'] : {};
    const thing = {
      kind: 'Event',
      ...fields,
      metadata: { uid, name: uid, namespace: 'shop', ...metadata, resourceVersion: String(this.version) },
    };
    things.set(uid, thing);
    this.#log.push({ path, type, thing, version: this.version });
    if (!quiet) this.notify(path, type, thing);
  }

  remove(path: string, uid: string): void {
    const thing = this.things.get(path)?.get(uid);
    if (!thing) return;
    this.version += 1;
    this.things.get(path)?.delete(uid);
    const gone = { ...thing, metadata: { ...thing.metadata, resourceVersion: String(this.version) } };
    this.#log.push({ path, type: 'DELETED', thing: gone, version: this.version });
    this.notify(path, 'DELETED', gone);
  }

  notify(path: string, type: string, object: unknown): void {
    for (const watch of this.#watches) if (watch.path === path) watch.response.write(`${JSON.stringify({ type, object })}\n`);
  }

  /** Ends the watches as a server does whose time is up. */
  endWatches(path: string): void {
    for (const watch of this.#watches) if (watch.path === path) watch.response.end();
  }

  /** Breaks the connections of the watches. */
  breakWatches(path: string): void {
    for (const watch of this.#watches) if (watch.path === path) watch.response.destroy();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(request.url ?? '');
    const url = new URL(request.url ?? '/', 'http://fake');
    this.headers = request.headers;
    const given = this.given.get(url.pathname);
    if (given) return void this.#give(given, response);
    if (this.forbidden.has(url.pathname)) return status(response, 403, 'forbidden');
    if (url.searchParams.get('watch') === 'true') this.#watch(url, response);
    else this.#list(url, response);
  }

  async #give({ status: code = 200, headers = {}, body = {}, after }: Given, response: ServerResponse): Promise<void> {
    await after;
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  }

  #list(url: URL, response: ServerResponse): void {
    const items = [...(this.things.get(url.pathname)?.values() ?? [])];
    const from = Number(url.searchParams.get('continue') ?? 0);
    if (from > 0 && this.expirePages > 0) {
      this.expirePages -= 1;
      return status(response, 410, 'the provided continue parameter is too old');
    }
    const next = from + pageItems < items.length ? { continue: String(from + pageItems) } : {};
    // Items of a list have no kind of their own.
    const bare = items.slice(from, from + pageItems).map(({ kind: _, ...rest }) => rest);
    const kind = `${items[0]?.kind ?? 'Event'}List`;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ kind, apiVersion: 'v1', metadata: { resourceVersion: String(this.version), ...next }, items: bare }));
  }

  #watch(url: URL, response: ServerResponse): void {
    const since = Number(url.searchParams.get('resourceVersion') ?? 0);
    if (since < this.oldest && this.plainGone) return status(response, 410, 'Gone');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (since < this.oldest) {
      const object = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', message: `too old resource version: ${since}` };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    const watch = { path: url.pathname, response };
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
    for (const { path, type, thing, version } of this.#log)
      if (path === url.pathname && version > since) response.write(`${JSON.stringify({ type, object: thing })}\n`);
  }
}

function status(response: ServerResponse, code: number, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'Status', code, message }));
}
