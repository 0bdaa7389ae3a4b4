/** Passes requests that are no CloudEvents to the web page of the same process: one address for both. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { messageOf } from '../process/log.ts';

/** `page`: its URL without a path. */
export function passToPage(page: string, request: IncomingMessage, response: ServerResponse): void {
  const { hostname, port } = new URL(page);
  const { method, url, headers } = request;
  const passed = httpRequest({ hostname, port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passed.on('error', (error) => {
    if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`Cannot reach the page: ${messageOf(error)}\n`);
  });
  response.on('close', () => passed.destroy());
  request.pipe(passed);
}
