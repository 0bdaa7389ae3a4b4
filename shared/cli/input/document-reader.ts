/**
 * Bytes -> documents, whatever they hold: JSON in any layout, YAML, tables of Events, logs, and any text around these. Text that is not
 * understood is skipped up to the next line with which a document may begin.
 */
import { field, textField } from '../../events/json.ts';
import type { Micros } from '../../events/observation.ts';
import { ByteWindow } from './byte-window.ts';
import { type Document, looksLikeEvents, pushText } from './document.ts';
import { documentsIn, JsonReader, parseJson } from './json-reader.ts';
import { TextReader } from './text-reader.ts';

/** Bytes that are read once more, line by line, after a value has turned out to be none: so many for each byte of input, and some. */
const rereadRatio = 2;
const rereadFree = 16 * 1_024 * 1_024;
/** Bytes of a line: a longer one is skipped as text, and read as a stream as JSON. */
const lineMax = 1_024 * 1_024;
const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;
const quote = 0x22;
const comma = 0x2c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
const byteOrderMark: readonly number[] = [0xef, 0xbb, 0xbf];

export class DocumentReader {
  readonly #window = new ByteWindow();
  readonly #json = new JsonReader(this.#window);
  readonly #text: TextReader;
  #out: Document[] = [];
  #inJson = false;
  /** The rest of a line that is too long is skipped. */
  #inLongLine = false;
  /** A value has ended in this line: another one may follow. */
  #behindValue = false;
  /** The line begins with a bracket, but it is text. */
  #isText = false;
  #isBlank = true;
  /** Bytes at the window's position that are known to be blank, while the line goes on. */
  #blanks = 0;
  #total = 0;
  #reread = 0;

  /** `printedAt`: from when the ages in tables of Events count back. */
  constructor(printedAt: Micros) {
    this.#text = new TextReader(printedAt);
  }

  /** Takes the next bytes and gives the documents that they complete. */
  push(chunk: Buffer): Document[] {
    this.#total += chunk.length;
    const keepFrom = this.#inJson ? this.#json.keepFrom : this.#window.at;
    const shift = this.#window.append(chunk, keepFrom);
    if (this.#inJson) this.#json.shift(shift);
    return this.#read(false);
  }

  /** The input has ended: gives what is left. */
  end(): Document[] {
    const documents = this.#read(true);
    while (this.#inJson) {
      this.#giveUp(documents, true);
      documents.push(...this.#read(true));
    }
    this.#text.interrupt(documents);
    return documents;
  }

  /** Nothing but blanks so far. */
  get isBlank(): boolean {
    return this.#isBlank;
  }

  #read(isLast: boolean): Document[] {
    this.#out = [];
    while (this.#window.at < this.#window.end) if (!(this.#inJson ? this.#readJson() : this.#readText(isLast))) break;
    return this.#out;
  }

  /** False when more bytes are needed. */
  #readJson(): boolean {
    const { length } = this.#out;
    const outcome = this.#json.read(this.#out);
    for (let at = length; at < this.#out.length; at += 1) this.#unwrapLog(at);
    if (outcome === 'more') return false;
    if (outcome === 'fault') this.#giveUp(this.#out, false);
    else this.#behindValue = true;
    this.#inJson = false;
    return true;
  }

  /**
   * What was begun is no value: goes on with the line below its first one, which may begin the next value; or with where it has failed,
   * when too much was read twice already.
   */
  #giveUp(out: Document[], atEnd: boolean): void {
    const window = this.#window;
    const { at } = window;
    const feed = window.lineEnd(this.#json.keepFrom);
    const mayReread = this.#reread < rereadFree + this.#total * rereadRatio;
    if (feed >= 0 && feed < at && mayReread) {
      this.#reread += at - feed;
      window.at = feed + 1;
    }
    this.#json.giveUp(window.at, atEnd, out);
    this.#inJson = false;
    this.#behindValue = false;
    // What follows on the same line is text, unless another value begins right here.
    const before = window.bytes[window.at - 1];
    const sign = window.bytes[window.at];
    this.#isText = window.at > 0 && before !== lineFeed && sign !== openObject && sign !== openList;
  }

  /** docker keeps the lines of a container as JSON: what the container wrote may be JSON again. */
  #unwrapLog(at: number): void {
    const document = this.#out[at];
    if (document?.type !== 'value' || typeof field(document.value, 'log') !== 'string') return;
    const inner: Document[] = [];
    this.#text.docker(textField(document.value, 'stream'), textField(document.value, 'log', lineMax), inner);
    this.#out.splice(at, 1, ...inner);
  }

  /** False when more bytes are needed. */
  #readText(isLast: boolean): boolean {
    const window = this.#window;
    const first = this.#firstSign();
    this.#blanks = first - window.at;
    const feed = window.lineEnd(window.at);
    if (feed < 0 && !isLast && window.end - window.at <= lineMax) return false;
    const to = feed < 0 ? window.end : feed;
    this.#isBlank &&= first >= to;
    if (!this.#inLongLine && !this.#isText) {
      const begins = this.#beginsJson(first);
      if (begins === null && !isLast && window.end - window.at <= lineMax) return false;
      this.#blanks = 0;
      if (begins !== false) return this.#beginJson(first, to);
    }
    if (this.#inLongLine || to - window.at > lineMax) this.#skip(to, feed < 0);
    else this.#text.line(window.text(window.at, to).replace(/^\uFEFF|\r$/g, ''), Math.min(to + 1, window.end) - window.at, this.#out);
    window.at = Math.min(to + 1, window.end);
    this.#blanks = 0;
    this.#behindValue = false;
    this.#isText = this.#isText && feed < 0;
    return true;
  }

  #skip(to: number, isOpen: boolean): void {
    const text = this.#window.text(this.#window.at, to);
    pushText(this.#out, to - this.#window.at, looksLikeEvents(text));
    this.#inLongLine = isOpen;
  }

  /** The first sign of the line that is no blank; where files were put together, no byte order mark. */
  #firstSign(): number {
    const { bytes, end } = this.#window;
    let at = this.#window.at + this.#blanks;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      const isBlank =
        byte === blank ||
        byte === tab ||
        byteOrderMark.includes(byte) ||
        (this.#behindValue && (byte === comma || byte === carriageReturn));
      if (!isBlank) break;
      at += 1;
    }
    return at;
  }

  /**
   * An object or a list of objects; in YAML only where a line begins with it, in the logs of containers only in the layout of kubectl. Null
   * where what follows must tell.
   */
  #beginsJson(at: number): boolean | null {
    const { bytes, end } = this.#window;
    const byte = bytes[at] ?? 0;
    if (at >= end || (byte !== openObject && byte !== openList)) return false;
    if (this.#text.inYaml && at > this.#window.at) return false;
    let next = at + 1;
    while (next < end && (bytes[next] ?? 0) <= blank) next += 1;
    if (this.#text.inLogs && (at > this.#window.at || (bytes[at + 1] !== lineFeed && bytes[at + 1] !== carriageReturn))) return false;
    const sign = bytes[next] ?? 0;
    if (next === end) return null;
    return byte === openObject ? sign === quote || sign === closeObject : [openObject, openList, closeList, quote].includes(sign);
  }

  /** A value that is a line of its own is parsed at once; any other is scanned. `to` is the end of the line. */
  #beginJson(first: number, to: number): boolean {
    const window = this.#window;
    const isLineStart = window.at === 0 || window.bytes[window.at - 1] === lineFeed;
    this.#text.interrupt(this.#out);
    window.at = first;
    let last = to - 1;
    while (last > first && (window.bytes[last] ?? 0) <= blank) last -= 1;
    const byte = window.bytes[last];
    if (isLineStart && to - first <= lineMax && (byte === closeObject || byte === closeList)) {
      const parsed = parseJson(window.text(first, last + 1));
      if (parsed.ok) {
        const { length } = this.#out;
        this.#out.push(...documentsIn(parsed.value));
        if (this.#out.length === length + 1) this.#unwrapLog(length);
        window.at = to;
        this.#behindValue = true;
        return true;
      }
    }
    this.#json.begin();
    this.#inJson = true;
    return true;
  }
}
