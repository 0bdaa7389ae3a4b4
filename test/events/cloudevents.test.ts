/** Requests that carry CloudEvents: what a real Broker sends, all three modes, and everything that is none. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CloudEvent } from 'cloudevents';
import fc from 'fast-check';
import { contentMode, parseHttp, type ReceivedEvent, toHttp } from '../../shared/events/cloudevents.ts';
import { readDeliveries } from '../helpers/deliveries.ts';
import { seed } from '../helpers/seed.ts';

fc.configureGlobal({ seed });

const structured = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
const batch = { 'content-type': 'application/cloudevents-batch+json' };
const minimal = { specversion: '1.0', id: '1', source: '/s', type: 't' };
const binaryMinimal = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' };

function parse(headers: Readonly<Record<string, string>>, body: string | Buffer): readonly ReceivedEvent[] {
  const parsed = parseHttp(headers, Buffer.from(body));
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.reason);
  return parsed.value;
}

function one(headers: Readonly<Record<string, string>>, body: string | Buffer): ReceivedEvent {
  const [event, ...more] = parse(headers, body);
  assert.ok(event);
  assert.deepEqual(more, []);
  return event;
}

function reasonOf(headers: Readonly<Record<string, string>>, body: string | Buffer): string {
  const parsed = parseHttp(headers, Buffer.from(body));
  assert.ok(!parsed.ok, 'it was taken');
  return parsed.reason;
}

describe('real deliveries', () => {
  const deliveries = readDeliveries();

  test('all 91 are read: each attribute as sent, the data as JSON', () => {
    assert.equal(deliveries.length, 91);
    for (const { headers, body } of deliveries) {
      const event = one(headers, body);
      assert.deepEqual(event.data, JSON.parse(body));
      const all: Record<string, string> = { ...event.extensions, id: event.id, source: event.source, type: event.type, time: event.time };
      if (event.subject !== '') all['subject'] = event.subject;
      const sent = Object.entries(headers).filter(([name]) => name.startsWith('ce-') && name !== 'ce-specversion');
      assert.deepEqual(all, Object.fromEntries(sent.map(([name, value]) => [name.slice(3), value])));
    }
  });

  test('the same in structured mode and in one batch', () => {
    const events = deliveries.map(({ headers, body }) => one(headers, body));
    const texts = deliveries.map(({ headers, body }) => {
      const attributes = Object.entries(headers).filter(([name]) => name.startsWith('ce-'));
      const datacontenttype = headers['content-type'];
      return JSON.stringify({
        ...Object.fromEntries(attributes.map(([name, value]) => [name.slice(3), value])),
        ...(datacontenttype === undefined ? {} : { datacontenttype }),
        data: JSON.parse(body),
      });
    });
    assert.deepEqual(
      texts.map((text) => one(structured, text)),
      events,
    );
    assert.deepEqual(parse(batch, `[${texts.join(',')}]`), events);
  });
});

describe('parseHttp', () => {
  test('tells the modes apart', () => {
    assert.equal(contentMode(binaryMinimal), 'binary');
    assert.equal(contentMode({ ...binaryMinimal, 'content-type': 'application/json' }), 'binary');
    assert.equal(contentMode({ 'content-type': 'Application/CloudEvents+JSON;charset=utf-8' }), 'structured');
    assert.equal(contentMode(batch), 'batch');
    assert.equal(contentMode({ 'content-type': 'application/cloudevents+avro' }), null);
    assert.equal(contentMode({ 'content-type': 'application/json' }), null);
    assert.equal(contentMode({}), null);
  });

  test('invents nothing: what is absent is empty, what is there is kept to the letter', () => {
    const bare = { id: '1', source: '/s', type: 't', subject: '', time: '', dataContentType: '', extensions: {}, data: undefined };
    assert.deepEqual(one(structured, JSON.stringify(minimal)), bare);
    assert.deepEqual(one(binaryMinimal, ''), bare);
    const time = '2026-11-20T21:54:39.508553676Z';
    assert.equal(one({ ...binaryMinimal, 'ce-time': time }, '').time, time);
    assert.equal(one(structured, JSON.stringify({ ...minimal, time: 'yesterday' })).time, 'yesterday');
    assert.equal(one(structured, JSON.stringify({ ...minimal, subject: null, data: null })).subject, '');
  });

  test('data: JSON by its type, text that is none as text, base64 decoded', () => {
    const json = { ...binaryMinimal, 'content-type': 'application/vnd.x+json' };
    assert.deepEqual(one(json, '{"a":[1]}').data, { a: [1] });
    assert.equal(one(json, '"abc"').data, 'abc');
    assert.deepEqual(one(binaryMinimal, '{"a":1}').data, { a: 1 });
    assert.equal(one({ ...binaryMinimal, 'content-type': 'text/plain' }, '{"a":1}').dataText, '{"a":1}');
    assert.equal(one({ ...binaryMinimal, 'content-type': 'application/octet-stream' }, Buffer.from([0xff, 0xfe])).data, undefined);
    const base64 = { ...minimal, datacontenttype: 'application/json', data_base64: Buffer.from('{"a":"ä"}').toString('base64') };
    assert.deepEqual(one(structured, JSON.stringify(base64)).data, { a: 'ä' });
    assert.equal(one(structured, JSON.stringify({ ...minimal, datacontenttype: 'text/plain', data: '{"a":1}' })).dataText, '{"a":1}');
  });

  test('header values: raw UTF-8 as the Go SDK sends it, percent-encoded, latin1, a percent sign alone', () => {
    const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
    assert.equal(one({ ...binaryMinimal, 'ce-rootname': latin1('hé日') }, '').extensions['rootname'], 'hé日');
    assert.equal(one({ ...binaryMinimal, 'ce-rootname': 'h%C3%A9%20' }, '').extensions['rootname'], 'hé ');
    assert.equal(one({ ...binaryMinimal, 'ce-rootname': 'h\u00e9' }, '').extensions['rootname'], 'hé');
    assert.equal(one({ ...binaryMinimal, 'ce-rootname': '100% %zz' }, '').extensions['rootname'], '100% %zz');
  });

  test('extension attributes become text', () => {
    const { extensions } = one(structured, JSON.stringify({ ...minimal, n: 5, yes: true, text: 'x', gone: null }));
    assert.deepEqual(extensions, { n: '5', yes: 'true', text: 'x' });
  });

  const json = { ...binaryMinimal, 'content-type': 'application/json' };
  const refused: readonly (readonly [RegExp, Readonly<Record<string, string>>, string | Buffer])[] = [
    [/wanted ce- headers or the content type/, { 'content-type': 'application/json' }, '{}'],
    [/attribute 'id' is missing/, { ...binaryMinimal, 'ce-id': '' }, ''],
    [/attribute 'source' is missing/, structured, JSON.stringify({ ...minimal, source: undefined })],
    [/attribute 'type' is missing/, structured, JSON.stringify({ ...minimal, type: null })],
    [/attribute 'id' is not text/, structured, JSON.stringify({ ...minimal, id: 7 })],
    [/specversion is '0\.3', wanted '1\.0'/, { ...binaryMinimal, 'ce-specversion': '0.3' }, ''],
    [/specversion is '2', wanted '1\.0'/, structured, JSON.stringify({ ...minimal, specversion: '2' })],
    [/the body is not JSON/, json, '{"password":hush}'],
    [/the body is not JSON/, structured, '{"specversion":"1.0",'],
    [/the body is not UTF-8/, json, Buffer.from([0x22, 0xff, 0x22])],
    [/wanted a JSON object/, structured, '[]'],
    [/wanted a JSON object/, structured, 'null'],
    [/wanted a JSON list/, batch, '{}'],
    [/1001 in one batch, wanted at most 1000/, batch, JSON.stringify(Array(1001).fill(minimal))],
    [/attribute 'specversion' is missing/, batch, JSON.stringify([minimal, {}])],
    [/nested deeper than 100/, structured, '['.repeat(100_000)],
    [/nested deeper than 100/, json, `${'{"a":'.repeat(101)}1${'}'.repeat(101)}`],
    [/data_base64 is not base64/, structured, JSON.stringify({ ...minimal, data_base64: '*' })],
    [/extension 'Big', wanted a name of a-z and 0-9/, structured, JSON.stringify({ ...minimal, Big: 'x' })],
    [/extension 'list' is not text/, structured, JSON.stringify({ ...minimal, list: [] })],
    [/extension 'long' is longer than/, structured, JSON.stringify({ ...minimal, long: 'x'.repeat(9_000) })],
    [
      /at most 100 extensions/,
      structured,
      JSON.stringify({ ...minimal, ...Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`e${n}`, 'x'])) }),
    ],
  ];
  for (const [reason, headers, body] of refused) {
    test(`refuses: ${reason.source} (${contentMode(headers)})`, () => {
      const said = reasonOf(headers, body);
      assert.match(said, reason);
      assert.match(said, /^Cannot read CloudEvents?: /);
      assert.doesNotMatch(said, /hush/);
    });
  }

  test('names that are special to the language are names like others, and change nothing', () => {
    const body = `{"specversion":"1.0","id":"1","source":"/s","type":"t","constructor":"c","data":{"__proto__":{"polluted":true}}}`;
    const event = one(structured, body);
    assert.equal(event.extensions['constructor'], 'c');
    assert.deepEqual(Object.keys(event.extensions), ['constructor']);
    for (const special of [`{"__proto__":{"id":"1","polluted":true},${body.slice(1)}`, body])
      assert.equal(typeof parseHttp(structured, Buffer.from(special)).ok, 'boolean');
    const headers: Record<string, string> = { ...binaryMinimal, 'ce-__proto__': 'x', 'ce-constructor': 'y' };
    assert.equal(typeof parseHttp(headers, Buffer.from('')).ok, 'boolean');
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });

  test('never throws, whatever headers and body are', () => {
    const headerName = fc.constantFrom(
      'ce-id',
      'ce-type',
      'ce-source',
      'ce-specversion',
      'ce-time',
      'ce-subject',
      'ce-x',
      'ce-',
      'ce-X y',
      'content-type',
    );
    const headerValue = fc.oneof(
      fc.constantFrom('1.0', 'application/json', structured['content-type'], batch['content-type'], 'text/plain; charset=x'),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const event = fc.dictionary(
      fc.oneof(fc.constantFrom(...Object.keys(minimal), 'data', 'data_base64', 'datacontenttype', 'time', '__proto__'), fc.string()),
      fc.oneof(fc.jsonValue(), fc.constant('1.0')),
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.json(),
      event.map((fields) => JSON.stringify({ ...minimal, ...fields })),
      fc.array(event).map((all) => JSON.stringify(all)),
    );
    fc.assert(
      fc.property(fc.dictionary(headerName, headerValue), body, (headers, bytes) => {
        const parsed = parseHttp(headers, Buffer.from(bytes));
        assert.ok(parsed.ok || /^Cannot read CloudEvents?: [^\u0000-\u001f]+$/.test(parsed.reason));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('toHttp', () => {
  test('what it makes is read back the same, in ASCII, whatever the texts are', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((one) => one.trim() !== '');
    fc.assert(
      fc.property(text, text, fc.jsonValue(), (subject, rootname, data) => {
        const event = new CloudEvent({
          id: '1',
          source: '/s',
          type: 't',
          subject,
          rootname,
          datacontenttype: 'application/json',
          data: { data },
        });
        const { headers, body } = toHttp(event);
        for (const value of Object.values(headers)) assert.match(value, /^[\u0020-\u007e]*$/);
        const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
        const back = one(lower, body);
        assert.deepEqual([back.id, back.subject, back.extensions], ['1', subject, { rootname }]);
        assert.deepEqual(back.data, JSON.parse(JSON.stringify({ data })));
      }),
    );
  });
});
