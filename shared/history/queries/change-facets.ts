/** How many changes of a range there are by cluster, namespace, kind, change, outcome and actor. */
import type { Database } from '../database.ts';
import { int, type RowOf, rowOf, text } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { type ChangeFilter, changesMatch } from './changes.ts';
import type { Range } from './filter.ts';
import type { Scope } from './scope.ts';

const facetRow = rowOf({
  /** cluster, namespace, kind, change, outcome or actor. */
  facet: text,
  value: text,
  count: int,
  /** Of those, failed or failing. */
  failed: int,
});
export type ChangeFacet = RowOf<typeof facetRow>;

/** Too many changes take longer than anyone waits for a count: then it rejects with code 57014. */
const timeoutMs = 1_000;

export function changeFacets(database: Database, scope: Scope, filter: ChangeFilter, range: Range): Promise<ChangeFacet[]> {
  return database.rows(facetRow, changeFacetsSql(scope, filter, range), { timeoutMs });
}

export function changeFacetsSql(scope: Scope, filter: ChangeFilter, range: Range): Sql {
  return sql`
    select
      case
        when grouping(traces.cluster) = 0 then 'cluster' when grouping(namespace) = 0 then 'namespace' when grouping(kind) = 0 then 'kind'
        when grouping(change) = 0 then 'change' when grouping(outcome) = 0 then 'outcome' else 'actor'
      end as facet,
      case when grouping(traces.cluster) = 0 then (select name from history.clusters where id = traces.cluster)
        else coalesce(namespace, kind, change, outcome, actor, '') end as value,
      count(*) as count, count(*) filter (where outcome_is_bad) as failed
    from (
      select cluster, namespace, kind, change, outcome, actor, outcome in ('failed', 'failing') as outcome_is_bad
      from history.traces as traces where ${changesMatch(scope, filter, range)}
    ) as traces
    group by grouping sets ((traces.cluster), (namespace), (kind), (change), (outcome), (actor))
    order by facet, count desc, value`;
}
