/**
 * The Kubernetes API over HTTP: one request, or a list in pages, unchanged from the wire (no time rounded, no field lost).
 * `@kubernetes/client-node` reads the kubeconfig and knows the credentials; it costs 370 ms at start, so it is loaded on first use.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { field, isJson, listField, textField } from '../events/json.ts';
import { messageOf } from '../process/log.ts';

export interface ApiRequest {
  /** Starts with a slash; segments are percent-encoded by the caller. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

export type ApiAnswer =
  | { readonly ok: true; readonly body: unknown }
  /** `status` is null if there was no readable response. */
  | { readonly ok: false; readonly status: number | null; readonly reason: string; readonly retryAfterMs?: number };

export interface ApiServer {
  /** False: no kubeconfig with a cluster, and not in a pod. */
  configured(): Promise<boolean>;
  get(request: ApiRequest): Promise<ApiAnswer>;
  close(): void;
}

/** The default of a configuration without a cluster. */
const fallbackServer = 'http://localhost:8080';
/** Without any data. */
const silenceMostMs = 30_000;
const bodyMost = 256 * 1_024 * 1_024;
const connectionsMost = 10;
const retryAfterMostMs = 600_000;
const pageSize = 500;
const pagesMost = 10_000;
/** How often a list is restarted after its pages have expired. */
const listsMost = 3;

/** The cluster of the current kubeconfig, or of the pod that this runs in; null if there is none. */
export async function loadKubeConfig(): Promise<KubeConfig | null> {
  const { KubeConfig } = await import('./kube-client.ts');
  const config = new KubeConfig();
  config.loadFromDefault();
  const cluster = config.getCurrentCluster();
  return cluster && cluster.server !== fallbackServer ? config : null;
}

/** `load` is called once, on first use. */
export function createApiServer(load: () => Promise<KubeConfig | null> = loadKubeConfig): ApiServer {
  let loaded: Promise<KubeConfig | null> | undefined;
  const agents: Agents = {};
  const config = () => {
    loaded ??= load();
    return loaded;
  };
  return {
    configured: async () => (await config()) !== null,
    async get(request) {
      try {
        const found = await config();
        return found === null ? { ok: false, status: null, reason: 'no cluster is configured' } : await get(found, agents, request);
      } catch (error) {
        return { ok: false, status: null, reason: messageOf(error) };
      }
    },
    close: () => {
      agents.http?.destroy();
      agents.https?.destroy();
    },
  };
}

/** Created on first use: a function without lookups must not wait for TLS to load. */
interface Agents {
  http?: HttpAgent;
  https?: HttpsAgent;
}

const pool = { keepAlive: true, maxSockets: connectionsMost };

function agentOf(agents: Agents, secure: boolean): HttpAgent {
  if (secure) {
    agents.https ??= new HttpsAgent(pool);
    return agents.https;
  }
  agents.http ??= new HttpAgent(pool);
  return agents.http;
}

async function get(
  config: KubeConfig,
  agents: Agents,
  { path, query = {}, accept = 'application/json', signal }: ApiRequest,
): Promise<ApiAnswer> {
  const cluster = config.getCurrentCluster();
  const url = new URL((cluster?.server ?? '').replace(/\/$/, '') + path);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const credentials: RequestOptions = {};
  await config.applyToHTTPSOptions(credentials);
  const secure = url.protocol === 'https:';
  const options: RequestOptions = {
    ...credentials,
    // The agent of the credentials does not keep connections alive; only a proxy needs it.
    ...(cluster?.proxyUrl ? {} : { agent: agentOf(agents, secure) }),
    headers: { ...credentials.headers, accept },
    ...(signal === undefined ? {} : { signal }),
  };
  return new Promise((resolve, reject) => {
    const outgoing: ClientRequest = secure ? requestHttps(url, options) : requestHttp(url, options);
    outgoing.setTimeout(silenceMostMs, () => outgoing.destroy(new Error(`no data for ${silenceMostMs / 1_000} s`)));
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.on('error', reject);
      answerOf(response).then(resolve, reject);
    });
    outgoing.end();
  });
}

async function answerOf(response: IncomingMessage): Promise<ApiAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > bodyMost) throw new Error(`the response is longer than ${bodyMost} bytes`);
    chunks.push(chunk);
  }
  const status = response.statusCode ?? 0;
  if (status !== 200) {
    const seconds = Number(response.headers['retry-after']);
    const wait = seconds > 0 ? { retryAfterMs: Math.min(retryAfterMostMs, seconds * 1_000) } : {};
    return { ok: false, status, reason: `the API server answered ${status}`, ...wait };
  }
  return { ok: true, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) };
}

export type Page =
  | { readonly kind: 'page'; readonly items: readonly unknown[]; readonly version: string }
  /** The pages so far belong to an expired list: the list is restarted. */
  | { readonly kind: 'again' }
  | { readonly kind: 'failed'; readonly status: number | null; readonly reason: string };

/** A list page by page; items get kind and apiVersion, which are missing on the wire. Ends with the last page or with `failed`. */
export async function* pagesOf(api: ApiServer, path: string, signal?: AbortSignal): AsyncGenerator<Page> {
  let next = '';
  let begun = 1;
  for (let page = 0; page < pagesMost; page += 1) {
    const query = { limit: String(pageSize), ...(next === '' ? {} : { continue: next }) };
    const answer = await api.get({ path, query, ...(signal === undefined ? {} : { signal }) });
    if (!answer.ok && answer.status === 410 && next !== '' && begun < listsMost) {
      begun += 1;
      next = '';
      yield { kind: 'again' };
      continue;
    }
    if (!answer.ok) return yield { kind: 'failed', status: answer.status, reason: answer.reason };
    const metadata = field(answer.body, 'metadata');
    next = textField(metadata, 'continue', 16_384);
    yield { kind: 'page', items: itemsOf(answer.body), version: textField(metadata, 'resourceVersion') };
    if (next === '') return;
  }
  yield { kind: 'failed', status: null, reason: `more than ${pagesMost} pages` };
}

function itemsOf(body: unknown): unknown[] {
  const kind = textField(body, 'kind').replace(/List$/, '');
  const apiVersion = textField(body, 'apiVersion');
  return listField(body, 'items', pageSize * 2).map((item) => (isJson(item) ? { kind, apiVersion, ...item } : item));
}
