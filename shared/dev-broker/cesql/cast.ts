/** Casting between the three types of CESQL. */
import { type Outcome, typeOf, type Value, type ValueType } from './syntax.ts';

export function cast(value: Value, type: ValueType): Outcome {
  if (typeOf(value) === type) return { value };
  if (type === 'string') return { value: String(value) };
  return type === 'integer' ? toInteger(value) : toBoolean(value);
}

function toInteger(value: Value): Outcome {
  if (typeof value === 'boolean') return { value: value ? 1 : 0 };
  const text = String(value);
  if (!/^[+-]?[0-9]+$/.test(text)) return { value: 0, fault: 'cast' };
  const number = Number(text);
  if (number > 2_147_483_647) return { value: 2_147_483_647, fault: 'cast' };
  if (number < -2_147_483_648) return { value: -2_147_483_648, fault: 'cast' };
  return { value: number | 0 };
}

function toBoolean(value: Value): Outcome {
  if (typeof value === 'number') return { value: value !== 0 };
  const text = String(value).toLowerCase();
  return text === 'true' || text === 'false' ? { value: text === 'true' } : { value: false, fault: 'cast' };
}
