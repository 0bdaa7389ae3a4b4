/** What is always true of reading: how the bytes are divided does not matter, text hides no Event, and hostile input ends. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import type { Document } from '../../../shared/cli/input/document.ts';
import { DocumentReader } from '../../../shared/cli/input/document-reader.ts';
import { recordsIn } from '../../../shared/cli/input/records.ts';
import { field } from '../../../shared/events/json.ts';
import { eventJson } from '../../helpers/event.ts';

function documentsOf(chunks: Iterable<Buffer>): Document[] {
  const reader = new DocumentReader(0);
  const documents: Document[] = [];
  for (const chunk of chunks) documents.push(...reader.push(chunk));
  documents.push(...reader.end());
  return documents;
}

/** With neighbouring text as one: in how many pieces it is counted says nothing. */
function merged(documents: readonly Document[]): Document[] {
  const out: Document[] = [];
  for (const one of documents) {
    const last = out.at(-1);
    if (one.type === 'text' && last?.type === 'text' && one.looksLikeEvents === last.looksLikeEvents)
      out[out.length - 1] = { ...last, bytes: last.bytes + one.bytes };
    else out.push(one);
  }
  return out;
}

function* divided(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const messagesOf = (documents: readonly Document[]) =>
  documents.flatMap((one) =>
    one.type === 'value' || one.type === 'item'
      ? recordsIn(one.value).flatMap((found) => (found.type === 'object' ? [String(field(found.object, 'message'))] : []))
      : [],
  );

const event = (message: string) => eventJson({ message });
const names = ['a', 'b', 'c'].map((name) => `message ${name}`);
/** An Event in any layout. */
const layouts: readonly ((message: string) => string)[] = [
  (message) => JSON.stringify(event(message)),
  (message) => JSON.stringify(event(message), null, 2),
  (message) => JSON.stringify({ kind: 'EventList', items: [event(message)] }),
  (message) => JSON.stringify({ apiVersion: 'v1', items: [event(message)], kind: 'List' }, null, 4),
  (message) => JSON.stringify([event(message)]),
  (message) => JSON.stringify({ verb: 'ADDED', event: event(message) }),
];
/** Lines such as logs and transcripts hold. */
const noise = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }).filter((line) => !/[\n\r]/.test(line) && !/^==== START logs/.test(line)),
  fc.constantFrom(
    '',
    '---',
    '```json',
    '$ kubectl get events -o json',
    '[INFO] plugin/ready',
    '[12] x',
    '{',
    '}',
    '[',
    ']',
    '{"level":"info","msg":"x"}',
    '{"a":',
    '{"a":[',
    '["a",',
    '{"a":{"b":"c',
    '{"items":[',
    '"message": "x",',
    'kind: List',
    'apiVersion: v1',
    'items:',
    '- a',
    '# a comment',
    'LAST SEEN   TYPE     REASON    OBJECT      MESSAGE',
    '2m          Normal   Started   pod/web-1   Started',
    '2025-11-20T23:06:41Z stdout F {"x":1}',
    'Error from server (Forbidden): pods is forbidden',
  ),
);
const layout = fc.integer({ min: 0, max: layouts.length - 1 });

describe('DocumentReader', () => {
  test('the same documents, however the bytes arrive', () => {
    const parts = fc.oneof(
      noise,
      layout.map((index) => layouts[index]?.('x') ?? ''),
      fc.constant(stringify({ kind: 'List', items: [event('y'), event('z')] })),
    );
    fc.assert(
      fc.property(
        fc.array(parts, { maxLength: 12 }),
        fc.constantFrom('\n', '\r\n'),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
        (lines, end, sizes) => {
          const bytes = Buffer.from(lines.join(end));
          assert.deepEqual(merged(documentsOf(divided(bytes, sizes))), merged(documentsOf([bytes])));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('every Event is read, whatever stands on the lines between', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(noise, { maxLength: 4 }), layout), { minLength: 3, maxLength: 3 }),
        fc.array(noise, { maxLength: 4 }),
        (blocks, rest) => {
          const lines = blocks.flatMap(([before, index], at) => [...before, layouts[index]?.(names[at] ?? '') ?? '']);
          const found = messagesOf(documentsOf([Buffer.from([...lines, ...rest].join('\n'))]));
          assert.deepEqual(
            found.filter((message) => names.includes(message)),
            names,
            [...lines, ...rest].join('\n'),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('YAML among text', () => {
    const harmless = fc.constantFrom(
      '',
      '---',
      '```yaml',
      'some text',
      '$ kubectl get events -o yaml',
      '{"level":"info"}',
      'time="x" level=info',
    );
    fc.assert(
      fc.property(fc.array(harmless, { maxLength: 4 }), fc.array(harmless, { maxLength: 4 }), (before, after) => {
        const text = [...before, stringify({ items: [event('a'), event('b')], kind: 'List' }), ...after].join('\n');
        assert.deepEqual(messagesOf(documentsOf([Buffer.from(text)])), ['a', 'b'], text);
      }),
    );
  });

  test('bytes of any kind end, and are all accounted for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (bytes, sizes) => {
        documentsOf(divided(Buffer.from(bytes), sizes));
      }),
      { numRuns: 300 },
    );
  });

  // Quadratic work would take hours here.
  for (const [what, line] of [
    ['brackets', '['],
    ['braces', '{'],
    ['brackets and braces', '[{'],
    ['keys that open', '{"a":'],
    ['keys that open, a line each', '{"a":\n'],
    ['lists that open, a line each', '["a",\n'],
    ['strings that do not end', '{"a":"b\n'],
    ['values on one line', '{}'],
    ['values that are broken', '{"a":1 '],
    ['headers of YAML', 'kind: [\n'],
    ['dashes of YAML', '- - - -\n'],
    ['headers of tables', 'LAST SEEN   TYPE     REASON    OBJECT      MESSAGE\nx\n'],
    ['beginnings of JSON in a line', 'x "involvedObject { \n'],
    ['a line without an end', 'x"involvedObject'],
  ] as const)
    test(`6 MB of ${what} end`, { timeout: 120_000 }, () => {
      const piece = Buffer.from(line.repeat(Math.ceil(65_536 / line.length)));
      const reader = new DocumentReader(0);
      let documents = 0;
      for (let sent = 0; sent < 6_000_000; sent += piece.length) documents += reader.push(piece).length;
      documents += reader.end().length;
      assert.ok(documents > 0);
    });
});
