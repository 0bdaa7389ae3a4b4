/** The answers of the ingress, and what arrives behind it: the same headers that a real Knative Broker sends. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { field, listField } from '../../shared/events/json.ts';
import { eventHeaders, stage } from '../helpers/broker.ts';

const structured = { 'content-type': 'application/cloudevents+json' };
const minimal = { specversion: '1.0', id: '1', source: '/mysource', type: 'com.example.someevent' };

describe('answers', () => {
  const answers: readonly (readonly [what: string, path: string, init: RequestInit, status: number])[] = [
    ['binary', '/test/default', { method: 'POST', headers: eventHeaders() }, 202],
    ['structured', '/test/default', { method: 'POST', headers: structured, body: JSON.stringify(minimal) }, 202],
    ['specversion 0.3', '/test/default', { method: 'POST', headers: eventHeaders({ specversion: '0.3' }) }, 202],
    ['OPTIONS', '/test/default', { method: 'OPTIONS' }, 200],
    ['GET', '/test/default', { method: 'GET' }, 405],
    ['the root', '/', { method: 'POST', headers: eventHeaders() }, 404],
    ['a wrong path', '/test', { method: 'POST', headers: eventHeaders() }, 400],
    ['a longer path', '/test/default/more', { method: 'POST', headers: eventHeaders() }, 400],
    ['an unknown Broker', '/test/other', { method: 'POST', headers: eventHeaders() }, 404],
    ['no event', '/test/default', { method: 'POST', body: 'hello' }, 400],
    ['no type', '/test/default', { method: 'POST', headers: { ...eventHeaders(), 'ce-type': '' } }, 400],
    ['an unknown specversion', '/test/default', { method: 'POST', headers: eventHeaders({ specversion: '2.0' }) }, 400],
    ['a bad extension name', '/test/default', { method: 'POST', headers: { ...eventHeaders(), 'ce-my_ext': 'x' } }, 400],
    ['a time that is none', '/test/default', { method: 'POST', headers: eventHeaders({ time: 'today' }) }, 400],
    ['a batch', '/test/default', { method: 'POST', headers: { 'content-type': 'application/cloudevents-batch+json' }, body: '[]' }, 400],
    ['structured, not JSON', '/test/default', { method: 'POST', headers: structured, body: '{' }, 400],
    [
      'structured, an object as extension',
      '/test/default',
      { method: 'POST', headers: structured, body: JSON.stringify({ ...minimal, ext: {} }) },
      400,
    ],
    ['time to live used up', '/test/default', { method: 'POST', headers: eventHeaders({ knativebrokerttl: '1' }) }, 400],
    ['time to live of two', '/test/default', { method: 'POST', headers: eventHeaders({ knativebrokerttl: '2' }) }, 202],
    ['time to live that is none', '/test/default', { method: 'POST', headers: eventHeaders({ knativebrokerttl: 'x' }) }, 202],
    ['too large a body', '/test/default', { method: 'POST', headers: eventHeaders(), body: 'x'.repeat(3_000) }, 413],
  ];
  for (const [what, path, init, status] of answers) {
    test(`${what}: ${status}`, async () => {
      await using on = await stage({ options: { bounds: { bodyMost: 2_000 } } });
      const response = await fetch(new URL(path, on.url), init);
      assert.equal(response.status, status, await response.text());
      assert.equal(on.subscriber('subscriber').received.length, status === 202 ? 1 : 0);
    });
  }

  test('POST / goes to the Broker that is named for it', async () => {
    await using on = await stage({ options: { rootBroker: 'default' } });
    assert.equal((await fetch(new URL('/', on.url), { method: 'POST', headers: eventHeaders() })).status, 202);
    assert.equal(on.subscriber('subscriber').received.length, 1);
  });

  test('a name of no Broker is refused by name', async () => {
    await assert.rejects(stage({ options: { rootBroker: 'x' } }), /Cannot find the Broker 'x': wanted one of test\/default/);
  });

  test('whatever comes is answered with 202 or 4xx, never 5xx', async () => {
    await using on = await stage();
    const names = fc.constantFrom(
      'ce-id',
      'ce-source',
      'ce-type',
      'ce-specversion',
      'ce-time',
      'ce-x',
      'content-type',
      'ce-knativebrokerttl',
    );
    const values = fc.oneof(
      fc.constantFrom('1.0', 'application/cloudevents+json', 'a/b'),
      fc.string({ maxLength: 20 }).map(encodeURIComponent),
    );
    const headers = fc.dictionary(names, values);
    await fc.assert(
      fc.asyncProperty(headers, fc.oneof(fc.string(), fc.json()), async (some, body) => {
        const { status } = await fetch(on.url, { method: 'POST', headers: some, body });
        assert.ok(status === 202 || (status >= 400 && status < 500), String(status));
      }),
      { numRuns: 200 },
    );
  });
});

describe('what a subscriber gets', () => {
  test('only the headers that go through, the attributes in lower case, no time to live', async () => {
    await using on = await stage();
    const passed = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'x-b3-flags': '1',
      'x-request-id': '7',
      'knative-x': 'y',
    };
    const dropped = { authorization: 'Bearer secret', cookie: 'a=b', 'x-other': '1' };
    await on.send({ MyExt: 'v', knativebrokerttl: '9' }, '{}', { ...passed, ...dropped });
    const [got] = on.subscriber('subscriber').received;
    assert.deepEqual(got?.headers, {
      ...eventHeaders({ myext: 'v', knativearrivaltime: '2025-11-20T00:00:00.000Z' }),
      ...passed,
      host: new URL(on.subscriber('subscriber').url).host,
      'accept-encoding': 'gzip',
      'content-length': '2',
      'content-type': 'application/json',
      'kn-namespace': 'test',
      prefer: 'reply',
      'user-agent': 'knspan-broker',
    });
  });

  test('binary mode whatever came: extensions as texts, UTF-8 as bytes, no content type where there was none', async () => {
    await using on = await stage();
    const body = JSON.stringify({ ...minimal, count: 5, flag: true, note: 'hé', none: null, data: { b: [1] } });
    assert.equal((await fetch(on.url, { method: 'POST', headers: structured, body })).status, 202);
    const { headers, body: data } = on.subscriber('subscriber').nth(0);
    assert.equal(data, '{"b":[1]}');
    assert.deepEqual(
      [headers['ce-count'], headers['ce-flag'], headers['ce-none'], headers['content-type']],
      ['5', 'true', undefined, undefined],
    );
    assert.equal(Buffer.from(String(headers['ce-note']), 'latin1').toString(), 'hé');
  });

  test('no attribute ends its header', async () => {
    await using on = await stage();
    await fetch(on.url, { method: 'POST', headers: structured, body: JSON.stringify({ ...minimal, ext: 'a\r\nx-bad: 1\u0000' }) });
    const { headers } = on.subscriber('subscriber').nth(0);
    assert.equal(headers['ce-ext'], 'a  x-bad: 1');
    assert.equal(headers['x-bad'], undefined);
  });

  test('structured mode where the Trigger says so', async () => {
    await using on = await stage({ triggers: [{ delivery: { format: 'json' } }] });
    await on.send({ myext: 'v' });
    const [got] = on.subscriber('subscriber').received;
    assert.equal(got?.headers['content-type'], 'application/cloudevents+json');
    const event: unknown = JSON.parse(got?.body ?? '');
    assert.deepEqual(event, {
      ...minimal,
      myext: 'v',
      datacontenttype: 'application/json',
      knativearrivaltime: '2025-11-20T00:00:00.000Z',
      data: { a: 1 },
    });
  });
});

describe('as a real Broker', () => {
  const recorded: unknown[] = readFileSync(new URL('data/deliveries.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const headersOf = (one: unknown): Record<string, string> => {
    const list = listField(one, 'headers', 200).map(String);
    return Object.fromEntries(list.flatMap((name, index) => (index % 2 === 0 ? [[name.toLowerCase(), list[index + 1] ?? '']] : [])));
  };
  /** These differ from one delivery to the next. */
  const own = ['host', 'user-agent', 'ce-knativearrivaltime', 'kn-namespace', 'ce-knativeerrordest'];
  /** What the Broker adds. */
  const added = [
    'prefer',
    'accept-encoding',
    'content-length',
    'ce-knativebrokerttl',
    'ce-knativeerrorcode',
    'ce-knativeerrordata',
    ...own,
  ];

  for (const [index, one] of recorded.entries()) {
    test(`${field(one, 'what')} ${index + 1}: the same headers and body`, async () => {
      const isDead = field(one, 'what') === 'dead letter';
      const wanted = headersOf(one);
      const body = String(field(one, 'body'));
      const headers = Object.fromEntries(Object.entries(wanted).filter(([name]) => !added.includes(name)));
      const delivery = { retry: 1, deadLetterSink: { ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'dead' } } };
      await using on = await stage({
        subscribers: { subscriber: () => ({ status: isDead ? 500 : 202 }), dead: undefined },
        triggers: [{ delivery }],
      });
      assert.equal((await fetch(on.url, { method: 'POST', headers, body })).status, 202);
      const [got] = on.subscriber(isDead ? 'dead' : 'subscriber').received;
      assert.equal(got?.body, body);
      assert.deepEqual(Object.keys(got?.headers ?? {}).sort(), Object.keys(wanted).sort());
      for (const [name, value] of Object.entries(wanted)) if (!own.includes(name)) assert.equal(got?.headers[name], value, name);
    });
  }
});
