/** Fuzzing the entry: no request makes a function answer 5xx or crash while its dependencies are healthy. */
import assert from 'node:assert/strict';
import { Agent, request as requestHttp } from 'node:http';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type RunningFunction, serveFunction } from '../../shared/http/server.ts';
import { readDeliveries } from '../helpers/deliveries.ts';
import { seed } from '../helpers/seed.ts';
import { rawRequest } from '../helpers/socket.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';

fc.configureGlobal({ seed });

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const deliveries = readDeliveries();
const headerName = fc.oneof(
  fc.constantFrom(
    'ce-id',
    'ce-type',
    'ce-source',
    'ce-specversion',
    'ce-time',
    'ce-subject',
    'ce-traceid',
    'content-type',
    'content-encoding',
    'prefer',
    'ce-__proto__',
    'ce-constructor',
  ),
  fc
    .stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
    .filter((name) => !/^(content-length|transfer-encoding|connection|expect|upgrade|host|te|trailer|keep-alive)$/.test(name)),
);
const headerValue = fc.oneof(
  fc.constantFrom(
    '1.0',
    'application/json',
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'gzip',
    '%',
    '%E0%A4%A',
    'null',
  ),
  fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
    maxLength: 40,
  }),
);
const anyBody = fc.oneof(
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc.nat(300).map((depth) => Buffer.from('['.repeat(depth))),
);
const changed: fc.Arbitrary<Sent> = fc
  .record({
    which: fc.nat(deliveries.length - 1),
    headers: fc.dictionary(headerName, headerValue, { maxKeys: 4 }),
    at: fc.nat(),
    byte: fc.nat(255),
    cut: fc.nat(3),
  })
  .map(({ which, headers, at, byte, cut }) => {
    const delivery = deliveries[which];
    const body = Buffer.from(delivery?.body ?? '');
    if (body.length > 0) body[at % body.length] = byte;
    const { 'content-length': _, host: _host, ...own } = delivery?.headers ?? {};
    return {
      method: 'POST',
      path: '/',
      headers: { ...own, ...headers },
      body: cut === 0 ? body.subarray(0, at % (body.length + 1)) : body,
    };
  });
const invented: fc.Arbitrary<Sent> = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'PUT', 'GET', 'OPTIONS'),
  path: fc.constantFrom('/', '/', '/', '/?a=b', '//', '/metrics', '/%', '/health/liveness/../..', '/__proto__'),
  headers: fc.dictionary(headerName, headerValue, { maxKeys: 8 }),
  body: anyBody,
});

describe('the HTTP entry', () => {
  const surroundings = surroundingsFor({});
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  let server: RunningFunction;
  let handled = 0;

  before(async () => {
    const { log, metrics } = surroundings;
    const handle = async () => {
      handled += 1;
      return { status: 202 };
    };
    server = await serveFunction({ name: 'test', port: 0, host: '127.0.0.1', log, metrics, ready: () => true, handle, bodyLimit: 20_000 });
  });
  after(async () => {
    agent.destroy();
    await server.close(0);
  });

  function statusOf({ method, path, headers, body }: Sent): Promise<number> {
    return new Promise((resolve, reject) => {
      const sent = requestHttp(server.url + path, { method, agent, headers: { ...headers, 'content-length': body.length } }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.on('error', reject).end(body);
    });
  }

  test('changed deliveries and invented requests: never a 5xx, and no error of ours', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, invented), async (sent) => {
        const status = await statusOf(sent);
        assert.ok(status >= 200 && status < 500, `status ${status}`);
      }),
      { numRuns: 1_500 },
    );
    assert.ok(handled > 100, `${handled} reached the function`);
    assert.deepEqual(
      surroundings.lines.filter((line) => line.level === 'error'),
      [],
    );
  });

  test('bytes that are hardly HTTP: an answer below 500 or a closed connection', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'POST / HTTP/1.1\r\n',
        'GET /',
        ' HTTP/9.9\r\n',
        'Host: x\r\n',
        'Content-Length: -1\r\n',
        'Content-Length: 3\r\n',
        'Transfer-Encoding: chunked\r\n',
        '\r\n',
        'ffffffffffff\r\n',
        '0\r\n\r\n',
        'ce-id: \u0000\r\n',
      ),
      fc.string({ unit: 'binary', maxLength: 30 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), async (pieces) => {
        // The last line ends every request that has begun: not HTTP, whatever came before.
        const answer = await rawRequest(server.url, Buffer.from(pieces.join(''), 'latin1'), '\u0000\r\n\u0000\r\n\r\n\r\n');
        assert.match(answer, /^($|HTTP\/1\.1 [234])/);
        assert.doesNotMatch(answer, /HTTP\/1\.1 5/);
      }),
      { numRuns: 200 },
    );
    assert.equal((await fetch(`${server.url}/health/liveness`)).status, 200);
  });
});
