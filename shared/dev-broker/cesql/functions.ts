/** The built-in functions of CESQL. Lengths and positions count bytes of UTF-8, as Knative's brokers count them. */
import { cast } from './cast.ts';
import type { Outcome, Value, ValueType } from './syntax.ts';

export interface BuiltIn {
  readonly inputs: readonly (ValueType | 'any')[];
  /** Any number of further inputs, of this type. */
  readonly rest?: ValueType;
  readonly output: ValueType;
  run(inputs: readonly Value[]): Outcome;
}

const table: ReadonlyMap<string, readonly BuiltIn[]> = new Map<string, BuiltIn[]>([
  ['INT', [{ inputs: ['any'], output: 'integer', run: ([value]) => cast(value ?? 0, 'integer') }]],
  ['BOOL', [{ inputs: ['any'], output: 'boolean', run: ([value]) => cast(value ?? false, 'boolean') }]],
  ['STRING', [{ inputs: ['any'], output: 'string', run: ([value]) => cast(value ?? '', 'string') }]],
  ['IS_INT', [{ inputs: ['any'], output: 'boolean', run: ([value]) => canCast(value, 'integer') }]],
  ['IS_BOOL', [{ inputs: ['any'], output: 'boolean', run: ([value]) => canCast(value, 'boolean') }]],
  ['ABS', [{ inputs: ['integer'], output: 'integer', run: ([value]) => absolute(Number(value)) }]],
  ['LENGTH', [{ inputs: ['string'], output: 'integer', run: ([text]) => ({ value: bytes(text).length }) }]],
  ['CONCAT', [{ inputs: [], rest: 'string', output: 'string', run: (texts) => ({ value: texts.join('') }) }]],
  ['CONCAT_WS', [{ inputs: ['string'], rest: 'string', output: 'string', run: ([by, ...texts]) => ({ value: texts.join(String(by)) }) }]],
  ['LOWER', [{ inputs: ['string'], output: 'string', run: ([text]) => ({ value: String(text).toLowerCase() }) }]],
  ['UPPER', [{ inputs: ['string'], output: 'string', run: ([text]) => ({ value: String(text).toUpperCase() }) }]],
  ['TRIM', [{ inputs: ['string'], output: 'string', run: ([text]) => ({ value: String(text).trim() }) }]],
  ['LEFT', [{ inputs: ['string', 'integer'], output: 'string', run: ([text, most]) => left(bytes(text), Number(most)) }]],
  ['RIGHT', [{ inputs: ['string', 'integer'], output: 'string', run: ([text, most]) => right(bytes(text), Number(most)) }]],
  [
    'SUBSTRING',
    [
      { inputs: ['string', 'integer'], output: 'string', run: ([text, from]) => substring(bytes(text), Number(from)) },
      {
        inputs: ['string', 'integer', 'integer'],
        output: 'string',
        run: ([text, from, length]) => substring(bytes(text), Number(from), Number(length)),
      },
    ],
  ],
]);

/** The function of this name that takes so many inputs. */
export function builtIn(name: string, count: number): BuiltIn | undefined {
  return table.get(name)?.find(({ inputs, rest }) => inputs.length === count || (rest !== undefined && inputs.length <= count));
}

function canCast(value: Value | undefined, type: ValueType): Outcome {
  return { value: cast(value ?? false, type).fault === undefined };
}

function absolute(value: number): Outcome {
  return value === -2_147_483_648 ? { value: 2_147_483_647, fault: 'math' } : { value: Math.abs(value) };
}

function bytes(value: Value | undefined): Buffer {
  return Buffer.from(String(value));
}

function left(text: Buffer, most: number): Outcome {
  if (most < 0) return { value: text.toString(), fault: 'functionEvaluation' };
  return { value: text.subarray(0, most).toString() };
}

function right(text: Buffer, most: number): Outcome {
  if (most < 0) return { value: text.toString(), fault: 'functionEvaluation' };
  return { value: text.subarray(Math.max(0, text.length - most)).toString() };
}

/** Positions count from 1, from the end when negative. */
function substring(text: Buffer, from: number, length = text.length): Outcome {
  if (from === 0) return { value: '' };
  if (Math.abs(from) > text.length || length < 0) return { value: '', fault: 'functionEvaluation' };
  const start = from < 0 ? text.length + from : from - 1;
  return { value: text.subarray(start, start + length).toString() };
}
