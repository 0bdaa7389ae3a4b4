/** A function's HTTP server: its responses, its bounds on everything a sender controls, and its shutdown. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { CloudEvent } from 'cloudevents';
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import { type Answer, type FunctionOptions, type RunningFunction, serveFunction } from '../../shared/http/server.ts';
import { readDeliveries } from '../helpers/deliveries.ts';
import { rawRequest } from '../helpers/socket.ts';
import { metricOf, surroundingsFor } from '../helpers/surroundings.ts';
import { until } from '../helpers/until.ts';

const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'content-type': 'application/json' };
const head = 'POST / HTTP/1.1\r\nHost: x\r\nce-specversion: 1.0\r\nce-id: 1\r\nce-source: /s\r\nce-type: t\r\n';

/** Answers when the test says so. */
class Gate {
  readonly waiting: (() => void)[] = [];
  readonly handle = () => new Promise<Answer>((resolve) => this.waiting.push(() => resolve({ status: 202 })));
  open(): void {
    for (const answer of this.waiting.splice(0)) answer();
  }
}

describe('serveFunction', () => {
  const running: RunningFunction[] = [];
  const surroundings = surroundingsFor({});
  const lines = surroundings.lines;

  afterEach(async () => {
    for (const one of running.splice(0)) await one.close(0);
  });

  async function serve(options: Partial<FunctionOptions> = {}): Promise<RunningFunction> {
    const { log, metrics } = surroundingsForOne();
    const handle = async () => ({ status: 202 });
    const one = await serveFunction({ name: 'test', port: 0, host: '127.0.0.1', log, metrics, ready: () => true, handle, ...options });
    running.push(one);
    return one;
  }

  function surroundingsForOne() {
    return { log: surroundings.log, metrics: surroundingsFor({}).metrics };
  }

  const post = (to: RunningFunction, body: NonNullable<RequestInit['body']> = '{}', headers: Record<string, string> = {}) =>
    fetch(to.url, { method: 'POST', body, headers: { ...binary, ...headers } });
  const outcome = async (of: RunningFunction, name: string) =>
    metricOf(await (await fetch(`${of.url}/metrics`)).text(), `knspan_requests_total{outcome="${name}"}`);

  test('takes events below a path where there is one, and tells by which name', async () => {
    const names: string[] = [];
    const handle = async (_: readonly ReceivedEvent[], { name }: { readonly name: string }) => {
      names.push(name);
      return { status: 202 };
    };
    const server = await serve({ below: '/dead-letters/', handle });
    const to = (path: string, method = 'POST') =>
      fetch(`${server.url}${path}`, { method, headers: binary, ...(method === 'POST' ? { body: '{}' } : {}) });
    const bad = [
      '/dead-letters',
      '/dead-letters/',
      '/dead-letters/a/',
      '/dead-letters/a/b',
      '/dead-letters/A',
      '/dead-letters/%61',
      '/dead-letters/-a',
      '/other/a',
    ];
    for (const path of [...bad, `/dead-letters/${'a'.repeat(64)}`]) assert.equal((await to(path)).status, 404, path);
    for (const path of ['/', '/dead-letters/exporter', `/dead-letters/${'a'.repeat(63)}`]) assert.equal((await to(path)).status, 202, path);
    assert.deepEqual(names, ['', 'exporter', 'a'.repeat(63)]);
    const { status, headers } = await to('/dead-letters/exporter', 'GET');
    assert.deepEqual([status, headers.get('allow')], [405, 'POST']);
    assert.equal(
      (await fetch(`${(await serve()).url}/dead-letters/exporter`, { method: 'POST', headers: binary, body: '{}' })).status,
      404,
    );
  });

  test('hands on what a real Broker sent, byte for byte, and answers with an empty 202', async () => {
    const got: ReceivedEvent[] = [];
    const server = await serve({
      handle: async (events) => {
        got.push(...events);
        return { status: 202 };
      },
    });
    const deliveries = readDeliveries();
    for (const { rawHeaders, body } of deliveries) {
      const answer = await new Promise<string>((resolve, reject) => {
        const sent = requestHttp(server.url, { method: 'POST', headers: [...rawHeaders] }, (response) => {
          let text = `${response.statusCode} `;
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
        });
        sent.on('error', reject).end(body);
      });
      assert.equal(answer, '202 ');
    }
    assert.deepEqual(
      got.map((event) => [event.id, event.type, event.data]),
      deliveries.map(({ headers, body }) => [headers['ce-id'], headers['ce-type'], JSON.parse(body)]),
    );
    assert.equal(await outcome(server, 'accepted'), deliveries.length);
  });

  test('answers of the handler: reply, refusal with its reason, retry later', async () => {
    const reply = new CloudEvent({ id: '2', source: '/r', type: 'r', rootname: 'ä', data: { ok: true } });
    const answers: Answer[] = [
      { status: 200, reply },
      { status: 204 },
      { status: 422, reason: 'Cannot use it: too old' },
      { status: 503, retryAfterSeconds: 1.2, reason: 'Cannot store: Redis is away' },
    ];
    const server = await serve({ handle: async () => answers.shift() ?? { status: 202 } });
    const replied = await post(server);
    assert.equal(replied.status, 200);
    assert.equal(replied.headers.get('ce-type'), 'r');
    assert.equal(replied.headers.get('ce-rootname'), '%C3%A4');
    assert.deepEqual(await replied.json(), { ok: true });
    assert.deepEqual([(await post(server)).status], [204]);
    const refused = await post(server);
    assert.deepEqual([refused.status, await refused.text()], [422, 'Cannot use it: too old']);
    const later = await post(server);
    assert.deepEqual([later.status, later.headers.get('retry-after')], [503, '2']);
    assert.deepEqual(await Promise.all(['accepted', 'rejected', 'unavailable'].map((name) => outcome(server, name))), [2, 1, 1]);
  });

  test('a bug of the handler is a 500 that tells nothing, and a line that tells all', async () => {
    const server = await serve({ handle: () => Promise.reject(new Error('secret of the house')) });
    const response = await post(server);
    assert.deepEqual([response.status, await response.text()], [500, 'Cannot handle the request: internal error']);
    assert.ok(lines.some((line) => line.reason === 'secret of the house' && String(line.stack).includes('server.test.ts')));
    assert.equal((await post(server)).status, 500);
  });

  test('what is no CloudEvent: status, one sentence, counted, a sample in the log without the body', async () => {
    const server = await serve();
    const cases: readonly (readonly [Promise<Response>, number, RegExp, string])[] = [
      [post(server, '{"password":hush}'), 400, /not JSON/, 'bad_event'],
      [post(server, '{}', { 'ce-specversion': '0.3' }), 400, /specversion is '0\.3'/, 'bad_event'],
      [fetch(server.url, { method: 'POST', body: '{}' }), 415, /wanted a CloudEvent 1\.0/, 'bad_type'],
      [post(server, '{}', { 'content-encoding': 'gzip' }), 415, /no content encoding/, 'bad_type'],
      [fetch(server.url), 405, /wanted POST/, 'bad_path'],
      [fetch(`${server.url}/x`, { method: 'POST' }), 404, /wanted POST \//, 'bad_path'],
      [fetch(`${server.url}/constructor`), 404, /wanted POST \//, 'bad_path'],
      [fetch(`${server.url}/metrics`, { method: 'DELETE' }), 405, /wanted GET/, 'bad_path'],
    ];
    for (const [sent, status, reason] of cases) {
      const response = await sent;
      assert.equal(response.status, status);
      assert.match(await response.text(), reason);
    }
    assert.deepEqual(await Promise.all(['bad_event', 'bad_type', 'bad_path'].map((name) => outcome(server, name))), [2, 2, 4]);
    assert.ok(lines.some((line) => line.message === 'refused a request' && line.status === 400));
    assert.doesNotMatch(JSON.stringify(lines), /hush/);
  });

  test('an event and probes by any path: at once, by a query, many before the paths are there', async () => {
    const server = await serve({ ready: () => 'not yet' });
    const asked = ['/', '/?a=b', '/'].map((path) => fetch(server.url + path, { method: 'POST', body: '{}', headers: binary }));
    const probes = ['/health/liveness', '/health/readiness', '/health/readiness?x', '/health/liveness/', '/Health/liveness'];
    const answers = await Promise.all([...asked, ...probes.map((path) => fetch(server.url + path))]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202, 202, 200, 503, 503, 404, 404],
    );
    const heads = await Promise.all(['/health/liveness', '/metrics'].map((path) => fetch(server.url + path, { method: 'HEAD' })));
    assert.deepEqual([...heads.map(({ status }) => status), await outcome(server, 'accepted')], [200, 200, 3]);
  });

  test('a body up to the limit is taken, above it refused, told or not how long it is', async () => {
    const server = await serve({ bodyLimit: 1_000 });
    const textOf = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2));
    assert.equal((await post(server, textOf(1_000))).status, 202);
    const above = await post(server, textOf(1_001));
    assert.deepEqual([above.status, await above.text()], [413, 'Cannot read the body: wanted at most 1000 bytes']);
    const chunked = (bytes: number) =>
      rawRequest(
        server.url,
        `${head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${bytes.toString(16)}\r\n`,
        textOf(bytes),
        '\r\n0\r\n\r\n',
      );
    assert.match(await chunked(1_000), /^HTTP\/1\.1 202 /);
    assert.match(await chunked(1_001), /^HTTP\/1\.1 413 /);
    // Far above it the answer comes before the end of the body, and the connection is closed.
    assert.match(await rawRequest(server.url, `${head}Content-Length: 1000000\r\n\r\n`, 'x'.repeat(9_000)), /^HTTP\/1\.1 413 /);
    assert.equal(await outcome(server, 'too_large'), 3);
    assert.equal((await post(server, textOf(1_000))).status, 202);
  });

  test('all bodies at once have a bound too, and what was refused is given back', async () => {
    const gate = new Gate();
    const server = await serve({ handle: gate.handle, bounds: { bodiesAtOnce: 1_500 } });
    const body = JSON.stringify('x'.repeat(1_000));
    const first = post(server, body);
    await until('the first is held', () => gate.waiting.length === 1);
    const second = await post(server, body);
    assert.deepEqual([second.status, second.headers.get('retry-after')], [503, '1']);
    gate.open();
    assert.equal((await first).status, 202);
    const third = post(server, body);
    await until('the third is held', () => gate.waiting.length === 1);
    gate.open();
    assert.equal((await third).status, 202);
  });

  test('requests at once have a bound', async () => {
    const gate = new Gate();
    const server = await serve({ handle: gate.handle, bounds: { requestsAtOnce: 2 } });
    const held = [post(server), post(server)];
    await until('two are held', () => gate.waiting.length === 2);
    assert.deepEqual([(await post(server)).status, await outcome(server, 'overloaded')], [503, 1]);
    gate.open();
    assert.deepEqual(
      (await Promise.all(held)).map((response) => response.status),
      [202, 202],
    );
  });

  test('headers have a bound in number and in bytes', async () => {
    const server = await serve();
    const many = (count: number) => Array.from({ length: count }, (_, index) => `x-${index}: 1\r\n`).join('');
    const tail = 'Content-Length: 2\r\nConnection: close\r\n\r\n{}';
    assert.match(await rawRequest(server.url, head + many(121) + tail), /^HTTP\/1\.1 202 /);
    assert.match(await rawRequest(server.url, head + many(122) + tail), /^HTTP\/1\.1 431 /);
    assert.match(await rawRequest(server.url, head + many(2_000) + tail), /^HTTP\/1\.1 431 /);
    assert.match(await rawRequest(server.url, `${head}x-long: ${'x'.repeat(17_000)}\r\n${tail}`), /^HTTP\/1\.1 431 /);
  });

  test('what is no HTTP gets 400 and the door', async () => {
    const server = await serve();
    assert.match(await rawRequest(server.url, 'hello\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n/);
    assert.match(await rawRequest(server.url, `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`), /^HTTP\/1\.1 400 /);
    assert.equal(await outcome(server, 'bad_http'), 2);
  });

  test('who sends headers or a body too slowly is cut off with 408', async () => {
    const server = await serve({ bounds: { headersTimeoutMs: 40, requestTimeoutMs: 80, checkConnectionsMs: 10 } });
    assert.match(await rawRequest(server.url, 'POST / HTTP/1.1\r\nHost: x\r\nce-id'), /^HTTP\/1\.1 408 Request Timeout\r\n/);
    assert.match(await rawRequest(server.url, `${head}Content-Length: 100\r\n\r\n{`), /^HTTP\/1\.1 408 Request Timeout\r\n/);
    assert.equal((await post(server)).status, 202);
  });

  test('a body that drips makes room for others before its request times out', async () => {
    const server = await serve({ bounds: { bodyWithinMs: 50, bodiesAtOnce: 100 } });
    const answer = await rawRequest(server.url, `${head}Content-Length: 100\r\n\r\n${' '.repeat(90)}`);
    assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
    assert.match(answer, /^connection: close\r$/im);
    assert.equal((await post(server, `${' '.repeat(90)}{}`)).status, 202);
    assert.equal(await outcome(server, 'bad_http'), 1);
  });

  test('connections have a bound', async () => {
    const gate = new Gate();
    const server = await serve({ handle: gate.handle, bounds: { connections: 1 } });
    const held = rawRequest(server.url, `${head}Content-Length: 2\r\nConnection: close\r\n\r\n{}`);
    await until('one is held', () => gate.waiting.length === 1);
    assert.equal(await rawRequest(server.url, `${head}Content-Length: 2\r\n\r\n{}`), '');
    gate.open();
    assert.match(await held, /^HTTP\/1\.1 202 /);
  });

  test('readiness is what the function says, liveness is that it answers', async () => {
    let ready: true | string = 'Redis is away';
    const server = await serve({ ready: () => ready });
    const readiness = () => fetch(`${server.url}/health/readiness`);
    const away = await readiness();
    assert.deepEqual([away.status, await away.text()], [503, 'Redis is away']);
    ready = true;
    assert.equal((await readiness()).status, 200);
    assert.equal((await fetch(`${server.url}/health/liveness`)).status, 200);
  });

  test('a graceful end: what is in flight is answered, nothing new is let in, then the last work is done', async () => {
    const gate = new Gate();
    const steps: string[] = [];
    const server = await serve({
      handle: async () => {
        const answer = await gate.handle();
        steps.push('answered');
        return answer;
      },
      beforeClose: async (graceMs) => {
        steps.push(graceMs > 0 && graceMs <= 20_000 ? 'before close' : `grace ${graceMs}`);
      },
    });
    const held = post(server);
    await until('one is held', () => gate.waiting.length === 1);
    const closed = server.close(20_000);
    assert.equal(server.close(20_000), closed, 'closing twice is closing once');
    await assert.rejects(post(server));
    gate.open();
    const [response] = await Promise.all([held, closed]);
    assert.deepEqual([response.status, response.headers.get('connection')], [202, 'close']);
    assert.deepEqual(steps, ['answered', 'before close']);
  });

  test('a connection on which no request has come holds up no end, nor does one with half a head', async () => {
    const server = await serve();
    const ends = ['', 'POST / HTTP/1.1\r\nHost: x\r\nce-id'].map(async (text) => {
      const socket = connect(server.port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      if (text !== '') socket.write(text);
      return once(socket, 'close');
    });
    assert.equal((await post(server)).status, 202);
    await server.close(600_000);
    await Promise.all(ends);
  });

  test('the end of the grace period cuts off who never ends', async () => {
    const gate = new Gate();
    const server = await serve({ handle: gate.handle });
    const held = post(server);
    await until('one is held', () => gate.waiting.length === 1);
    const [cut] = await Promise.allSettled([held, server.close(20)]);
    assert.equal(cut.status, 'rejected');
  });

  test('a port that is taken is a failed start', async () => {
    const server = await serve();
    await assert.rejects(serve({ port: server.port }), /EADDRINUSE/);
  });
});
