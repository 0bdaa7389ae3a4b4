/** Every form in which Events and objects reach a person is read; what can't be read is said once, and spoils nothing else. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import { InputError } from '../../../shared/cli/input/input-error.ts';
import { eventJson } from '../../helpers/event.ts';
import { collect, read, said } from '../../helpers/reading.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knspan-input-'));
});
after(() => rm(folder, { recursive: true }));

const event = (message: string) => eventJson({ message });
const bare = (message: string) => {
  const { kind: _, apiVersion: __, ...rest } = event(message);
  return rest;
};
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1', namespace: 'shop', uid: 'p' } };
const list = (items: readonly unknown[], kind = 'List') => ({ apiVersion: 'v1', items, kind, metadata: {} });
const both = ['event a', 'event b'];
const pretty = (value: unknown) => JSON.stringify(value, null, 4);
const at = Date.UTC(2025, 10, 20, 23, 6, 41) * 1_000;
const receivedAt = '2025-11-20T23:06:41Z';

describe('JSON', () => {
  test('gzip by its first bytes, whatever the file is called', async () => {
    const packed = gzipSync(pretty(list([event('a'), event('b')])));
    assert.deepEqual(await read(packed, 'events.json'), both);
    assert.deepEqual(await read(pretty(list([event('a'), event('b')])), 'events.json.gz'), both);
  });

  test('List, in one line and in many', async () => {
    const value = list([event('a'), pod, event('b')]);
    for (const text of [JSON.stringify(value), pretty(value), `\n\n ${pretty(value)}\n`])
      assert.deepEqual(await read(text), ['event a', 'object Pod/web-1', 'event b']);
  });

  test('EventList with bare items, PodList with bare items', async () => {
    const first = { kind: 'EventList', apiVersion: 'v1', items: [bare('a'), bare('b')] };
    const last = { apiVersion: 'v1', items: [bare('a'), bare('b')], kind: 'EventList' };
    for (const value of [first, last]) for (const text of [JSON.stringify(value), pretty(value)]) assert.deepEqual(await read(text), both);
    const pods = { kind: 'PodList', apiVersion: 'v1', items: [{ metadata: pod.metadata }] };
    for (const text of [JSON.stringify(pods), pretty(pods)]) assert.deepEqual(await read(text), ['object Pod/web-1']);
  });

  test('a PodList whose items stand before its kind, as keys sorted by name do', async () => {
    const { kind: _, ...rest } = pod;
    const sorted = { apiVersion: 'v1', items: [rest, { ...rest, metadata: { ...rest.metadata, name: 'web-2' } }], kind: 'PodList' };
    const wanted = ['object Pod/web-1', 'object Pod/web-2'];
    for (const text of [JSON.stringify(sorted), pretty(sorted)]) assert.deepEqual(await read(text), wanted);
    assert.deepEqual(await read(`${pretty(sorted)}\n${pretty({ ...sorted, kind: 'NodeList' })}`), [
      ...wanted,
      'object Node/web-1',
      'object Node/web-2',
    ]);
  });

  test('bare items whose kind never comes, or is cut off, are told by the file, or are foreign', async () => {
    const { kind: _, ...rest } = pod;
    const text = pretty({ apiVersion: 'v1', items: [rest, rest] });
    assert.deepEqual(await read(text), ['foreign', 'foreign']);
    assert.deepEqual(await read(text, 'pods.json'), ['object Pod/web-1', 'object Pod/web-1']);
    const cut = await read(pretty({ apiVersion: 'v1', items: [rest, rest], kind: 'PodList' }).replace(/"kind"[\s\S]*$/, ''));
    assert.deepEqual(cut, ['skipped: Cannot read FILE: JSON ends in the middle after 2 items; the rest is lost', 'foreign', 'foreign']);
  });

  test('a single Event, a bare array, an empty List', async () => {
    for (const write of [JSON.stringify, pretty]) {
      assert.deepEqual(await read(write(event('a'))), ['event a']);
      assert.deepEqual(await read(write([event('a'), event('b')])), both);
      assert.deepEqual(await read(write(list([]))), []);
      assert.deepEqual(await read(write([])), []);
    }
  });

  test('JSON lines, concatenated pretty JSON, JSON directly behind JSON', async () => {
    const two = [event('a'), event('b')];
    assert.deepEqual(await read(two.map((one) => JSON.stringify(one)).join('\n'), 'x.jsonl'), both);
    assert.deepEqual(await read(`${two.map((one) => JSON.stringify(one)).join('\n\n')}\n`), both);
    assert.deepEqual(await read(two.map(pretty).join('\n')), both);
    assert.deepEqual(await read(two.map((one) => JSON.stringify(one)).join('')), both);
    assert.deepEqual(await read([list([two[0]]), list([two[1]])].map(pretty).join('\n')), both);
  });

  test('watch notifications', async () => {
    const lines = [
      { type: 'ADDED', object: event('a') },
      { type: 'MODIFIED', receivedAt, object: event('b') },
      { type: 'ADDED', receivedAtMicros: 17, object: event('c') },
      { type: 'BOOKMARK', object: { kind: 'Event', metadata: { resourceVersion: '9' } } },
      { type: 'DELETED', object: event('d') },
      { type: 'ADDED', receivedAt, object: pod },
      { type: 'DELETED', receivedAt, object: pod },
      { type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old resource version' } },
    ];
    const wanted = ['event a', `event b @${at}`, 'event c @17', 'expired', `object Pod/web-1 @${at}`, `object Pod/web-1 @${at} gone`];
    const error = 'skipped: The watch in FILE ended with an error: too old resource version';
    for (const text of [lines.map((line) => JSON.stringify(line)).join('\n'), lines.map(pretty).join('\n')])
      assert.deepEqual(await read(text), [...wanted, error]);
  });

  test('BOM and CRLF', async () => {
    assert.deepEqual(await read(`\uFEFF${pretty(list([event('a'), event('b')]))}`.replaceAll('\n', '\r\n')), both);
    assert.deepEqual(await read(`\uFEFF${JSON.stringify(event('a'))}\r\n${JSON.stringify(event('b'))}\r\n`), both);
  });

  test('gzip, also broken', async () => {
    const packed = gzipSync(pretty(list([event('a'), event('b')])));
    assert.deepEqual(await read(packed, 'events.json.gz'), both);
    for (const cut of [40, packed.length - 1]) {
      const fault = (await read(packed.subarray(0, cut), 'events.json.gz')).at(-1);
      assert.match(fault ?? '', /^lost: Cannot read FILE: unexpected end of file/);
    }
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, 2, 12);
    assert.match((await read(damaged, 'events.json.gz'))[0] ?? '', /^lost: Cannot read FILE: .*(method|header|flags)/);
  });

  test('a List of 20,000 items comes out whole, in one line and in many', async () => {
    const long = list(Array.from({ length: 20_000 }, (_, index) => event(`m${index}`)));
    for (const text of [pretty(long), JSON.stringify(long)]) {
      const items = await read(text);
      assert.equal(items.length, 20_000);
      assert.equal(items.at(-1), 'event m19999');
    }
  });

  test('text that is cut in the middle of a letter of two bytes', async () => {
    const bytes = Buffer.from(JSON.stringify(event('grün ⏎ 日本')));
    for (const cut of [1, bytes.indexOf('ü') + 1, bytes.indexOf('日') + 1, bytes.indexOf('日') + 2]) {
      const items = await collect(['-'], Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)], { objectMode: false }));
      assert.deepEqual(items.map(said), ['event grün ⏎ 日本']);
    }
  });
});

test('long messages of signs outside of the basic plane, escapes and quotes come out as they are', async () => {
  const message = '🚀"\\\n\u2028é日\u0000'.repeat(500);
  for (const text of [pretty(event(message)), JSON.stringify(event(message)), pretty(list([event(message)]))])
    assert.ok((await read(text))[0] === `event ${message}`);
});

describe('YAML', () => {
  test('v1 List, single Event, several documents, each with the time of its capture', async () => {
    const value = list([event('a'), event('b')]);
    assert.deepEqual(await read(stringify(value), 'x.yaml'), both);
    assert.deepEqual(await read(stringify(event('a')).replaceAll('\n', '\r\n'), 'x.yml'), ['event a']);
    assert.deepEqual(await read([event('a'), event('b')].map((one) => stringify(one)).join('---\n'), 'x.yaml'), both);
    const timed = [pod, pod].map((one) => `---\n# {"time":"${receivedAt}","type":"ADDED"}\n${stringify(one)}`).join('');
    assert.deepEqual(await read(timed, 'x.yaml'), [`object Pod/web-1 @${at}`, `object Pod/web-1 @${at}`]);
    assert.deepEqual(await read(`\uFEFF---\n${stringify(value)}`, 'x.yaml'), both);
  });

  test('a bad document spoils only itself', async () => {
    for (const [bad, fault] of [
      ['{ "a": [\n', /^text$/],
      ['kind: Event\ninvolvedObject: [\n', /^lost: Cannot read FILE: not YAML: /],
      ['kind: [\n', /^skipped: Cannot read FILE: not YAML: /],
    ] as const) {
      const items = await read(`${stringify(event('a'))}---\n${bad}---\n${stringify(event('b'))}`, 'x.yaml');
      assert.deepEqual([items[0], items[2], items.length], [...both, 3]);
      assert.match(items[1] ?? '', fault);
    }
  });

  test('a bomb of aliases is refused in a sentence', async () => {
    const bomb = `kind: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replace(/./g, (key, index: number) => `${key}: &${key} [${`*${'abcdefghi'[index]},`.repeat(9)}]\n`)}`;
    const [fault, ...more] = await read(bomb, 'x.yaml');
    assert.match(fault ?? '', /^skipped: Cannot read FILE: /);
    assert.deepEqual(more, []);
  });
});

describe('what is broken', () => {
  test('a List that is cut: the items before the cut, then one sentence', async () => {
    const value = list([event('a'), event('b'), event('c')]);
    for (const write of [JSON.stringify, pretty]) {
      const text = write(value);
      const items = await read(text.slice(0, text.lastIndexOf('Started')));
      assert.deepEqual(items.slice(0, 2), both);
      assert.deepEqual(items.slice(2, 3), ['lost: Cannot read FILE: JSON ends in the middle after 2 items; the rest is lost']);
      for (const item of items.slice(3)) assert.match(item, /^((lost )?text|foreign)$/);
    }
  });

  test('a bad line among good ones', async () => {
    const items = await read(`${JSON.stringify(event('a'))}\n{"kind":\n${JSON.stringify(event('b'))}`);
    assert.deepEqual(items, ['event a', 'text', 'event b']);
  });

  test('junk behind good items', async () => {
    const items = await read(`${pretty(list([event('a'), event('b')]))}\nError from server (Forbidden)`);
    assert.deepEqual(items, [...both, 'text']);
  });

  for (const [what, content, wanted] of [
    ['garbage with zero bytes', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3, 255, 254]), [/FILE: it is not text$/]],
    ['garbage without', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe, 0xc3, 0x28]), [/^text$/]],
    ['an empty file', '', [/FILE: it is empty$/]],
    ['blanks only', '  \n\t\n ', [/FILE: it is empty$/]],
    ['a comment only', '# nothing\n', []],
    ['JSON of something else', '{"a":1}', [/^foreign$/]],
    ['an array of texts', '["no","no"]', [/^foreign$/, /^foreign$/]],
    ['plain text', 'Hello\n', [/^text$/]],
    ['what kubectl prints where there is nothing', 'No resources found in default namespace.\n', []],
    ['an object as kind', '{"kind":{"toString":1},"items":[]}\n', []],
    ['keys of the prototype', '{"__proto__":{"kind":"Event"},"kind":"List","items":[{"__proto__":{"kind":"Event"}}]}', [/^foreign$/]],
    ['a list of another kind, empty', '{"kind":"CronJobList","apiVersion":"batch/v1","metadata":{},"items":null}', []],
    ['several of these', '{"kind":"JobList","items":[]}\n{"kind":"PodList","items":null}\n{"kind":"EventList"}', []],
  ] as const) {
    test(what, async () => {
      const items = await read(content);
      assert.equal(items.length, wanted.length, items.join('\n'));
      for (const [index, pattern] of wanted.entries()) assert.match(items[index] ?? '', pattern);
    });
  }

  test('a missing file is an InputError', async () => {
    await assert.rejects(
      collect([join(folder, 'none.json')]),
      (error) => error instanceof InputError && /none\.json.*ENOENT/.test(error.message),
    );
  });
});

test('the folder of a support bundle, in the order of its names', async () => {
  const write = async (name: string, value: unknown) => {
    await mkdir(dirname(join(folder, 'bundle', name)), { recursive: true });
    await writeFile(join(folder, 'bundle', name), typeof value === 'string' ? value : JSON.stringify(value));
  };
  await write('cluster-resources/events/shop.json', list([event('b')], 'EventList'));
  await write('cluster-resources/events/kube-system.json', list([event('a')], 'EventList'));
  await write('cluster-resources/events-errors.json', ['events is forbidden', 'events is forbidden']);
  await write('cluster-resources/pods/shop.json', { kind: 'PodList', items: [{ metadata: pod.metadata }] });
  await write('cluster-resources/pods/logs/web-1.log', 'not read');
  await write('version.yaml', 'apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\nspec: {}\n');
  const items = (await collect([join(folder, 'bundle')])).map((item) => said(item).replaceAll(join(folder, 'bundle'), 'B'));
  assert.deepEqual(items, ['event a', 'event b', 'foreign', 'foreign', 'object Pod/web-1', 'foreign']);
});
