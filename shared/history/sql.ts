/**
 * SQL as a tagged template: values become parameters, other templates become a part of the text. Nothing else gets into a statement.
 *
 *     const mine = sql`namespace = any(${names})`;
 *     sql`select name from history.objects where ${mine} limit ${10}`
 */
export type SqlValue = string | number | boolean | null | readonly string[] | readonly number[];

export class Sql {
  readonly strings: readonly string[];
  readonly parts: readonly (SqlValue | Sql)[];

  constructor(strings: readonly string[], parts: readonly (SqlValue | Sql)[]) {
    this.strings = strings;
    this.parts = parts;
  }
}

/** A text with `$1`, `$2`, ... and their values, as PostgreSQL takes it. */
export interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export function sql(strings: TemplateStringsArray, ...parts: readonly (SqlValue | Sql)[]): Sql {
  return new Sql(strings, parts);
}

export const nothing: Sql = sql``;

/** Conditions that must all hold; true where there are none. */
export function allOf(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql`true` : joined(conditions, ' and ');
}

function joined(items: readonly Sql[], between: string): Sql {
  return new Sql(['', ...items.slice(1).map(() => between), ''], items);
}

export function toStatement(template: Sql): Statement {
  const values: SqlValue[] = [];
  const textOf = ({ strings, parts }: Sql): string =>
    strings.reduce((text, string, place) => {
      const part = parts[place - 1];
      return `${text}${part instanceof Sql ? textOf(part) : `$${values.push(part ?? null)}`}${string}`;
    });
  return { text: textOf(template), values };
}
