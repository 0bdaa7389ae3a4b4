/** Archives and packed files are read as they are, also within each other; a bomb ends in a sentence, and nothing reaches the disk. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { mayHoldEvents } from '../../../shared/cli/input/file-names.ts';
import { eventJson } from '../../helpers/event.ts';
import { collect, read, said, withFile } from '../../helpers/reading.ts';

const event = (message: string) => JSON.stringify({ kind: 'EventList', items: [eventJson({ message })] });
type Files = Readonly<Record<string, string | Buffer>>;
const bundle: Files = {
  'bundle/cluster-resources/events/shop.json': event('a'),
  'bundle/cluster-resources/events/web.json': event('b'),
  'bundle/cluster-resources/pods/logs/web-1.log': event('not read'),
  'bundle/version.yaml': 'apiVersion: troubleshoot.sh/v1beta2\nkind: SupportBundle\n',
};
const wanted = ['event a', 'event b', 'foreign'];

async function tar(files: Files): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mtime: new Date(Date.UTC(2026, 0, 31, 12)) }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A zip with what its directory says about the sizes. */
function zip(files: Files, claims: { readonly size?: number; readonly flags?: number } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const raw = Buffer.from(content);
    const packed = deflateRawSync(raw);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(claims.flags ?? 0, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(raw), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(claims.size ?? raw.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), fields, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([20, 0]), fields, rest, Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const all = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(all.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, all, Buffer.from('PK\u0005\u0006'), end]);
}

const blanks = (size: number) => Buffer.alloc(size, 0x20);

describe('archives', () => {
  test('tar, tar.gz, zip: the files that may hold Events, whatever the archive is called', async () => {
    const plain = await tar(bundle);
    for (const [name, content] of [
      ['x.tar', plain],
      ['x.tar.gz', gzipSync(plain)],
      ['x.tgz', gzipSync(plain)],
      ['x.zip', zip(bundle)],
      ['x', zip(bundle)],
    ] as const)
      assert.deepEqual(await read(content, name), wanted, name);
  });

  test('from standard input', async () => {
    for (const content of [gzipSync(await tar(bundle)), zip(bundle)])
      assert.deepEqual((await collect(['-'], Readable.from([content]))).map(said), wanted);
  });

  test('within each other', async () => {
    const inner = gzipSync(await tar(bundle));
    assert.deepEqual(await read(zip({ 'a/inner.tar.gz': inner })), wanted);
    assert.deepEqual(await read(await tar({ 'inner.zip': zip(bundle), 'events.json.gz': gzipSync(event('c')) })), [...wanted, 'event c']);
  });

  test('in a folder', async () => {
    await withFile('dump/bundle.zip', zip(bundle), async (path) => {
      assert.deepEqual((await collect([join(path, '..')])).map(said), wanted);
    });
  });

  test('a table counts back from the date of its file', async () => {
    const table = 'LAST SEEN   TYPE     REASON    OBJECT      MESSAGE\n2m          Normal   Started   pod/web-1   Started\n';
    const [item] = await withFile('x.tar', await tar({ 'events.txt': table }), (path) => collect([path]));
    assert.ok(item?.type === 'event');
    assert.equal(item.observation.last.at, Date.UTC(2026, 0, 31, 11, 57) * 1_000);
  });

  test('names that lead elsewhere are only names', async () => {
    for (const name of ['../../events.json', '/etc/events.json'])
      await withFile('x.tar', await tar({ [name]: event('a') }), async (path) => {
        assert.deepEqual((await collect([path])).map(said), ['event a']);
        assert.deepEqual(await readdir(join(path, '..')), ['x.tar']);
      });
    assert.match((await read(zip({ '../../events.json': event('a') }))).join(), /^skipped: Cannot read FILE: invalid relative path/);
  });
});

const cutTar = (await tar(bundle)).subarray(0, 1_100);

describe('what is broken', () => {
  for (const [what, content, fault] of [
    ['a tar that is cut', cutTar, /Unexpected end of data/],
    ['a zip that is cut', zip(bundle).subarray(0, 300), /End of central directory record signature not found/i],
    ['a zip whose sizes are wrong', zip(bundle, { size: 12 }), /too many bytes in the stream. expected 12/],
    ['an encrypted zip', zip({ 'events.json': event('a') }, { flags: 1 }), /events\.json: it is encrypted$/],
    ['another packer', Buffer.from('28b52ffd0000', 'hex'), /it is packed with zstd, wanted gzip, tar, zip or plain text$/],
    [
      'gzip in gzip in gzip',
      [1, 2, 3, 4, 5].reduce((inner) => gzipSync(inner), Buffer.from(event('a'))),
      /it is packed more than 4 times$/,
    ],
  ] as const)
    test(what, async () => {
      const items = await read(content);
      assert.ok(
        items.some((item) => fault.test(item)),
        items.join('\n'),
      );
    });

  test('a bomb ends soon, with a sentence, in whatever layers', async () => {
    const size = 300 * 1_024 * 1_024;
    // Members of a gzip file unpack one behind the other.
    const packed = Buffer.concat(Array(30).fill(gzipSync(blanks(size / 30))));
    for (const [name, content] of [
      ['events.json.gz', packed],
      ['x.tar', await tar({ 'events.json.gz': packed })],
      ['x.zip', zip({ 'events.json': blanks(size) })],
      ['x.gz', gzipSync(packed)],
    ] as const) {
      const items = await read(content, name);
      assert.ok(
        items.some((item) => /it unpacks to more than 400 times its size/.test(item)),
        `${name}: ${items.join('\n')}`,
      );
    }
  });
});

test('mayHoldEvents', () => {
  for (const name of [
    'events.json',
    'a/pods.yaml',
    'EVENTS.YML',
    'x.jsonl.gz',
    'b.tgz',
    'k8s-events.txt',
    'cluster-dump.txt',
    'events',
    'audit.log',
    'audit-2026.log.gz',
  ])
    assert.ok(mayHoldEvents(name), name);
  for (const name of ['web-1.log', 'README.md', 'a/events/web.log', 'core', '._events.json', 'x.png', 'events.html'])
    assert.ok(!mayHoldEvents(name), name);
});
