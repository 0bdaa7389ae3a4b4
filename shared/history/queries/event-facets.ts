/** How many Events there were by cluster, namespace and kind, failed ones apart, from the hourly counts. */
import type { Database } from '../database.ts';
import { int, type RowOf, rowOf, text } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { at, type Filter, placeIs, type Range } from './filter.ts';
import type { Scope } from './scope.ts';

const facetRow = rowOf({
  /** cluster, namespace or kind. */
  facet: text,
  value: text,
  ok: int,
  failed: int,
});
export type EventFacet = RowOf<typeof facetRow>;

/** Of all hours that the range touches; name and free text do not count. */
export function eventFacets(database: Database, scope: Scope, filter: Filter, range: Range): Promise<EventFacet[]> {
  return database.rows(facetRow, eventFacetsSql(scope, filter, range));
}

export function eventFacetsSql(scope: Scope, filter: Filter, { from, to }: Range): Sql {
  return sql`
    select
      case when grouping(hours.cluster) = 0 then 'cluster' when grouping(namespace) = 0 then 'namespace' else 'kind' end as facet,
      case when grouping(hours.cluster) = 0 then (select name from history.clusters where id = hours.cluster)
        else coalesce(namespace, kind) end as value,
      sum(ok) as ok, sum(failed) as failed
    from history.hours as hours
    where hours.at >= date_bin('1 hour', ${at(from)}, 'epoch') and hours.at < ${at(to)} and ${placeIs(filter, scope, sql`hours`)}
    group by grouping sets ((hours.cluster), (namespace), (kind))
    order by facet, sum(ok) + sum(failed) desc, value`;
}
