/** Bytes of text in UTF-8, whatever Unicode they come in: PowerShell's `>` writes UTF-16. */

export type Decoded = { readonly ok: true; readonly bytes: AsyncIterable<Buffer> } | { readonly ok: false; readonly reason: string };

export async function decodeText(bytes: AsyncIterable<Buffer>): Promise<Decoded> {
  const source = bytes[Symbol.asyncIterator]();
  const first = await source.next();
  const head: Buffer = first.done ? Buffer.alloc(0) : first.value;
  const encoding = encodingOf(head);
  if (encoding === 'binary') return { ok: false, reason: 'it is not text' };
  const all = (async function* () {
    yield head;
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
  })();
  return { ok: true, bytes: encoding === 'utf-8' ? all : recoded(all, encoding) };
}

/** By the byte order mark, else by where the zeros of a bracket or a letter stand. */
function encodingOf(head: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' | 'binary' {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (!head.includes(0)) return 'utf-8';
  const start = head.subarray(0, Math.min(head.length - (head.length % 2), 64));
  const isPlain = (offset: number) => start.length > 0 && start.every((byte, at) => (at % 2 === offset) === (byte === 0));
  return isPlain(1) ? 'utf-16le' : isPlain(0) ? 'utf-16be' : 'binary';
}

async function* recoded(bytes: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of bytes) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}
