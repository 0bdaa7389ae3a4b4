/**
 * Sends CloudEvents to Knative's sink (`K_SINK`); the outcome is a value. The target comes from the settings only: redirects are not
 * followed. Retrying is the caller's job.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { rootCertificates } from 'node:tls';
import { field, isJson } from '../events/json.ts';
import { type Clock, systemClock } from '../process/clock.ts';
import { messageOf } from '../process/log.ts';
import type { Settings } from '../process/settings.ts';

/**
 * retry: not before `afterMs` if the sink asked for that; without `status` if there was no response. rejected: retrying will not help.
 */
export type SinkOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'retry'; readonly status?: number; readonly reason: string; readonly afterMs?: number }
  | { readonly kind: 'rejected'; readonly status: number; readonly reason: string };

export interface Sink {
  /** A CloudEvent in structured mode, as JSON text; `headers` hold the trace context. */
  send(body: string, headers?: Readonly<Record<string, string>>): Promise<SinkOutcome>;
  /** Closes the connections; sends in flight end with 'retry'. */
  close(): void;
}

export interface SinkOptions {
  readonly url: string;
  /** Extension attributes set on every event. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** Additional trusted certificates, PEM. */
  readonly certificates?: string;
  /** Read for each event: Kubernetes renews it in place. Without the file no token is sent. */
  readonly tokenFile?: string;
  readonly timeoutMs?: number;
  readonly connectionsMost?: number;
  readonly clock?: Clock;
}

const timeoutMs = 30_000;
/** Below the 10 s after which Knative's ingress closes an idle connection: the sender must close first. */
const idleMs = 8_000;
const connectionsMost = 32;
const noTokenForMs = 10_000;
const reasonBytesMost = 4_096;
const reasonMost = 300;
const afterMostMs = 3_600_000;
/** Includes errors unrelated to the event: an expired token, a wrong policy or address. */
const retried = [401, 403, 404, 405, 407, 408, 409, 425, 429];
/** Not to be overridden: they identify the event or define its meaning. */
const fixed = ['id', 'source', 'type', 'specversion', 'data', 'data_base64', 'datacontenttype', 'dataschema', 'subject', 'time'];

export function sinkOptionsOf(settings: Settings): SinkOptions {
  const url = settings.url('K_SINK', { what: 'where events are sent; set by a SinkBinding' });
  const overrides = overridesOf(settings);
  const inline = settings.optionalText('K_CA_CERTS', { what: 'PEM certificates trusted for the sink', wanted: 'PEM certificates' });
  const bundle = settings.text('KNSPAN_CA_BUNDLE', {
    default: '/knative-custom-certs/kn-combined-kne-bundle.pem',
    what: 'PEM file with certificates trusted for the sink, if it exists',
  });
  const tokenFile = settings.text('KNSPAN_OIDC_TOKEN_FILE', {
    default: '/oidc/token',
    what: 'file with the OIDC token sent to the sink, if it exists',
  });
  const certificates = [inline, optionalFile(bundle)].filter((pem) => pem !== undefined).join('\n');
  if (inline !== undefined && !inline.includes('-----BEGIN CERTIFICATE-----')) settings.fault('K_CA_CERTS', '***', 'PEM certificates');
  return { url, overrides, tokenFile, ...(certificates === '' ? {} : { certificates }) };
}

export function createSink(options: SinkOptions): Sink {
  return new HttpSink(options);
}

class HttpSink implements Sink {
  readonly #options: SinkOptions;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #target: URL;
  readonly #clock: Clock;
  /** Whether the file exists rarely changes: most installations have none. */
  #noTokenUntil = Number.NEGATIVE_INFINITY;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#target = new URL(options.url);
    this.#clock = options.clock ?? systemClock();
    const pool = { keepAlive: true, timeout: idleMs, maxSockets: options.connectionsMost ?? connectionsMost };
    const trusted = options.certificates === undefined ? {} : { ca: [...rootCertificates, options.certificates] };
    this.#agent = this.#target.protocol === 'https:' ? new HttpsAgent({ ...pool, ...trusted }) : new HttpAgent(pool);
  }

  async send(body: string, headers: Readonly<Record<string, string>> = {}): Promise<SinkOutcome> {
    try {
      const answer = await this.#post(withOverrides(body, this.#options.overrides ?? {}), await this.#token(), headers);
      return outcomeOf(answer, this.#clock.now());
    } catch (error) {
      return { kind: 'retry', reason: `Cannot reach the sink: ${messageOf(error)}` };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #token(): Promise<string | undefined> {
    const file = this.#options.tokenFile;
    if (file === undefined || this.#clock.now() < this.#noTokenUntil) return undefined;
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch (error) {
      if (field(error, 'code') !== 'ENOENT') throw new Error(`cannot read the OIDC token file: ${String(field(error, 'code'))}`);
      this.#noTokenUntil = this.#clock.now() + noTokenForMs;
      return undefined;
    }
  }

  #post(body: string, token: string | undefined, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const most = this.#options.timeoutMs ?? timeoutMs;
    const options: RequestOptions = {
      method: 'POST',
      agent: this.#agent,
      headers: {
        ...headers,
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        ...(token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
    };
    return new Promise((resolve, reject) => {
      const request = (this.#target.protocol === 'https:' ? requestHttps : requestHttp)(this.#target, options);
      // Bounds the whole exchange; the socket's timeout covers inactivity only.
      const late = setTimeout(() => request.destroy(new Error(`no answer within ${most} ms`)), most);
      request.on('close', () => clearTimeout(late));
      readAnswer(request, resolve, reject);
      request.end(body);
    });
  }
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** Keeps the response text up to a bound; a longer one closes the connection. */
function readAnswer(request: ClientRequest, resolve: (answer: Answer) => void, reject: (error: Error) => void): void {
  let failed = reject;
  request.on('error', (error) => failed(error));
  request.on('response', (response: IncomingMessage) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = () =>
      resolve({
        status: response.statusCode ?? 0,
        retryAfter: response.headers['retry-after'],
        text: Buffer.concat(chunks).toString('utf8').slice(0, reasonMost).trim(),
      });
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= reasonBytesMost) return;
      done();
      request.destroy();
    });
    // The status is enough: a response that breaks off after it counts.
    failed = done;
    response.on('end', done).on('error', done);
  });
}

function outcomeOf(answer: Answer, now: number): SinkOutcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  const said = answer.text === '' ? '' : `: ${answer.text}`;
  const reason = `Cannot send to the sink: it answered ${status}${said}`;
  // A redirect is a misconfigured sink: a later attempt may succeed.
  if (status >= 400 && status < 500 && !retried.includes(status)) return { kind: 'rejected', status, reason };
  const afterMs = parseRetryAfter(answer.retryAfter, now);
  return { kind: 'retry', status, reason, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** Seconds or a date; capped at one hour. */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^[0-9]{1,10}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), afterMostMs);
}

function withOverrides(body: string, overrides: Readonly<Record<string, string>>): string {
  if (Object.keys(overrides).length === 0) return body;
  const event: unknown = JSON.parse(body);
  return isJson(event) ? JSON.stringify({ ...event, ...overrides }) : body;
}

function overridesOf(settings: Settings): Readonly<Record<string, string>> {
  const wanted = '{"extensions":{...}} with names of a-z and 0-9 and texts';
  const text = settings.optionalText('K_CE_OVERRIDES', { what: 'extension attributes set on every event sent', wanted });
  if (text === undefined) return {};
  const extensions = field(parsed(text), 'extensions') ?? {};
  const entries = isJson(extensions) ? Object.entries(extensions) : [];
  const overrides: Record<string, string> = {};
  for (const [name, value] of entries) {
    if (!/^[a-z0-9]{1,100}$/.test(name) || fixed.includes(name) || typeof value !== 'string')
      settings.fault('K_CE_OVERRIDES', text, wanted);
    else overrides[name] = value;
  }
  if (!isJson(parsed(text)) || !isJson(extensions)) settings.fault('K_CE_OVERRIDES', text, wanted);
  return overrides;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function optionalFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
