/** The minimal HTTP server for an event: read it, parse it, answer. The baseline of the correlator's figures. */
import { createServer } from 'node:http';

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    response.writeHead(typeof value === 'object' ? 202 : 400, { 'content-length': '0' }).end();
  });
}).listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.('listening'));
