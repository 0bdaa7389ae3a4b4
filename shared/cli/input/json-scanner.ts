/**
 * Finds the ends of JSON values in bytes that arrive in pieces: the elements of a list one by one, anything else whole; `JSON.parse` reads
 * them. The grammar of brackets, commas and colons is checked on the way, so that text that only looks like JSON is noticed where it
 * ceases to be, not at the end of the input.
 */

/** Levels of brackets; deeper input is a fault. */
export const depthMax = 500;

export type Step =
  /** The bytes are used up. */
  | 'more'
  /** An element of a list, or a whole value: `[itemStart, at)`. */
  | 'item'
  | 'value'
  /** A list has ended. */
  | 'end'
  /** Not JSON at `at`. */
  | 'fault';

type State = number;
const value: State = 0;
const elementOrEnd: State = 1;
const keyOrEnd: State = 2;
const key: State = 3;
const colon: State = 4;
const commaOrEnd: State = 5;
const string: State = 6;
const escaped: State = 7;
const scalar: State = 8;

const quote = 0x22;
const comma = 0x2c;
const colonSign = 0x3a;
const openList = 0x5b;
const backslash = 0x5c;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
const lineFeed = 0x0a;
const blank = 0x20;

/** 1: begins a number or a word; 2: goes on with one; 3: both. */
const scalarBytes = new Uint8Array(256);
for (const sign of '0123456789-tfn') scalarBytes[sign.charCodeAt(0)] = 3;
for (const sign of '.+eEabcdghijklmopqrsuvwxyzN') scalarBytes[sign.charCodeAt(0)] = 2;

export class JsonScanner {
  /** The position of the next byte to read. */
  at = 0;
  /** Of the value or the element that is being read; negative between elements. */
  itemStart = 0;
  /** The `kind` of the object whose list is being read, as far as it is known. */
  kind = '';
  /** The key whose list is being read; empty for a list by itself. */
  listKey = '';
  readonly #isListKey: (key: string) => boolean;
  #state: State = value;
  #depth = 0;
  /** By depth: 1 for a list. */
  readonly #isList = new Uint8Array(depthMax + 2);
  #stringIsKey = false;
  /** Where the last string of the outermost object began. */
  #stringStart = 0;
  #key = '';
  /** The depth of the elements to be let out; 0: none. */
  #itemDepth = 0;
  #hasList = false;
  #isTaken = false;

  /** `isListKey`: of which keys of an outermost object the lists are let out element by element. */
  constructor(isListKey: (key: string) => boolean) {
    this.#isListKey = isListKey;
  }

  /** At the opening bracket of a document. */
  begin(at: number): void {
    this.at = at;
    this.itemStart = at;
    this.kind = '';
    this.listKey = '';
    this.#state = value;
    this.#depth = 0;
    this.#key = '';
    this.#itemDepth = 0;
    this.#hasList = false;
    this.#isTaken = false;
  }

  /** Whether the value being read is an element of a list, or a list. */
  get inList(): boolean {
    return this.#hasList;
  }

  /** Bytes before this position are not needed any more. */
  get keepFrom(): number {
    if (this.itemStart >= 0 && !this.#isTaken) return this.itemStart;
    return this.#depth === 1 && (this.#state === string || this.#state === escaped) ? this.#stringStart : this.at;
  }

  /** So many bytes before `keepFrom` were removed. */
  shift(by: number): void {
    this.at -= by;
    if (this.itemStart >= 0) this.itemStart -= by;
    this.#stringStart -= by;
  }

  advance(bytes: Buffer, end: number): Step {
    if (this.#isTaken) this.itemStart = -1;
    this.#isTaken = false;
    let at = this.at;
    let state = this.#state;
    let depth = this.#depth;
    const isList = this.#isList;
    let itemDepth = this.#itemDepth;
    let step: Step = 'more';
    while (at < end) {
      let byte = bytes[at] ?? 0;
      if (state === string) {
        while (byte !== quote && byte !== backslash && byte !== lineFeed) {
          at += 1;
          if (at === end) break;
          byte = bytes[at] ?? 0;
        }
        if (at === end) break;
        if (byte === lineFeed) {
          step = 'fault';
          break;
        }
        at += 1;
        if (byte === backslash) state = escaped;
        else if (this.#stringIsKey) {
          state = colon;
          if (depth === 1) this.#key = textOf(bytes, this.#stringStart, at);
        } else {
          state = commaOrEnd;
          if (depth === 1 && itemDepth === 0 && (this.#key === 'kind' || this.#key === 'Kind'))
            this.kind = textOf(bytes, this.#stringStart, at);
          if (depth === itemDepth && itemDepth > 0) {
            step = 'item';
            break;
          }
        }
        continue;
      }
      if (byte <= blank) {
        if (state === escaped) {
          step = 'fault';
          break;
        }
        if (state === scalar) {
          state = commaOrEnd;
          if (depth === itemDepth && itemDepth > 0) {
            step = 'item';
            break;
          }
        }
        at += 1;
        continue;
      }
      if (state === commaOrEnd) {
        if (byte === comma) {
          state = isList[depth] === 1 ? value : key;
          at += 1;
          continue;
        }
      } else if (state === colon) {
        if (byte === colonSign) {
          state = value;
          at += 1;
          continue;
        }
        step = 'fault';
        break;
      } else if (state === escaped) {
        state = string;
        at += 1;
        continue;
      } else if (state === scalar) {
        if ((scalarBytes[byte] ?? 0) >= 2) {
          at += 1;
          continue;
        }
        state = commaOrEnd;
        if (depth === itemDepth && itemDepth > 0) {
          step = 'item';
          break;
        }
        continue;
      } else if (byte === quote) {
        if (depth === 1) this.#stringStart = at;
        this.#stringIsKey = state === key || state === keyOrEnd;
        if (depth === itemDepth && !this.#stringIsKey) this.itemStart = at;
        state = string;
        at += 1;
        continue;
      } else if (state === value || state === elementOrEnd) {
        if (byte === openObject || byte === openList) {
          if (depth === itemDepth && depth > 0) this.itemStart = at;
          if (byte === openList && itemDepth === 0 && (depth === 0 || (depth === 1 && isList[1] === 0 && this.#isListKey(this.#key)))) {
            itemDepth = depth + 1;
            this.#hasList = true;
            this.itemStart = -1;
            this.listKey = depth === 0 ? '' : this.#key;
          }
          depth += 1;
          if (depth > depthMax) {
            step = 'fault';
            break;
          }
          isList[depth] = byte === openList ? 1 : 0;
          state = byte === openList ? elementOrEnd : keyOrEnd;
          at += 1;
          continue;
        }
        if (((scalarBytes[byte] ?? 0) & 1) === 1) {
          if (depth === itemDepth) this.itemStart = at;
          state = scalar;
          at += 1;
          continue;
        }
      }
      // What is left: the end of a list or an object.
      const closes = state === commaOrEnd || state === (isList[depth] === 1 ? elementOrEnd : keyOrEnd);
      if (!closes || byte !== (isList[depth] === 1 ? closeList : closeObject)) {
        step = 'fault';
        break;
      }
      at += 1;
      depth -= 1;
      state = commaOrEnd;
      if (depth === 0) {
        step = this.#hasList ? 'end' : 'value';
        break;
      }
      if (itemDepth > 0 && depth < itemDepth) {
        itemDepth = 0;
        this.itemStart = -1;
      } else if (depth === itemDepth && itemDepth > 0) {
        step = 'item';
        break;
      }
    }
    this.at = at;
    this.#state = state;
    this.#depth = depth;
    this.#itemDepth = itemDepth;
    this.#isTaken = step === 'item';
    return step;
  }
}

/** Of a string with its quotes. The keys and kinds of interest are short and plain. */
function textOf(bytes: Buffer, start: number, end: number): string {
  return end - start > 100 ? '' : bytes.toString('latin1', start + 1, end - 1);
}
