/** One POST with a response of bounded size; failures are values. */
import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { messageOf } from '../process/log.ts';
import type { Wire } from './broker-event.ts';

export type Exchange =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
  | { readonly kind: 'none'; readonly reason: string };

/** Bytes; a longer response counts as no answer. */
const answerMost = 8 * 1024 * 1024;
/** Below the 10 s after which a Knative ingress closes idle connections. */
const idleMs = 8_000;
const socketsMost = 256;

export class Poster {
  readonly #agent = new Agent({ keepAlive: true, timeout: idleMs, maxSockets: socketsMost });
  readonly #tlsAgent = new TlsAgent({ keepAlive: true, timeout: idleMs, maxSockets: socketsMost });

  /** A kept-alive connection that the server has just closed is not a failed delivery: retried once on a new one. */
  async post(url: string, wire: Wire, signal: AbortSignal): Promise<Exchange> {
    const first = await this.#once(url, wire, signal);
    return first === 'stale' ? this.#settled(await this.#once(url, wire, signal)) : first;
  }

  close(): void {
    this.#agent.destroy();
    this.#tlsAgent.destroy();
  }

  #settled(outcome: Exchange | 'stale'): Exchange {
    return outcome === 'stale' ? { kind: 'none', reason: 'the connection was closed' } : outcome;
  }

  #once(url: string, wire: Wire, signal: AbortSignal): Promise<Exchange | 'stale'> {
    return new Promise((resolve) => {
      if (!URL.canParse(url)) return resolve({ kind: 'none', reason: `'${url}' is no URL` });
      const target = new URL(url);
      const isTls = target.protocol === 'https:';
      const headers = { 'user-agent': 'knspan-broker', 'accept-encoding': 'gzip', ...wire.headers, 'content-length': wire.body.length };
      const options = { method: 'POST', headers, signal, agent: isTls ? this.#tlsAgent : this.#agent };
      const request = isTls ? httpsRequest(target, options) : httpRequest(target, options);
      // HTTP/1.1 keeps connections by default; Go sends no such header.
      request.removeHeader('connection');
      request.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE') && !signal.aborted;
        resolve(isStale ? 'stale' : { kind: 'none', reason: messageOf(error) });
      });
      request.on('response', (response) => {
        answerOf(response).then(resolve, (error: unknown) => {
          response.destroy();
          resolve({ kind: 'none', reason: messageOf(error) });
        });
      });
      request.end(wire.body);
    });
  }
}

async function answerOf(response: IncomingMessage): Promise<Exchange> {
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > answerMost) response.destroy(new Error(`the answer is longer than ${answerMost} bytes`));
  });
  const raw = await buffer(response);
  const isPacked = response.headers['content-encoding'] === 'gzip' && raw.length > 0;
  const body = isPacked ? gunzipSync(raw, { maxOutputLength: answerMost }) : raw;
  return { kind: 'answer', status: response.statusCode ?? 0, headers: response.headers, body };
}
