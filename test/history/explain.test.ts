/** Each query of each page reads by an index, on a history that is large enough for the planner to care. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Database } from '../../shared/history/database.ts';
import { changeLanesSql, changesPerStepSql } from '../../shared/history/queries/change-bars.ts';
import { changeFacetsSql } from '../../shared/history/queries/change-facets.ts';
import { changesSql } from '../../shared/history/queries/changes.ts';
import { readEventSql, spansOfEventSql } from '../../shared/history/queries/event.ts';
import { eventFacetsSql } from '../../shared/history/queries/event-facets.ts';
import { objectUidsSql } from '../../shared/history/queries/event-filter.ts';
import { eventsHistogramSql, hoursHistogramSql } from '../../shared/history/queries/event-histogram.ts';
import { eventsSql } from '../../shared/history/queries/event-rows.ts';
import { failingNowSql } from '../../shared/history/queries/failing-now.ts';
import { gapsSql } from '../../shared/history/queries/gaps.ts';
import { messagesSql } from '../../shared/history/queries/messages.ts';
import { childrenSql, objectByUidSql, objectLivesSql } from '../../shared/history/queries/object.ts';
import { changesOfObjectSql, phasesOfObjectSql } from '../../shared/history/queries/object-changes.ts';
import { latestObjectsSql, objectsWithinSql } from '../../shared/history/queries/objects.ts';
import { everything } from '../../shared/history/queries/scope.ts';
import { beginsSql } from '../../shared/history/queries/status.ts';
import { suggestSql } from '../../shared/history/queries/suggest.ts';
import { linkedTracesSql, spansSql, traceSql } from '../../shared/history/queries/trace.ts';
import { eventsOfTraceSql } from '../../shared/history/queries/trace-events.ts';
import { slowChangesSql, usualPhasesSql } from '../../shared/history/queries/usual.ts';
import { rowOf, text } from '../../shared/history/row.ts';
import { Sql, sql } from '../../shared/history/sql.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { dayMicros, fillHistory, syntheticFrom } from '../helpers/synthetic-history.ts';

let postgres: TestPostgres;
let database: Database;

before(async () => {
  postgres = await startPostgres();
  database = await postgres.database();
  await fillHistory(database, { days: 2, eventsPerDay: 20_000, spansOneIn: 2 });
});
after(() => postgres.stop());

describe('EXPLAIN', () => {
  const wide = { from: syntheticFrom + dayMicros / 2, to: syntheticFrom + dayMicros };
  const ever = { from: 0, to: 4_000_000_000_000_000 };
  const narrow = { from: syntheticFrom + dayMicros / 2, to: syntheticFrom + dayMicros / 2 + 600_000_000 };
  const list = { filter: {}, range: wide, limit: 100 };
  const uid = '00000000-0000-4000-8000-000000000001';
  const traceId = '0'.repeat(31).concat('1');
  const times = { traceId, start: wide.from, end: wide.to };
  const place = { namespaces: ['team-3'], kinds: ['Pod'] };
  const explained: Readonly<Record<string, readonly [Sql, RegExp]>> = {
    changes: [changesSql(everything, list), /traces_end/],
    'changes, failed': [changesSql(everything, { ...list, filter: { outcomes: ['failed'] } }), /traces_failed/],
    'changes of a workload': [
      changesSql(everything, { ...list, filter: { namespaces: ['team-3'], kinds: ['Deployment'], name: 'web-3' } }),
      /traces_workload/,
    ],
    'changes by text': [changesSql(everything, { ...list, range: ever, filter: { search: 'q7z' } }), /traces_text/],
    'change facets': [changeFacetsSql(everything, {}, wide), /traces_end/],
    'change steps': [changesPerStepSql(everything, {}, wide, 60_000), /traces_end/],
    'change lanes': [changeLanesSql(everything, {}, wide, 100), /traces_end/],
    'failing now': [failingNowSql(everything, {}, 0, 10), /objects_failing/],
    'event histogram': [eventsHistogramSql(sql`true`, wide, 60_000), /Index Only Scan.*_at_failed_namespace_kind_idx/],
    'event histogram of hours': [hoursHistogramSql(everything, {}, wide, 3_600_000), /hours_at|hours_pkey/],
    'event facets': [eventFacetsSql(everything, {}, wide), /hours_at|hours_pkey/],
    messages: [messagesSql(sql`true`, narrow), /_idx/],
    events: [eventsSql(sql`true`, list), /_at_/],
    'events, failed': [eventsSql(sql`events.failed`, list), /_at_idx/],
    'events by text': [eventsSql(sql`events.message ilike '%rare word%'`, { ...list, range: ever }), /_message_idx/],
    'events of a place': [eventsSql(sql`events.namespace = 'team-3' and events.kind = 'Pod'`, list), /_namespace_kind_at_/],
    'events of objects': [eventsSql(sql`events.object_uid = any(array[${uid}::uuid])`, list), /_object_uid_at_/],
    'uids of a name': [objectUidsSql(everything, { name: 'web-31' }), /objects_name/],
    'latest objects': [latestObjectsSql(everything, { filter: {}, withDeleted: true, limit: 10 }, wide.from), /objects_last/],
    'latest objects of a place': [
      latestObjectsSql(everything, { filter: place, withDeleted: true, limit: 10 }, wide.from),
      /objects_(place|last|pkey)/,
    ],
    'objects within a range': [objectsWithinSql(sql`true`, wide, 10), /_at_/],
    'lives of a name': [objectLivesSql(everything, { cluster: null, kind: 'Pod', namespace: 'a', name: 'b' }), /objects_/],
    'object by uid': [objectByUidSql(everything, uid), /objects_uid/],
    children: [childrenSql(everything, [uid]), /objects_owner/],
    'changes of an object': [changesOfObjectSql(everything, uid, wide, 10), /traces_root[\s\S]*_object_uid_start_idx/],
    'phases of an object': [phasesOfObjectSql(everything, uid, wide), /_object_uid_start_idx/],
    trace: [traceSql(everything, traceId), /traces_pkey/],
    'spans of a trace': [spansSql(everything, times), /_pkey/],
    'linked traces': [linkedTracesSql(everything, traceId), /trace_links_(pkey|linked)[\s\S]*trace_links_(pkey|linked)/],
    'events of a trace': [eventsOfTraceSql(everything, times, null, 100), /_trace_id_span_id_idx/],
    'usual phases': [usualPhasesSql(sql`select * from history.traces where trace_id = ${uid}::uuid`), /traces_workload[\s\S]*phases_pkey/],
    'slow changes': [slowChangesSql(everything, {}, wide, 10), /traces_end[\s\S]*traces_workload/],
    event: [readEventSql(everything, 'c', uid), /_pkey/],
    'spans of an event': [spansOfEventSql(everything, 'c', uid), /_pkey/],
    suggestions: [suggestSql(everything, { name: 'web-31' }, 10), /objects_name/],
    gaps: [gapsSql(everything, {}, wide, 3_600_000), /_at_/],
    begin: [beginsSql(), /hours_at/],
  };
  const planRow = rowOf({ 'QUERY PLAN': text });

  for (const [name, [query, index]] of Object.entries(explained))
    it(`${name}: by its index`, async () => {
      const plan = await database.transaction(async (transaction) => {
        // A table of so few pages is read whole where it may be.
        await transaction.script('set local enable_seqscan = off');
        const lines = await transaction.rows(planRow, new Sql(['explain ', ''], [query]));
        return lines.map((line) => line['QUERY PLAN']).join('\n');
      });
      assert.match(plan, index);
      assert.doesNotMatch(plan, /Seq Scan on (events|event_spans|spans|traces|objects|hours|phases)/);
    });
});
