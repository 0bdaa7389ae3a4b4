/** CESQL text -> tokens. As in the grammar the longest token wins: `4 -1` is the numbers 4 and -1, which no operator joins. */
import { CesqlSyntaxError, cesqlLimits } from './syntax.ts';

export type TokenKind = 'keyword' | 'name' | 'functionName' | 'integer' | 'string' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Keywords in upper case, strings without their quotes, the rest as written. */
  readonly text: string;
  /** Where it begins, counted from 1. */
  readonly at: number;
}

const keywords = new Set(['AND', 'OR', 'XOR', 'NOT', 'LIKE', 'EXISTS', 'IN', 'TRUE', 'FALSE']);

const blank = /[ \t\r\n]+/y;
const quoted = /"(?:\\[\s\S]|""|[^"\\])*"|'(?:\\[\s\S]|''|[^'\\])*'/y;
const symbol = /<>|!=|>=|<=|[()*/%+\-=<>,]/y;
const integer = /[+-]?[0-9]+/y;
const word = /[A-Za-z0-9]+/y;
const functionWord = /[A-Za-z][A-Za-z_]*/y;

export function tokensOf(text: string): Token[] {
  if (text.length > cesqlLimits.lengthMost)
    throw new CesqlSyntaxError(`wanted at most ${cesqlLimits.lengthMost} characters, found ${text.length}`);
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const space = match(blank, text, at);
    if (space === '') {
      const [token, length] = tokenAt(text, at);
      tokens.push(token);
      at += length;
      if (tokens.length > cesqlLimits.tokensMost) throw new CesqlSyntaxError(`wanted at most ${cesqlLimits.tokensMost} words`);
    }
    at += space.length;
  }
  tokens.push({ kind: 'end', text: 'the end', at: at + 1 });
  return tokens;
}

function tokenAt(text: string, start: number): [Token, number] {
  const at = start + 1;
  const string = match(quoted, text, start);
  if (string !== '') return [{ kind: 'string', text: unquoted(string), at }, string.length];
  const number = match(integer, text, start);
  const plain = match(word, text, start);
  const named = match(functionWord, text, start);
  if (named.length > plain.length) return [{ kind: 'functionName', text: named, at }, named.length];
  if (number !== '' && number.length >= plain.length) return [{ kind: 'integer', text: number, at }, number.length];
  if (plain !== '') return [wordToken(plain, at), plain.length];
  const sign = match(symbol, text, start);
  if (sign !== '') return [{ kind: 'symbol', text: sign, at }, sign.length];
  // The reference parser drops characters that it does not know; an expression with such a slip is refused here instead.
  throw new CesqlSyntaxError(`wanted an expression, found '${text[start]}' at character ${at}`);
}

function wordToken(text: string, at: number): Token {
  const upper = text.toUpperCase();
  return keywords.has(upper) ? { kind: 'keyword', text: upper, at } : { kind: 'name', text, at };
}

/** Only the own quote is unescaped; a doubled quote and other escapes stay as they are, as in the reference parser. */
function unquoted(literal: string): string {
  const quote = literal.charAt(0);
  return literal.slice(1, -1).replaceAll(`\\${quote}`, quote);
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
