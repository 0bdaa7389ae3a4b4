/**
 * What a reader may see: everything, or the objects of some namespaces. Every query takes it as an argument and applies it to each table
 * that it reads; a page never filters by itself. Objects without a namespace (nodes, volumes) are seen by those who see everything.
 */
import { type Sql, sql } from '../sql.ts';

export type Scope = { readonly kind: 'everything' } | { readonly kind: 'namespaces'; readonly names: readonly string[] };

export const everything: Scope = { kind: 'everything' };

/** `table`: its name or alias in the statement; it has a column `namespace`. */
export function visible(scope: Scope, table: Sql): Sql {
  return scope.kind === 'everything' ? sql`true` : sql`${table}.namespace = any(${scope.names}::text[])`;
}

export function canSee(scope: Scope, namespace: string): boolean {
  return scope.kind === 'everything' || scope.names.includes(namespace);
}
