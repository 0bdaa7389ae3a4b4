/** The sink: requests, and the outcome of each response. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createSink, parseRetryAfter, type Sink, type SinkOptions, sinkOptionsOf } from '../../shared/http/sink.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { ConfigError, Settings } from '../../shared/process/settings.ts';

const body = '{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1}}';
const now = Date.parse('2026-11-20T21:54:20Z');

describe('createSink', () => {
  const got: { headers: IncomingMessage['headers']; text: string; url: string; method: string }[] = [];
  let answer: (response: ServerResponse) => void;
  let connections = 0;
  let server: Server;
  let url: string;
  const sinks: Sink[] = [];

  beforeEach(async () => {
    got.length = 0;
    connections = 0;
    answer = (response) => response.writeHead(202).end();
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      got.push({
        headers: request.headers,
        text: Buffer.concat(chunks).toString('utf8'),
        url: request.url ?? '',
        method: request.method ?? '',
      });
      answer(response);
    });
    server.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/ns/broker`;
  });
  afterEach(async () => {
    for (const sink of sinks.splice(0)) sink.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function sinkTo(options: Partial<SinkOptions> = {}): Sink {
    const sink = createSink({ url, clock: { now: () => now, sleep: () => Promise.resolve() }, ...options });
    sinks.push(sink);
    return sink;
  }

  test('posts the event as it is, in structured mode, over connections that are used again', async () => {
    const sink = sinkTo();
    for (let index = 0; index < 5; index += 1) assert.deepEqual(await sink.send(body), { kind: 'accepted' });
    assert.equal(connections, 1);
    const [request] = got;
    assert.deepEqual([request?.method, request?.url, request?.text], ['POST', '/ns/broker', body]);
    assert.equal(request?.headers['content-type'], 'application/cloudevents+json; charset=utf-8');
    assert.equal(request?.headers.authorization, undefined);
  });

  const statuses: Readonly<Record<number, string>> = {
    200: 'accepted',
    202: 'accepted',
    204: 'accepted',
    ...Object.fromEntries(
      [301, 302, 307, 401, 403, 404, 405, 407, 408, 409, 425, 429, 500, 502, 503, 504].map((status) => [status, 'retry']),
    ),
    ...Object.fromEntries([400, 410, 413, 415, 422].map((status) => [status, 'rejected'])),
  };
  for (const [status, kind] of Object.entries(statuses)) {
    test(`${status} means ${kind}; no redirect is followed`, async () => {
      answer = (response) => response.writeHead(Number(status), { location: '/elsewhere' }).end(status === '204' ? undefined : 'why');
      const outcome = await sinkTo().send(body);
      assert.equal(outcome.kind, kind);
      assert.equal(got.length, 1);
      if (outcome.kind !== 'accepted') assert.equal(outcome.reason, `Cannot send to the sink: it answered ${status}: why`);
      if (outcome.kind !== 'accepted') assert.equal(outcome.status, Number(status));
    });
  }

  test('how long the sink wants us to wait', async () => {
    answer = (response) => response.writeHead(503, { 'retry-after': '7' }).end();
    const reason = 'Cannot send to the sink: it answered 503';
    assert.deepEqual(await sinkTo().send(body), { kind: 'retry', status: 503, reason, afterMs: 7_000 });
    assert.equal(parseRetryAfter(undefined, now), undefined);
    assert.equal(parseRetryAfter('Fri, 20 Nov 2026 21:54:50 GMT', now), 30_000);
    assert.equal(parseRetryAfter('Fri, 20 Nov 2020 21:54:50 GMT', now), 0);
    assert.equal(parseRetryAfter('9999999999', now), 3_600_000);
    assert.equal(parseRetryAfter('soon', now), undefined);
  });

  test('no answer, a broken connection, nobody there: again', async () => {
    answer = () => {};
    assert.deepEqual(await sinkTo({ timeoutMs: 30 }).send(body), {
      kind: 'retry',
      reason: 'Cannot reach the sink: no answer within 30 ms',
    });
    answer = (response) => response.destroy();
    assert.equal((await sinkTo().send(body)).kind, 'retry');
    const gone = await sinkTo({ url: 'http://127.0.0.1:1/' }).send(body);
    assert.ok(gone.kind === 'retry' && /ECONNREFUSED/.test(gone.reason));
  });

  test('an answer that drips is ended by the timeout; its status counts', async () => {
    answer = (response) => response.writeHead(202).write('x');
    assert.deepEqual(await sinkTo({ timeoutMs: 1_000 }).send(body), { kind: 'accepted' });
  });

  test('an answer without end is not read to its end', async () => {
    answer = (response) => {
      const more = () => {
        if (!response.destroyed && response.write('x'.repeat(10_000))) setImmediate(more);
      };
      response.writeHead(400);
      response.on('drain', more);
      more();
    };
    const outcome = await sinkTo().send(body);
    assert.ok(outcome.kind === 'rejected' && outcome.reason.length < 400);
  });

  test('overrides are set on the event', async () => {
    await sinkTo({ overrides: { team: 'a', type2: 'b' } }).send(body);
    assert.deepEqual(JSON.parse(got[0]?.text ?? ''), { ...JSON.parse(body), team: 'a', type2: 'b' });
  });

  test('the token is read anew for each event; without the file none is sent; one that cannot be read is no token', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'knspan-'));
    try {
      const tokenFile = join(folder, 'token');
      const clock = new ManualClock(0);
      const sink = sinkTo({ tokenFile, clock });
      await sink.send(body);
      await writeFile(tokenFile, 'one\n');
      // That there is none is not asked again at once.
      await clock.advance(10_000);
      await sink.send(body);
      await writeFile(tokenFile, 'two');
      await sink.send(body);
      assert.deepEqual(
        got.map((request) => request.headers.authorization),
        [undefined, 'Bearer one', 'Bearer two'],
      );
      const unreadable = await sinkTo({ tokenFile: folder }).send(body);
      assert.ok(unreadable.kind === 'retry' && /OIDC token file: EISDIR/.test(unreadable.reason));
      assert.equal(got.length, 3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('sinkOptionsOf', () => {
  test('as a SinkBinding sets it', () => {
    const settings = new Settings({ K_SINK: 'http://broker-ingress/ns/traces', K_CE_OVERRIDES: '{"extensions":{"team":"a"}}' });
    const { url, overrides, tokenFile, certificates } = sinkOptionsOf(settings);
    settings.finish('correlator');
    assert.deepEqual(
      [url, overrides, tokenFile, certificates],
      ['http://broker-ingress/ns/traces', { team: 'a' }, '/oidc/token', undefined],
    );
  });

  for (const overrides of ['', '{}', '{"extensions":{}}']) {
    test(`no overrides: '${overrides}'`, () => {
      const settings = new Settings({ K_SINK: 'http://s', K_CE_OVERRIDES: overrides });
      assert.deepEqual(sinkOptionsOf(settings).overrides, {});
      settings.finish('correlator');
    });
  }

  const wrong: readonly Readonly<Record<string, string>>[] = [
    { K_SINK: '' },
    { K_SINK: 'broker:80' },
    ...['x', '[]', '{"extensions":[]}', '{"extensions":{"id":"x"}}', '{"extensions":{"Big":"x"}}', '{"extensions":{"n":1}}'].map(
      (text) => ({ K_CE_OVERRIDES: text }),
    ),
    { K_CA_CERTS: 'PRIVATE hush' },
  ];
  for (const env of wrong) {
    test(`refuses ${JSON.stringify(env)}`, () => {
      const settings = new Settings({ K_SINK: 'http://s', ...env });
      sinkOptionsOf(settings);
      assert.throws(
        () => settings.finish('correlator'),
        (error) => error instanceof ConfigError && error.message.includes(Object.keys(env)[0] ?? '') && !error.message.includes('hush'),
      );
    });
  }
});
