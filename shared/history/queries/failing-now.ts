/** Objects whose last Event is a failure, a short while ago: what goes wrong before a change has settled and is told as one. */
import type { Micros } from '../../events/observation.ts';
import type { Database } from '../database.ts';
import { flag, int, type RowOf, rowOf, text, time } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { at, type Filter, nameIs, placeIs } from './filter.ts';
import type { Scope } from './scope.ts';

const failingRow = rowOf({
  cluster: text,
  kind: text,
  namespace: text,
  name: text,
  uid: text,
  at: time,
  reason: text,
  message: text,
  /** The number of the occurrence. */
  n: int,
  /** Whether a trace tells of it already. */
  told: flag,
});
export type Failing = RowOf<typeof failingRow>;

export function failingNow(database: Database, scope: Scope, filter: Filter, since: Micros, limit: number): Promise<Failing[]> {
  return database.rows(failingRow, failingNowSql(scope, filter, since, limit));
}

export function failingNowSql(scope: Scope, filter: Filter, since: Micros, limit: number): Sql {
  const objects = sql`objects`;
  return sql`
    select
      clusters.name as cluster, objects.kind, objects.namespace, objects.name, objects.uid, objects.last_at as at,
      objects.last_reason as reason, objects.last_message as message, objects.last_n as n,
      exists (
        select from history.event_spans as told
        where told.event_uid = objects.last_id and told.n in (objects.last_n, 0) and told.cluster = objects.cluster
          and told.at >= ${at(since)} - interval '1 day'
      ) as told
    from history.objects as objects join history.clusters as clusters on clusters.id = objects.cluster
    where objects.last_failed and objects.last_at >= ${at(since)} and objects.deleted_at is null
      and ${placeIs(filter, scope, objects)} and ${nameIs(filter, objects)}
    order by objects.last_at desc, objects.uid
    limit ${limit}`;
}
