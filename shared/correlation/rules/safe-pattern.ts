/**
 * Judges whether a regular expression from a user can take more than quadratic time on some message. The check reads only
 * the pattern and errs on the safe side: what it lets through is bounded, some of what it refuses would do no harm.
 *
 * Two things make matching explode. A repeated group whose inside can match in several ways (`(a+)+`, `(a|ab)*`) is refused
 * outright. Several open repetitions in a row (`.+ in .+ failed`) multiply: each adds a power of the message's length, save
 * one that the character after it stops at once (`[^ ]+ `), as there is only one place where it can end.
 */

/** Powers of the message's length that a match may cost: with 4,096 characters two are at most some 16 million steps. */
const powersMax = 2;
/** A bounded repetition such as `{0,20}` counts as an open one from this width on. */
const spanMax = 16;
/** Counted repetitions are copied out when an expression is compiled: `(a{99}){99}` is 9,801 characters long. */
const sizeMax = 2_000;

/** Why the pattern is refused, or the empty string. Give it valid patterns (flags `su`) only. */
export function patternDanger(source: string): string {
  const alternatives = new Scanner(source).alternatives();
  if (alternatives === null) return 'it refers back to a group (\\1, \\k<name>)';
  const nested = nestedRepetition(alternatives);
  if (nested !== '') return `it repeats the group '${nested}', which holds a repetition or a choice itself`;
  if (sizeOf(alternatives) > sizeMax) return 'its counted repetitions are too many';
  const powers = Math.max(...alternatives.map(powersOf));
  if (powers <= powersMax) return '';
  return "it has too many open repetitions, begin it with '^' and write '[^ ]+' in place of '.+'";
}

interface Item {
  readonly source: string;
  readonly min: number;
  readonly max: number;
  /** Null for a single character or class; the inside of a group else. */
  readonly inside: readonly Sequence[] | null;
  /** `^`, `$`, `\b`, lookarounds: matches no character. */
  readonly empty: boolean;
}

type Sequence = readonly Item[];

function nestedRepetition(alternatives: readonly Sequence[]): string {
  for (const item of alternatives.flat()) {
    if (item.inside === null) continue;
    if (item.max > 1 && isVariable(item.inside)) return item.source;
    const inner = nestedRepetition(item.inside);
    if (inner !== '') return inner;
  }
  return '';
}

/** True where the inside of a group can match one text in more than one way, as far as one can tell. */
function isVariable(alternatives: readonly Sequence[]): boolean {
  if (alternatives.length > 1) return true;
  return alternatives.flat().some((item) => item.min !== item.max || (item.inside !== null && isVariable(item.inside)));
}

/** Characters and classes to match, with counted repetitions copied out. */
function sizeOf(alternatives: readonly Sequence[]): number {
  let size = 0;
  for (const item of alternatives.flat()) {
    const times = Number.isFinite(item.max) ? item.max : item.min;
    size += (item.inside === null ? 1 : sizeOf(item.inside)) * Math.max(times, 1);
  }
  return size;
}

/** The power of the message's length that matching one top-level alternative can cost. */
function powersOf(sequence: Sequence): number {
  const counts = { open: 0, stopped: 0 };
  count(sequence, null, counts);
  const anchored = sequence[0]?.source === '^';
  return (anchored ? 0 : 1) + counts.open + (counts.stopped > 0 ? 1 : 0);
}

function count(sequence: Sequence, after: Item | null, counts: { open: number; stopped: number }): void {
  sequence.forEach((item, i) => {
    const next = sequence[i + 1] ?? after;
    if (item.inside !== null) for (const inner of item.inside) count(inner, next, counts);
    else if (item.max - item.min > spanMax) {
      if (isFree(item, next)) return;
      if (stops(item, next)) counts.stopped += 1;
      else counts.open += 1;
    }
  });
}

/** At the very end of a pattern nothing can fail any more, so nothing is tried again. */
function isFree(item: Item, next: Item | null): boolean {
  return next === null || (item.source === '.' && next.source === '$');
}

/** True where what follows is one certain character that the repeated class does not contain. */
function stops(item: Item, next: Item | null): boolean {
  if (next === null || next.inside !== null || next.empty || next.min < 1) return false;
  const literal = /^\\[^\w]$|^[^\\.[\](){}^$|*+?]$/u.exec(next.source);
  if (literal === null) return false;
  return !new RegExp(`^(?:${item.source})$`, 'su').test(next.source.slice(-1));
}

/** Cuts a valid pattern into items. */
class Scanner {
  readonly #source: string;
  #at = 0;
  #refersBack = false;

  constructor(source: string) {
    this.#source = source;
  }

  /** The alternatives of the whole pattern; null where it refers back to a group. */
  alternatives(): readonly Sequence[] | null {
    const found = this.#alternatives();
    return this.#refersBack ? null : found;
  }

  #alternatives(): readonly Sequence[] {
    const all: Item[][] = [[]];
    while (this.#at < this.#source.length && this.#source[this.#at] !== ')') {
      if (this.#source[this.#at] === '|') {
        this.#at += 1;
        all.push([]);
      } else all.at(-1)?.push(this.#item());
    }
    return all;
  }

  #item(): Item {
    const start = this.#at;
    const lookaround = this.#take(/\(\?<?[=!]/uy);
    const opening = lookaround || this.#take(/\((?:\?(?::|<[^>]*>|[a-z-]*:))?/uy);
    let inside: readonly Sequence[] | null = null;
    if (opening !== '') {
      inside = this.#alternatives();
      this.#at += 1;
    } else this.#atom();
    const source = this.#source.slice(start, this.#at);
    const empty = lookaround !== '' || /^(?:\^|\$|\\[bB])$/u.test(source);
    return { source, inside, empty, ...this.#quantifier() };
  }

  #atom(): void {
    if (this.#take(/\\(?:[1-9]|k<)/uy) !== '') this.#refersBack = true;
    else this.#take(/\[(?:\\.|[^\]\\])*\]|\\[pPu]\{[^}]*\}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\c.|\\.|./suy);
  }

  #quantifier(): { min: number; max: number } {
    const text = this.#take(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/uy);
    if (text === '') return { min: 1, max: 1 };
    const first = text.charAt(0);
    if (first === '*') return { min: 0, max: Number.POSITIVE_INFINITY };
    if (first === '+') return { min: 1, max: Number.POSITIVE_INFINITY };
    if (first === '?') return { min: 0, max: 1 };
    const [min = '0', max] = text.replace(/[{}?]/gu, '').split(',');
    if (max === undefined) return { min: Number(min), max: Number(min) };
    return { min: Number(min), max: max === '' ? Number.POSITIVE_INFINITY : Number(max) };
  }

  #take(what: RegExp): string {
    what.lastIndex = this.#at;
    const found = what.exec(this.#source)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }
}
