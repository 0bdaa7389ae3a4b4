/**
 * Tokens -> expression, by the precedence of the CESQL grammar: NOT and minus bind strongest, then LIKE and IN, then * / %, + -,
 * comparisons; AND, OR and XOR are of one rank and group from the right: `a AND b OR c` is `a AND (b OR c)`.
 */

import type { Result } from '../../events/json.ts';
import { messageOf } from '../../process/log.ts';
import { type Token, tokensOf } from './lexer.ts';
import { type BinaryOperator, CesqlSyntaxError, cesqlLimits, type Expression } from './syntax.ts';

const prefixRank = 60;
const testRank = 50;

const ranks: ReadonlyMap<string, { readonly operator: BinaryOperator; readonly rank: number }> = new Map(
  (
    [
      [10, ['AND', 'OR', 'XOR']],
      [20, ['=', '!=', '<>', '<', '<=', '>', '>=']],
      [30, ['+', '-']],
      [40, ['*', '/', '%']],
    ] as const
  ).flatMap(([rank, operators]) => operators.map((operator) => [operator, { operator, rank }] as const)),
);

export function parseCesql(text: string): Result<Expression> {
  try {
    return { ok: true, value: new Parser(tokensOf(text)).whole() };
  } catch (error) {
    if (!(error instanceof CesqlSyntaxError)) throw error;
    return { ok: false, reason: `Cannot read the CESQL expression '${text.slice(0, 200)}': ${messageOf(error)}` };
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    const expression = this.#expression(0);
    if (this.#peek().kind !== 'end') throw this.#wanted('an operator or the end');
    return expression;
  }

  /** An expression whose operators all bind at least as strongly as `rank`. */
  #expression(rank: number): Expression {
    this.#depth++;
    if (this.#depth > cesqlLimits.depthMost) throw new CesqlSyntaxError(`wanted at most ${cesqlLimits.depthMost} levels of nesting`);
    let left = this.#operand();
    for (;;) {
      const longer = (rank <= testRank ? this.#test(left) : null) ?? this.#binary(left, rank);
      if (longer === null) break;
      left = longer;
    }
    this.#depth--;
    return left;
  }

  #operand(): Expression {
    const token = this.#take();
    if (token.kind === 'string') return { kind: 'literal', value: token.text };
    if (token.kind === 'integer') return { kind: 'literal', value: integerOf(token) };
    if (token.kind === 'keyword') return this.#keyword(token);
    if (token.kind === 'functionName') return this.#call(token);
    if (token.kind === 'name') {
      return this.#peek().text === '(' && /^[A-Za-z]+$/.test(token.text) ? this.#call(token) : attribute(token);
    }
    if (token.text === '-') return { kind: 'negate', operand: this.#expression(prefixRank) };
    if (token.text === '(') {
      const inner = this.#expression(0);
      this.#expect(')');
      return inner;
    }
    throw this.#wanted('a value', token);
  }

  #keyword(token: Token): Expression {
    if (token.text === 'TRUE' || token.text === 'FALSE') return { kind: 'literal', value: token.text === 'TRUE' };
    if (token.text === 'NOT') return { kind: 'not', operand: this.#expression(prefixRank) };
    if (token.text !== 'EXISTS') throw this.#wanted('a value', token);
    const name = this.#take();
    if (name.kind !== 'name') throw this.#wanted('the name of an attribute', name);
    return { kind: 'exists', name: name.text.toLowerCase() };
  }

  /** `[NOT] LIKE 'pattern'` and `[NOT] IN (a, b)` behind a value; null when there is neither. */
  #test(operand: Expression): Expression | null {
    const negated = this.#peek().text === 'NOT' && this.#peek().kind === 'keyword';
    const token = this.#tokens[this.#next + (negated ? 1 : 0)];
    if (token?.kind !== 'keyword' || (token.text !== 'LIKE' && token.text !== 'IN')) return null;
    this.#next += negated ? 2 : 1;
    const test = token.text === 'LIKE' ? this.#like(operand) : this.#in(operand);
    return negated ? { kind: 'not', operand: test } : test;
  }

  #like(operand: Expression): Expression {
    const pattern = this.#take();
    if (pattern.kind !== 'string') throw this.#wanted('a pattern in quotes', pattern);
    return { kind: 'like', operand, pattern: pattern.text };
  }

  #in(operand: Expression): Expression {
    this.#expect('(');
    const set = this.#list();
    if (set.length === 0) throw this.#wanted('a value');
    return { kind: 'in', operand, set };
  }

  #binary(left: Expression, rank: number): Expression | null {
    const token = this.#peek();
    const found = token.kind === 'symbol' || token.kind === 'keyword' ? ranks.get(token.text) : undefined;
    if (found === undefined || found.rank < rank) return null;
    this.#next++;
    const groupsFromRight = found.rank === 10;
    const right = this.#expression(groupsFromRight ? found.rank : found.rank + 1);
    return { kind: 'binary', operator: found.operator, left, right };
  }

  #call(name: Token): Expression {
    this.#expect('(');
    return { kind: 'call', name: name.text.toUpperCase(), inputs: this.#list() };
  }

  /** Expressions up to the closing bracket. */
  #list(): Expression[] {
    const items: Expression[] = [];
    if (this.#peek().text === ')') {
      this.#next++;
      return items;
    }
    for (;;) {
      items.push(this.#expression(0));
      const token = this.#take();
      if (token.kind === 'symbol' && token.text === ')') return items;
      if (token.kind !== 'symbol' || token.text !== ',') throw this.#wanted("',' or ')'", token);
    }
  }

  #expect(text: string): void {
    const token = this.#take();
    if (token.kind !== 'symbol' || token.text !== text) throw this.#wanted(`'${text}'`, token);
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: 'the end', at: 0 };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #wanted(what: string, found = this.#peek()): CesqlSyntaxError {
    const shown = found.kind === 'end' ? found.text : `'${found.text}'`;
    return new CesqlSyntaxError(`wanted ${what}, found ${shown} at character ${found.at}`);
  }
}

function attribute(token: Token): Expression {
  return { kind: 'attribute', name: token.text.toLowerCase() };
}

function integerOf(token: Token): number {
  const value = Number(token.text);
  if (value === (value | 0)) return value;
  throw new CesqlSyntaxError(`wanted an integer of 32 bits, found '${token.text}' at character ${token.at}`);
}
