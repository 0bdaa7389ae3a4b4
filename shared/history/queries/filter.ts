/** What pages filter by, as conditions on a table with the columns cluster, namespace, kind and name. */
import type { Micros } from '../../events/observation.ts';
import { allOf, type Sql, sql } from '../sql.ts';
import { timeText } from '../time.ts';
import { type Scope, visible } from './scope.ts';

/** From the first moment to just before the second. */
export interface Range {
  readonly from: Micros;
  readonly to: Micros;
}

/** An absent field does not filter; a list matches any of its items. */
export interface Filter {
  /** Names of clusters. */
  readonly clusters?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly kinds?: readonly string[];
  /** The beginning of a name; with `*` for any text, the whole of it. */
  readonly name?: string;
  /** Free text. */
  readonly search?: string;
}

export function at(time: Micros): Sql {
  return sql`${timeText(time)}::timestamptz`;
}

/** Cluster, namespace and kind, within the scope. */
export function placeIs({ clusters, namespaces, kinds }: Filter, scope: Scope, table: Sql): Sql {
  return allOf([
    visible(scope, table),
    ...(namespaces ? [sql`${table}.namespace = any(${namespaces}::text[])`] : []),
    ...(kinds ? [sql`${table}.kind = any(${kinds}::text[])`] : []),
    ...(clusters
      ? [sql`${table}.cluster = any(array(select id from history.clusters where clusters.name = any(${clusters}::text[])))`]
      : []),
  ]);
}

export function nameIs({ name }: Filter, table: Sql): Sql {
  return name === undefined ? sql`true` : sql`${table}.name like ${namePattern(name)}`;
}

/** For `like`. */
export function namePattern(name: string): string {
  return name.includes('*') ? escaped(name).replaceAll('*', '%') : `${escaped(name)}%`;
}

export function contains(text: string): string {
  return `%${escaped(text)}%`;
}

function escaped(text: string): string {
  return text.replaceAll('\u0000', '').replaceAll(/[\\%_]/g, (character) => `\\${character}`);
}
