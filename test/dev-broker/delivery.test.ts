/** Delivery over real HTTP: what is tried again and when, replies, dead letters, loops, synchronous and asynchronous Brokers, bounds. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventHeaders, serviceRef, stage } from '../helpers/broker.ts';
import type { Answering } from '../helpers/subscriber.ts';

const reply = (attributes: Readonly<Record<string, string>>) => ({ status: 200, headers: eventHeaders(attributes), body: '' });
const exponential = { retry: 3, backoffPolicy: 'exponential', backoffDelay: 'PT0.5S', timeout: 'PT10S' };

describe('retries', () => {
  for (const status of [404, 408, 409, 429, 500, 502, 503, 599]) {
    test(`${status} is tried again`, async () => {
      await using on = await stage({
        subscribers: { subscriber: (_, count) => ({ status: count < 3 ? status : 202 }) },
        triggers: [{ delivery: exponential }],
      });
      assert.equal((await on.send()).status, 202);
      assert.equal(on.subscriber('subscriber').received.length, 3);
      assert.deepEqual(on.clock.pauses, [500, 1_000]);
    });
  }

  for (const status of [300, 304, 400, 401, 403, 410, 413, 415, 422, 431]) {
    test(`${status} is not`, async () => {
      await using on = await stage({ subscribers: { subscriber: () => ({ status }) }, triggers: [{ delivery: exponential }] });
      assert.equal((await on.send()).status, 500);
      assert.equal(on.subscriber('subscriber').received.length, 1);
    });
  }

  for (const status of [200, 201, 202, 204]) {
    test(`${status} is delivered`, async () => {
      await using on = await stage({ subscribers: { subscriber: () => ({ status }) } });
      assert.equal((await on.send()).status, 202);
    });
  }

  test('linear pauses begin with none; no pause without a delay', async () => {
    const fails = { subscriber: () => ({ status: 500 }) };
    await using linear = await stage({
      subscribers: fails,
      triggers: [{ delivery: { retry: 3, backoffPolicy: 'linear', backoffDelay: 'PT2S' } }],
    });
    await linear.send();
    assert.deepEqual(linear.clock.pauses, [0, 2_000, 4_000]);
    await using bare = await stage({ subscribers: fails, triggers: [{ delivery: { retry: 2 } }] });
    await bare.send();
    assert.deepEqual(bare.clock.pauses, [0, 0]);
  });

  test('a connection that is cut, and one that cannot be made', async () => {
    await using on = await stage({
      subscribers: { subscriber: (_, count) => (count < 3 ? 'cut' : { status: 202 }) },
      triggers: [{ delivery: exponential }],
    });
    assert.equal((await on.send()).status, 202);
    await using away = await stage({ options: { urlOf: () => 'http://127.0.0.1:1' }, triggers: [{ delivery: exponential }] });
    assert.equal((await away.send()).status, 500);
    assert.deepEqual(away.clock.pauses, [500, 1_000, 2_000]);
  });

  test('a kept connection that the subscriber has let go costs no attempt', async () => {
    await using on = await stage({ subscribers: { subscriber: (_, count) => (count === 2 ? 'cut' : { status: 202 }) } });
    assert.deepEqual([(await on.send()).status, (await on.send()).status], [202, 202]);
    assert.equal(on.subscriber('subscriber').received.length, 3);
  });

  test('an attempt without an answer ends with its time and is tried again', async () => {
    await using on = await stage({
      subscribers: { subscriber: (_, count) => (count === 1 ? 'never' : { status: 202 }) },
      triggers: [{ delivery: exponential }],
    });
    const sent = on.send();
    await on.subscriber('subscriber').arrived(1);
    on.clock.expire();
    assert.equal((await sent).status, 202);
    assert.deepEqual(on.clock.pauses, [500]);
  });

  test('Retry-After counts only where it is allowed, up to its bound, and only when it is longer', async () => {
    const pausesWith = async (delivery: unknown, seconds: string, status = 503) => {
      const answering = (_: unknown, count: number) => (count === 1 ? { status, headers: { 'retry-after': seconds } } : { status: 202 });
      await using on = await stage({ subscribers: { subscriber: answering }, triggers: [{ delivery }] });
      await on.send();
      return on.clock.pauses;
    };
    assert.deepEqual(await pausesWith(exponential, '3'), [500]);
    assert.deepEqual(await pausesWith({ ...exponential, retryAfterMax: 'PT8S' }, '3'), [3_000]);
    assert.deepEqual(await pausesWith({ ...exponential, retryAfterMax: 'PT8S' }, 'Thu, 20 Nov 2025 00:00:02 GMT', 429), [2_000]);
    assert.deepEqual(await pausesWith({ ...exponential, retryAfterMax: 'PT8S' }, '60'), [8_000]);
    assert.deepEqual(await pausesWith({ ...exponential, retryAfterMax: 'PT8S' }, '0'), [500]);
    assert.deepEqual(await pausesWith({ ...exponential, retryAfterMax: 'PT8S' }, '3', 500), [500]);
    assert.deepEqual(await pausesWith({ ...exponential, retryAfterMax: 'PT8S' }, 'soon'), [500]);
  });

  test("a Trigger's delivery replaces its Broker's as a whole, but for the dead letter sink", async () => {
    const setting = {
      subscribers: { subscriber: () => ({ status: 500 }), dead: undefined },
      delivery: { retry: 2, deadLetterSink: serviceRef('dead') },
    };
    await using inherits = await stage({ ...setting, triggers: [{ delivery: undefined }] });
    await inherits.send();
    assert.equal(inherits.subscriber('subscriber').received.length, 3);
    await using replaces = await stage({ ...setting, triggers: [{ delivery: { timeout: 'PT10S' } }] });
    assert.equal((await replaces.send()).status, 202);
    assert.equal(replaces.subscriber('subscriber').received.length, 1);
    assert.equal(replaces.subscriber('dead').received.length, 1);
  });
});

describe('dead letters', () => {
  const toDead = { retry: 1, timeout: 'PT10S', deadLetterSink: serviceRef('dead') };

  test('the original with what went wrong, cut, and the time to live; no Prefer', async () => {
    const body = 'x'.repeat(2_000);
    await using on = await stage({
      subscribers: { subscriber: () => ({ status: 418, body }), dead: undefined },
      triggers: [{ delivery: toDead }],
    });
    assert.equal((await on.send({ knativebrokerttl: '7' })).status, 202);
    const { headers, body: data } = on.subscriber('dead').nth(0);
    assert.equal(data, '{"a":1}');
    assert.equal(headers['ce-knativeerrordest'], on.subscriber('subscriber').url);
    assert.equal(headers['ce-knativeerrorcode'], '418');
    assert.equal(headers['ce-knativeerrordata'], Buffer.from(body).toString('base64').slice(0, 1_024));
    assert.equal(headers['ce-knativebrokerttl'], '6');
    assert.equal(headers['prefer'], undefined);
    assert.equal(headers['kn-namespace'], 'test');
  });

  test('of a subscriber that cannot be reached: code 500 and its address', async () => {
    await using on = await stage({ subscribers: { subscriber: () => 'cut', dead: undefined }, triggers: [{ delivery: toDead }] });
    await on.send();
    assert.deepEqual(on.subscriber('dead').header('ce-knativeerrordest'), [on.subscriber('subscriber').url]);
    assert.deepEqual(on.subscriber('dead').header('ce-knativeerrorcode'), ['500']);
  });

  test('of an attempt out of time, or a reply that is none: it says nothing, as in a cluster', async () => {
    await using late = await stage({
      subscribers: { subscriber: () => 'never', dead: undefined },
      triggers: [{ delivery: { ...toDead, retry: 0 } }],
    });
    const sent = late.send();
    await late.subscriber('subscriber').arrived(1);
    late.clock.expire();
    assert.equal((await sent).status, 202);
    await using garbled = await stage({
      subscribers: { subscriber: () => ({ status: 200, body: 'thanks' }), dead: undefined },
      triggers: [{ delivery: toDead }],
    });
    assert.equal((await garbled.send()).status, 202);
    assert.equal(garbled.subscriber('subscriber').received.length, 2);
    for (const on of [late, garbled]) assert.deepEqual(on.subscriber('dead').header('ce-knativeerrordest'), [undefined]);
  });

  test('the sink is tried like a subscriber; when it fails too the delivery has failed', async () => {
    const subscribers = { subscriber: () => ({ status: 500 }), dead: () => ({ status: 503 }) };
    await using on = await stage({ subscribers, triggers: [{ delivery: toDead }] });
    assert.equal((await on.send()).status, 500);
    assert.equal(on.subscriber('dead').received.length, 2);
    assert.match(on.log.join(''), /delivery failed, and so did the dead letter/);
  });

  test('one failing Trigger keeps no other from getting the event', async () => {
    const subscribers = { good: undefined, bad: () => ({ status: 500 }) };
    await using on = await stage({ subscribers, triggers: [{ subscriber: 'good' }, { subscriber: 'bad' }] });
    assert.equal((await on.send()).status, 500);
    assert.equal(on.subscriber('good').received.length, 1);
    assert.match(await on.metrics.text(), /knspan_broker_deliveries_total\{trigger="test\/bad",outcome="failed"\} 1/);
  });
});

describe('replies', () => {
  const first = { subscriber: 'first', filters: [{ exact: { type: 'com.example.someevent' } }] };
  const second = { subscriber: 'second', filters: [{ exact: { type: 'answer' } }] };

  test('one CloudEvent, binary or structured, comes into the Broker with the time to live going on', async () => {
    for (const answer of [
      reply({ type: 'answer', id: '2' }),
      {
        status: 202,
        headers: { 'content-type': 'application/cloudevents+json' },
        body: JSON.stringify({ specversion: '1.0', id: '2', source: '/s', type: 'answer' }),
      },
    ]) {
      await using on = await stage({
        subscribers: { first: () => answer, second: undefined, all: undefined },
        triggers: [first, second, { subscriber: 'all' }],
      });
      assert.equal((await on.send({ knativebrokerttl: '5' }, '{}', { traceparent: '00-aa-bb-01' })).status, 202);
      assert.deepEqual(on.subscriber('second').header('ce-id'), ['2']);
      assert.deepEqual(on.subscriber('second').header('traceparent'), ['00-aa-bb-01']);
      assert.deepEqual(on.subscriber('all').header('ce-id').sort(), ['1', '2']);
    }
  });

  test('the time to live is the same for the original and less by one for the reply', async () => {
    const dead = { deadLetterSink: serviceRef('dead') };
    const subscribers = { first: () => reply({ type: 'answer' }), second: () => ({ status: 400 }), dead: undefined };
    await using on = await stage({ subscribers, triggers: [first, { ...second, delivery: dead }] });
    await on.send({ knativebrokerttl: '5' });
    assert.deepEqual(on.subscriber('dead').header('ce-knativebrokerttl'), ['3']);
  });

  test('anything else is a failed delivery, which is tried again', async () => {
    const bad = [
      { status: 200, body: 'ok' },
      { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' },
      { status: 200, headers: { 'content-type': 'application/cloudevents-batch+json' }, body: '[]' },
      { status: 200, headers: { ...eventHeaders(), 'ce-type': '' } },
    ];
    for (const answer of bad) {
      await using on = await stage({
        subscribers: { subscriber: (_, count) => (count === 1 ? answer : { status: 204 }) },
        triggers: [{ delivery: exponential }],
      });
      assert.equal((await on.send()).status, 202, JSON.stringify(answer));
      assert.equal(on.subscriber('subscriber').received.length, 2);
    }
  });

  test('a reply that fails is tried again without the subscriber; then it is the original that is put aside, with the address of the Broker', async () => {
    const delivery = { retry: 2, deadLetterSink: serviceRef('dead') };
    const subscribers = { first: () => reply({ type: 'answer' }), second: () => ({ status: 400 }), dead: undefined };
    await using on = await stage({ subscribers, triggers: [{ ...first, delivery }, second] });
    assert.equal((await on.send()).status, 202);
    assert.equal(on.subscriber('first').received.length, 1);
    assert.equal(on.subscriber('second').received.length, 3);
    assert.deepEqual(on.subscriber('dead').header('ce-type'), ['com.example.someevent']);
    assert.deepEqual(on.subscriber('dead').header('ce-knativeerrordest'), [on.url]);
    assert.deepEqual(on.subscriber('dead').header('ce-knativeerrorcode'), ['500']);
  });

  test('a packed reply is read', async () => {
    const { gzipSync } = await import('node:zlib');
    const packed = {
      status: 200,
      headers: { ...eventHeaders({ type: 'answer' }), 'content-type': 'text/plain', 'content-encoding': 'gzip' },
      body: gzipSync('hello'),
    };
    await using on = await stage({ subscribers: { first: () => packed, second: undefined }, triggers: [first, second] });
    await on.send();
    assert.deepEqual(
      on.subscriber('second').received.map(({ body }) => body),
      ['hello'],
    );
  });
});

describe('loops', () => {
  const loop = { subscriber: () => reply({}) };

  test('a reply that matches its own Trigger multiplies by the retries until the time to live is used up', async () => {
    await using on = await stage({ subscribers: loop, triggers: [{ delivery: { retry: 3 } }] });
    assert.equal((await on.send({ knativebrokerttl: '4' })).status, 500);
    // 1 + 4 + 16: as counted behind a real Broker, whose first pass makes 3 of the 4.
    assert.equal(on.subscriber('subscriber').received.length, 21);
  });

  test('what one event may cause is bounded beside that', async () => {
    await using on = await stage({ subscribers: loop, triggers: [{ delivery: { retry: 3 } }], options: { bounds: { attemptsMost: 50 } } });
    assert.equal((await on.send()).status, 500);
    assert.equal(on.subscriber('subscriber').received.length, 50);
    assert.match(on.log.join(''), /one event has caused too many requests/);
  });
});

describe('synchronous and asynchronous', () => {
  test('a synchronous Broker answers when all is done', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    await using on = await stage({ subscribers: { subscriber: () => held.then(() => ({ status: 202 })) } });
    let answered = false;
    const sent = on.send().then((response) => {
      answered = true;
      return response;
    });
    await on.subscriber('subscriber').arrived(1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(answered, false);
    release();
    assert.equal((await sent).status, 202);
  });

  test('an asynchronous one at once, whatever becomes of it; idle tells the end', async () => {
    const answering = (_: unknown, count: number) => ({ status: count < 3 ? 500 : 400 });
    await using on = await stage({ isAsync: true, subscribers: { subscriber: answering }, triggers: [{ delivery: exponential }] });
    assert.equal((await on.send()).status, 202);
    await on.broker.idle();
    assert.equal(on.subscriber('subscriber').received.length, 3);
  });

  test('stop drops what is under way, as a dispatcher that dies', async () => {
    const on = await stage({ isAsync: true, subscribers: { subscriber: () => 'never' } });
    assert.equal((await on.send()).status, 202);
    await on.subscriber('subscriber').arrived(1);
    await on[Symbol.asyncDispose]();
    await assert.rejects(fetch(on.url, { method: 'POST', headers: eventHeaders() }));
  });

  test('events under way are bounded in number and bytes: 503 and when to come again', async () => {
    for (const bounds of [{ eventsMost: 2 }, { bytesMost: 20 }]) {
      await using on = await stage({ isAsync: true, subscribers: { subscriber: () => 'never' }, options: { bounds } });
      assert.deepEqual([(await on.send()).status, (await on.send()).status], [202, 202]);
      const third = await on.send();
      assert.equal(third.status, 503);
      assert.equal(third.headers.get('retry-after'), '1');
    }
  });

  test('requests at once to one subscriber are bounded, the others wait their turn', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const answering: Answering = async ({ headers }) => {
      if (headers['ce-id'] !== undefined) await held;
      return { status: 202 };
    };
    await using on = await stage({ isAsync: true, subscribers: { subscriber: answering }, options: { bounds: { attemptsAtOnce: 3 } } });
    const { received, url } = on.subscriber('subscriber');
    for (let id = 0; id < 10; id++) await on.send({ id: String(id) });
    await on.subscriber('subscriber').arrived(3);
    // Behind these, what was sent too early would have come as well.
    for (let marker = 0; marker < 5; marker++) await fetch(url);
    assert.equal(received.length - 5, 3);
    release();
    await on.broker.idle();
    assert.equal(new Set(on.subscriber('subscriber').header('ce-id')).size - 1, 10);
  });
});

describe('filters on the way', () => {
  test('the time to live is gone before they look, the arrival time is there', async () => {
    const triggers = [
      { subscriber: 'ttl', filter: { attributes: { knativebrokerttl: '' } } },
      { subscriber: 'arrival', filter: { attributes: { knativearrivaltime: '' } } },
    ];
    await using on = await stage({ subscribers: { ttl: undefined, arrival: undefined }, triggers });
    await on.send({ knativebrokerttl: '9' });
    assert.deepEqual([on.subscriber('ttl').received.length, on.subscriber('arrival').received.length], [0, 1]);
  });
});
