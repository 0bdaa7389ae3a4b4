/** Evaluates a CESQL expression on the attributes of one event, as the CloudEvents SDK for Go does it inside Knative's brokers. */
import { cast } from './cast.ts';
import { builtIn } from './functions.ts';
import { like } from './like.ts';
import type { BinaryOperator, Expression, MathOperator, Outcome, Value, ValueType } from './syntax.ts';
import { typeOf, zeroOf } from './syntax.ts';

/** An attribute's value; undefined when the event has none of this name. */
export type Lookup = (name: string) => Value | undefined;

/** `fault` is the first error; what comes behind it is not evaluated, and the value is the zero of the outermost operator's type. */
export function evaluate(expression: Expression, lookup: Lookup): Outcome {
  switch (expression.kind) {
    case 'literal':
      return { value: expression.value };
    case 'attribute': {
      const value = lookup(expression.name);
      return value === undefined ? { value: false, fault: 'missingAttribute' } : { value };
    }
    case 'exists':
      return { value: required.has(expression.name) || lookup(expression.name) !== undefined };
    case 'not':
      return map(evaluateAs(expression.operand, 'boolean', lookup), false, (value) => ({ value: value !== true }));
    case 'negate':
      return map(evaluateAs(expression.operand, 'integer', lookup), 0, (value) => ({ value: -Number(value) | 0 }));
    case 'like':
      return map(evaluateAs(expression.operand, 'string', lookup), false, (value) => ({ value: like(String(value), expression.pattern) }));
    case 'in':
      return map(evaluate(expression.operand, lookup), false, (value) => isIn(value, expression.set, lookup));
    case 'call':
      return call(expression.name, expression.inputs, lookup);
    case 'binary':
      return binary(expression.operator, expression.left, expression.right, lookup);
  }
}

const required = new Set(['id', 'source', 'specversion', 'type']);

/** The type of the value that an expression gives; attributes come as strings, as they do behind every broker's HTTP hops. */
export function staticType(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'literal':
      return typeOf(expression.value);
    case 'attribute':
      return 'string';
    case 'negate':
      return 'integer';
    case 'binary':
      return isMath(expression.operator) ? 'integer' : 'boolean';
    case 'call':
      return builtIn(expression.name, expression.inputs.length)?.output ?? 'boolean';
    default:
      return 'boolean';
  }
}

function map(outcome: Outcome, zero: Value, next: (value: Value) => Outcome): Outcome {
  return outcome.fault === undefined ? next(outcome.value) : { value: zero, fault: outcome.fault };
}

function evaluateAs(expression: Expression, type: ValueType, lookup: Lookup): Outcome {
  return map(evaluate(expression, lookup), zeroOf(type), (value) => cast(value, type));
}

function binary(operator: BinaryOperator, left: Expression, right: Expression, lookup: Lookup): Outcome {
  if (operator === 'AND' || operator === 'OR' || operator === 'XOR') return logic(operator, left, right, lookup);
  const zero = isMath(operator) ? 0 : false;
  return map(evaluate(left, lookup), zero, (first) =>
    map(evaluate(right, lookup), zero, (second) => {
      if (isEquality(operator)) {
        return map(cast(first, typeOf(second)), false, (value) => ({ value: (value === second) === (operator === '=') }));
      }
      return map(cast(first, 'integer'), zero, (x) =>
        map(cast(second, 'integer'), zero, (y) => (isMath(operator) ? calculate(operator, Number(x), Number(y)) : order(operator, x, y))),
      );
    }),
  );
}

function logic(operator: 'AND' | 'OR' | 'XOR', left: Expression, right: Expression, lookup: Lookup): Outcome {
  return map(evaluateAs(left, 'boolean', lookup), false, (first) => {
    if (operator === 'AND' && first === false) return { value: false };
    if (operator === 'OR' && first === true) return { value: true };
    return map(evaluateAs(right, 'boolean', lookup), false, (second) => ({ value: operator === 'XOR' ? first !== second : second }));
  });
}

function isEquality(operator: BinaryOperator): boolean {
  return operator === '=' || operator === '!=' || operator === '<>';
}

function isMath(operator: BinaryOperator): operator is MathOperator {
  return '+-*/%'.includes(operator);
}

function order(operator: BinaryOperator, x: Value, y: Value): Outcome {
  if (operator === '<') return { value: x < y };
  if (operator === '<=') return { value: x <= y };
  return { value: operator === '>' ? x > y : x >= y };
}

/** In 32 bits, which wrap; division truncates. */
function calculate(operator: MathOperator, x: number, y: number): Outcome {
  if (operator === '+') return { value: (x + y) | 0 };
  if (operator === '-') return { value: (x - y) | 0 };
  if (operator === '*') return { value: Math.imul(x, y) };
  if (y === 0) return { value: 0, fault: 'math' };
  return { value: (operator === '/' ? x / y : x % y) | 0 };
}

function isIn(value: Value, set: readonly Expression[], lookup: Lookup): Outcome {
  for (const member of set) {
    const found = map(evaluate(member, lookup), false, (other) => cast(other, typeOf(value)));
    if (found.fault !== undefined) return { value: false, fault: found.fault };
    if (found.value === value) return { value: true };
  }
  return { value: false };
}

function call(name: string, inputs: readonly Expression[], lookup: Lookup): Outcome {
  const found = builtIn(name, inputs.length);
  if (found === undefined) return { value: false, fault: 'missingFunction' };
  const values: Value[] = [];
  for (const [index, input] of inputs.entries()) {
    const type = found.inputs[index] ?? found.rest ?? 'any';
    const outcome = type === 'any' ? evaluate(input, lookup) : evaluateAs(input, type, lookup);
    if (outcome.fault !== undefined) return { value: zeroOf(found.output), fault: outcome.fault };
    values.push(outcome.value);
  }
  return found.run(values);
}
