/** Text in UTF-16, with and without a byte order mark, is read as the same text in UTF-8. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeText } from '../../../shared/cli/input/decode-text.ts';
import { eventJson } from '../../helpers/event.ts';
import { read } from '../../helpers/reading.ts';

const text = '{"message":"Zürich 東京 🚀"}\r\n';
const bigEndian = (bytes: Buffer) => Buffer.from(bytes).swap16();
const mark = '\uFEFF';

async function decoded(bytes: Buffer, size: number): Promise<string> {
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
  const found = await decodeText(chunks());
  if (!found.ok) return found.reason;
  const out: Buffer[] = [];
  for await (const chunk of found.bytes) out.push(chunk);
  return Buffer.concat(out).toString('utf8').replace(mark, '');
}

describe('decodeText', () => {
  for (const [what, bytes] of [
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a byte order mark', Buffer.from(mark + text)],
    ['UTF-16 LE', Buffer.from(mark + text, 'utf16le')],
    ['UTF-16 BE', bigEndian(Buffer.from(mark + text, 'utf16le'))],
  ] as const)
    test(what, async () => {
      // 99: a chunk ends within a letter.
      for (const size of [bytes.length, 99, 64, 5]) assert.equal(await decoded(bytes, size), text, `chunks of ${size} bytes`);
    });

  test('UTF-16 without a byte order mark, where it begins with plain letters', async () => {
    const plain = '{"kind":"List","apiVersion":"v1","items":[]}';
    assert.equal(await decoded(Buffer.from(plain, 'utf16le'), 99), plain);
    assert.equal(await decoded(bigEndian(Buffer.from(plain, 'utf16le')), 99), plain);
  });

  test('what is not text', async () => {
    assert.equal(await decoded(Buffer.from('7f454c460201010000000000000000000300', 'hex'), 99), 'it is not text');
  });
});

test('a list of Events that Windows PowerShell has written', async () => {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [eventJson({ message: 'größer' })] }, null, 4);
  for (const end of ['\n', '\r\n']) {
    const bytes = Buffer.from(mark + list.replaceAll('\n', end), 'utf16le');
    assert.deepEqual(await read(bytes), ['event größer']);
    assert.deepEqual(await read(bigEndian(bytes)), ['event größer']);
  }
});
