/**
 * YAML line by line: the documents of a stream, and of a list its items one by one, so that a long list need not be held. Only block
 * style is divided; a list with anchors is read whole.
 */
import { parseAllDocuments } from 'yaml';
import { field, textField } from '../../events/json.ts';
import type { Micros } from '../../events/observation.ts';
import { parseTimestamp } from '../../events/time.ts';
import { messageOf } from '../../process/log.ts';
import type { Document } from './document.ts';

/** Characters of a document, or of an item of a list. */
const partMax = 64 * 1_024 * 1_024;
/** Open at a time: brackets in texts count as well. */
const bracketsMax = 1_000;
/** Keys with which an object of Kubernetes, a list of them or an Event begins. */
const firstKeys =
  /^(?:- )?"?(?:apiVersion|api_version|kind|metadata|items|involvedObject|involved_object|regarding|action|count|eventTime|event_time|firstTimestamp|first_timestamp|lastTimestamp|deprecated\w+|message|note|reason|related|series|source|type|spec|status|data)"?:(?: |$)/;
const topKey = /^"?[A-Za-z_][\w./-]*"?:(?: |$)/;
const listKey = /^(?:items|events):\s*$/;
const anchor = /(?:: |- )&[\w-]+(?:\s|$)/;

/** Whether YAML of interest may begin with this line; also with a comment, or where documents are divided. */
export function beginsYaml(line: string): boolean {
  return firstKeys.test(line) || /^(?:---(?: |$)|#)/.test(line);
}

/** Whether the line goes on with YAML that has begun. */
export function continuesYaml(line: string): boolean {
  return line === '' || /^[ #\t]/.test(line) || /^(?:- |-$|---(?: |$)|\.\.\.$|[[\]{}'"])/.test(line) || topKey.test(line);
}

export class YamlReader {
  /** Of the present document, without the items that were let out. */
  #lines: string[] = [];
  #item: string[] = [];
  #length = 0;
  #isTooLong = false;
  /** Blanks before the dashes of the list's items; null outside of the list. */
  #indent: number | null = null;
  #hasList = false;
  #hasAnchors = false;
  #seenAt: Micros | null = null;

  push(line: string): Document[] {
    if (/^---(?: |$)/.test(line)) {
      const found = this.end();
      const rest = line.slice(4).trim();
      return rest === '' || rest.startsWith('#') ? [...found, ...this.push(rest)] : found;
    }
    if (line.startsWith('#')) {
      // The head of a recorded document: {"time":"...","type":"ADDED"}.
      this.#seenAt ??= parseTimestamp(/"time":"([^"]+)"/.exec(line)?.[1]);
      return [];
    }
    if (!this.#hasAnchors && anchor.test(line)) {
      this.#hasAnchors = true;
      this.#lines.push(...this.#item);
      this.#item = [];
    }
    if (this.#indent !== null && !this.#hasAnchors) return this.#inList(line, this.#indent);
    this.#keep(this.#lines, line);
    if (!listKey.test(line) || this.#hasAnchors) return [];
    this.#indent = -1;
    this.#hasList = true;
    return [];
  }

  /** The documents that end with the input, or with the YAML in it. */
  end(): Document[] {
    const found = this.#endItem();
    const text = this.#lines.join('\n');
    if (this.#isTooLong) found.push(broken(text, `a YAML document is longer than ${partMax} characters`));
    else if (text.trim() !== '') found.push(...this.#document(text));
    this.#lines = [];
    this.#length = 0;
    this.#isTooLong = false;
    this.#indent = null;
    this.#hasList = false;
    this.#hasAnchors = false;
    this.#seenAt = null;
    return found;
  }

  #inList(line: string, indent: number): Document[] {
    const dash = /^( *)- /.exec(line) ?? /^( *)-$/.exec(line);
    const blanks = dash?.[1]?.length ?? -1;
    if (dash && (indent < 0 || blanks === indent)) {
      const found = this.#endItem();
      this.#indent = blanks;
      this.#keep(this.#item, line);
      return found;
    }
    if (line === '' || line.startsWith(' '.repeat(indent + 1))) {
      this.#keep(this.#item, line);
      return [];
    }
    const found = this.#endItem();
    this.#indent = null;
    return [...found, ...this.push(line)];
  }

  #keep(lines: string[], line: string): void {
    this.#length += line.length + 1;
    this.#isTooLong ||= this.#length > partMax;
    if (!this.#isTooLong) lines.push(line);
  }

  #endItem(): Document[] {
    const text = this.#item.join('\n');
    this.#item = [];
    if (text === '') return [];
    const isTooLong = this.#isTooLong;
    this.#isTooLong = false;
    this.#length = 0;
    if (isTooLong) return [broken(text, `an item is longer than ${partMax} characters`)];
    return parse(text).flatMap((one): Document[] => {
      if (!one.ok) return [broken(text, one.reason)];
      return (Array.isArray(one.value) ? one.value : [one.value]).map((value) => ({ type: 'item', value }));
    });
  }

  /** Text that looked like YAML may stand before what is YAML. */
  #withoutHead(text: string): Document[] | null {
    const at = text.slice(1).search(/^(?:apiVersion|kind|items):/m);
    return at < 0 ? null : this.#document(text.slice(at + 1), true);
  }

  #document(text: string, isCut = false): Document[] {
    return parse(text).flatMap((one): Document[] => {
      if (!one.ok) return (isCut ? null : this.#withoutHead(text)) ?? [broken(text, one.reason)];
      const { value } = one;
      const kind = textField(value, 'kind');
      const items = field(value, 'items') ?? field(value, 'events');
      if (this.#hasList && !Array.isArray(items)) return [{ type: 'list-end', kind }];
      const elements = Array.isArray(items) ? items : Array.isArray(value) ? value : null;
      if (elements !== null)
        return [...elements.map((element): Document => ({ type: 'item', value: element })), { type: 'list-end', kind }];
      if (value === null || value === undefined) return [];
      const seen = this.#seenAt === null ? value : { type: 'ADDED', object: value, receivedAtMicros: this.#seenAt };
      return [{ type: 'value', value: seen }];
    });
  }
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

function parse(text: string): Parsed[] {
  if (isNestedTooDeep(text)) return [{ ok: false, reason: 'not YAML: too many open brackets' }];
  try {
    return [...parseAllDocuments(text, { logLevel: 'silent' })].map((document): Parsed => {
      const fault = document.errors[0];
      return fault ? { ok: false, reason: notYaml(fault) } : { ok: true, value: document.toJS() };
    });
  } catch (error) {
    // Aliases that expand to more than anyone means; nesting that is too deep.
    return [{ ok: false, reason: notYaml(error) }];
  }
}

function notYaml(error: unknown): string {
  return `not YAML: ${messageOf(error).split('\n')[0]}`;
}

/** The parser's time grows with the square of the depth. */
function isNestedTooDeep(text: string): boolean {
  let open = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open = bracket === '[' || bracket === '{' ? open + 1 : Math.max(0, open - 1);
    if (open > bracketsMax) return true;
  }
  return false;
}

function broken(text: string, reason: string): Document {
  return { type: 'broken', reason, looksLikeEvents: /involvedObject|regarding/.test(text) };
}
