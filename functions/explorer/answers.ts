/** How an answer goes out: headers that keep a page to itself, compression, assets that change their address with their content. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { timeText } from '../../shared/history/time.ts';
import { assets } from './assets.ts';
import type { Html } from './html/html.ts';

/** No script and no style but our own files: what a name or a message brings along cannot run. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

export function secure(response: ServerResponse): void {
  response.setHeader('content-security-policy', policy);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'same-origin');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
}

export function sendHtml(request: IncomingMessage, response: ServerResponse, status: number, page: Html): Promise<void> {
  return send(request, response, status, 'text/html; charset=utf-8', page.text);
}

const times = /^(at|start|end|since|until|from|to|[a-z]+At)$/;

/** Times as RFC 3339. */
export function sendJson(request: IncomingMessage, response: ServerResponse, status: number, data: unknown): Promise<void> {
  const text = JSON.stringify(data, (key, value: unknown) => (typeof value === 'number' && times.test(key) ? timeText(value) : value));
  return send(request, response, status, 'application/json; charset=utf-8', `${text}\n`);
}

const compress = promisify(gzip);
const compressFrom = 1_024;

async function send(request: IncomingMessage, response: ServerResponse, status: number, type: string, text: string): Promise<void> {
  const plain = Buffer.from(text);
  const isCompressed = plain.length >= compressFrom && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const body = isCompressed ? await compress(plain, { level: 4 }) : plain;
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'private, no-cache',
    vary: 'accept-encoding',
    ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(body);
}

/** False: there is none of that name. */
export function sendAsset(request: IncomingMessage, response: ServerResponse, name: string): boolean {
  const asset = assets().get(name);
  if (asset === undefined) return false;
  const { etag, type, body } = asset;
  const headers = { etag, 'cache-control': 'public, max-age=31536000, immutable' };
  if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end();
  else response.writeHead(200, { ...headers, 'content-type': type, 'content-length': body.length }).end(body);
  return true;
}
