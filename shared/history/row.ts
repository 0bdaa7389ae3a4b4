/**
 * Rows of a query, parsed column by column into a type that only the parser makes. A column that has another form than the query promises
 * is a bug and throws.
 *
 *     const row = rowOf({ name: text, at: time, failed: flag });
 *     type Row = RowOf<typeof row>;
 */
import { isJson, type Json } from '../events/json.ts';
import type { Micros } from '../events/observation.ts';
import { parseTime } from './time.ts';

export type Column<T> = (value: unknown) => T | undefined;
export type RowParser<R> = (row: unknown) => R;
export type RowOf<P> = P extends RowParser<infer R> ? R : never;

/** Reads each column by its parser; `undefined` from one means that it is not of that form. */
export function rowOf<C extends Readonly<Record<string, Column<unknown>>>>(
  columns: C,
): RowParser<{ readonly [K in keyof C]: Exclude<ReturnType<C[K]>, undefined> }>;
export function rowOf(columns: Readonly<Record<string, Column<unknown>>>): RowParser<Readonly<Record<string, unknown>>> {
  const all = Object.entries(columns);
  return (row) => {
    const values = isJson(row) ? row : {};
    return Object.fromEntries(
      all.map(([name, parse]) => {
        const value = parse(values[name]);
        if (value === undefined) throw new TypeError(`Cannot read row: column '${name}' is ${typeof values[name]}, wanted another type`);
        return [name, value];
      }),
    );
  };
}

export const text: Column<string> = (value) => (typeof value === 'string' ? value : undefined);

export const flag: Column<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);

/** Of any integer type. */
export const int: Column<number> = (value) => {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
};

export const real: Column<number> = (value) => {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
};

export const time: Column<Micros> = (value) => (typeof value === 'string' ? (parseTime(value) ?? undefined) : undefined);

export const json: Column<Json> = (value) => (isJson(value) ? value : undefined);

export const list: Column<readonly unknown[]> = (value) => (Array.isArray(value) ? value : undefined);

export const texts: Column<readonly string[]> = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;

/** 16 hex digits of a bigint. */
export const spanId: Column<string> = (value) =>
  typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0') : undefined;

/** 32 hex digits of a uuid. */
export const traceId: Column<string> = (value) => (typeof value === 'string' ? value.replaceAll('-', '') : undefined);

export function optional<T>(column: Column<T>): Column<T | null> {
  return (value) => (value === null ? null : column(value));
}
