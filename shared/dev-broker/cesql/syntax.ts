/** The words of a parsed CloudEvents SQL (CESQL) expression. Only parser.ts makes them. */
export type Value = string | number | boolean;

export type ValueType = 'string' | 'integer' | 'boolean';

export type LogicOperator = 'AND' | 'OR' | 'XOR';
export type EqualityOperator = '=' | '!=' | '<>';
export type OrderOperator = '<' | '<=' | '>' | '>=';
export type MathOperator = '+' | '-' | '*' | '/' | '%';
export type BinaryOperator = LogicOperator | EqualityOperator | OrderOperator | MathOperator;

export type Expression =
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'attribute'; readonly name: string }
  | { readonly kind: 'exists'; readonly name: string }
  | { readonly kind: 'not' | 'negate'; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'like'; readonly operand: Expression; readonly pattern: string }
  | { readonly kind: 'in'; readonly operand: Expression; readonly set: readonly Expression[] }
  | { readonly kind: 'call'; readonly name: string; readonly inputs: readonly Expression[] };

export const cesqlLimits = { lengthMost: 8_192, tokensMost: 1_000, depthMost: 100 } as const;

/** What is wrong with the text of an expression. */
export class CesqlSyntaxError extends SyntaxError {}

/** The kinds of errors of an evaluation, named as the conformance suite (TCK) of CESQL names them. */
export type FaultKind = 'math' | 'cast' | 'missingFunction' | 'functionEvaluation' | 'missingAttribute';

/** Evaluation is total: it always gives a value, beside it the first error, if there was one. */
export interface Outcome {
  readonly value: Value;
  readonly fault?: FaultKind;
}

export function typeOf(value: Value): ValueType {
  if (typeof value === 'string') return 'string';
  return typeof value === 'number' ? 'integer' : 'boolean';
}

export function zeroOf(type: ValueType): Value {
  if (type === 'string') return '';
  return type === 'integer' ? 0 : false;
}
