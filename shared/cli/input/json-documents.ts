/**
 * Text -> JSON documents, streaming: an array's elements and the `items` of a list come out one by one, so that a list of a million
 * Events never lies in memory whole. Understands one document, several behind each other, and JSON lines.
 */

import { Assembler } from 'stream-json/assembler.js';
import { jsonParser, type Token } from 'stream-json/parser.js';
import { counted } from '../../events/quantity.ts';
import { messageOf } from '../../process/log.ts';

export type Document =
  /** `list` is the kind of the list that the value was an item of, as far as it was known by then. */
  { readonly type: 'value'; readonly value: unknown; readonly list: string } | { readonly type: 'broken'; readonly reason: string };

/** A line of JSON lines may be this long; a longer one is read as a stream. */
const firstLineMost = 1 << 20;
const pieceMost = 256;
/** A list's kind may stand behind its items (keys sorted by name): so many items without a kind of their own wait for it. */
const bareHeld = 20_000;

export async function* documentsOf(chunks: AsyncIterable<string>): AsyncGenerator<Document> {
  let head = '';
  const rest = chunks[Symbol.asyncIterator]();
  let ended = false;
  while (!ended && head.length < firstLineMost && !head.trimStart().includes('\n')) {
    const { value, done } = await rest.next();
    ended = done === true;
    head += value ?? '';
  }
  const whole = (async function* () {
    yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  })();
  if (isLine(head.trimStart().split('\n', 1)[0] ?? '')) yield* linesOf(whole);
  else yield* streamOf(whole);
}

function isLine(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<Document> {
  let left = '';
  let number = 0;
  for await (const chunk of chunks) {
    const lines = (left + chunk).split('\n');
    left = lines.pop() ?? '';
    for (const line of lines) yield* lineOf(line, ++number);
  }
  yield* lineOf(left, ++number);
}

function* lineOf(line: string, number: number): Generator<Document> {
  if (line.trim() === '') return;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    yield { type: 'broken', reason: `line ${number} is not JSON: ${messageOf(error)}` };
    return;
  }
  yield* elementsOf(value);
}

/** A whole list in one line. */
function* elementsOf(value: unknown): Generator<Document> {
  if (Array.isArray(value)) {
    for (const one of value) yield { type: 'value', value: one, list: '' };
    return;
  }
  const items = typeof value === 'object' && value !== null && 'items' in value ? value.items : undefined;
  const kind = typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string' ? value.kind : '';
  if (Array.isArray(items)) for (const one of items) yield { type: 'value', value: one, list: kind };
  else yield { type: 'value', value, list: '' };
}

async function* streamOf(chunks: AsyncIterable<string>): AsyncGenerator<Document> {
  const parse = jsonParser({ jsonStreaming: true, packValues: true, streamValues: false });
  const reader = new ItemReader();
  try {
    for await (const chunk of chunks) {
      for (const piece of piecesOf(chunk)) {
        for (const token of tokensOf(parse(piece))) reader.take(token);
        yield* reader.taken();
      }
    }
  } catch (error) {
    yield* reader.left();
    yield { type: 'broken', reason: `${messageOf(error)} after ${counted(reader.count, 'item')}` };
    return;
  }
  yield* reader.left();
  if (reader.depth > 0)
    yield { type: 'broken', reason: `JSON ends in the middle after ${counted(reader.count, 'item')}; the rest is lost` };
}

/** Lines, or parts of long ones: a fault costs what its piece holds. The parser likes small pieces. */
function* piecesOf(chunk: string): Generator<string> {
  for (const line of chunk.split(/(?<=\n)/)) for (let at = 0; at < line.length; at += pieceMost) yield line.slice(at, at + pieceMost);
}

/** The parser answers with one token, several, or none. */
function tokensOf(out: ReturnType<ReturnType<typeof jsonParser>>): readonly Token[] {
  return typeof out === 'object' && 'values' in out ? out.values : [];
}

/** Follows the tokens and lets out each element of an outermost array or of the outermost object's `items` as it closes. */
class ItemReader {
  depth = 0;
  count = 0;
  #document = new Assembler();
  #item: Assembler | null = null;
  #itemDepth = 0;
  #arrayDepth = 0;
  #key = '';
  #kind = '';
  #emitted = 0;
  #out: Document[] = [];
  #bare: unknown[] = [];

  /** The documents completed since the last call, and those that waited for a kind which does not come any more. */
  left(): Document[] {
    this.#release();
    return this.taken();
  }

  /** The documents completed since the last call. */
  taken(): Document[] {
    const documents = this.#out;
    this.#out = [];
    return documents;
  }

  take(token: Token): void {
    const opens = token.name === 'startObject' || token.name === 'startArray';
    const closes = token.name === 'endObject' || token.name === 'endArray';
    if (this.depth === 1 && token.name === 'keyValue') this.#key = String(token.value);
    if (this.depth === 1 && this.#key === 'kind' && token.name === 'stringValue') {
      this.#kind = String(token.value);
      this.#release();
    }
    if (
      opens &&
      token.name === 'startArray' &&
      this.#arrayDepth === 0 &&
      (this.depth === 0 || (this.depth === 1 && this.#key === 'items'))
    ) {
      this.#arrayDepth = this.depth + 1;
    }
    if (this.#arrayDepth > 0 && this.depth >= this.#arrayDepth && !(closes && this.depth === this.#arrayDepth)) {
      this.#inItem(token, opens, closes);
    } else feed(this.#document, token);
    if (opens) this.depth += 1;
    if (closes) {
      this.depth -= 1;
      if (this.#arrayDepth > this.depth) this.#arrayDepth = 0;
    }
    if (this.depth === 0) this.#endDocument();
  }

  #inItem(token: Token, opens: boolean, closes: boolean): void {
    if (!this.#item) {
      this.#item = new Assembler();
      this.#itemDepth = 0;
    }
    feed(this.#item, token);
    if (opens) this.#itemDepth += 1;
    if (closes) this.#itemDepth -= 1;
    if (this.#itemDepth > 0) return;
    this.count += 1;
    this.#emitted += 1;
    const value: unknown = this.#item.current;
    this.#item = null;
    const waits = this.#kind === '' && this.#arrayDepth > 1 && isBare(value) && this.#bare.length < bareHeld;
    if (waits) this.#bare.push(value);
    else this.#out.push({ type: 'value', value, list: this.#kind });
  }

  #release(): void {
    for (const value of this.#bare) this.#out.push({ type: 'value', value, list: this.#kind });
    this.#bare = [];
  }

  #endDocument(): void {
    this.#release();
    const value: unknown = this.#document.current;
    const isList =
      this.#emitted > 0 ||
      Array.isArray(value) ||
      (typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items));
    if (!isList) {
      this.count += 1;
      this.#out.push({ type: 'value', value, list: '' });
    }
    this.#document = new Assembler();
    this.#key = '';
    this.#kind = '';
    this.#emitted = 0;
  }
}

function isBare(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !('kind' in value);
}

function feed(assembler: Assembler, token: Token): void {
  assembler.consume(token);
}
