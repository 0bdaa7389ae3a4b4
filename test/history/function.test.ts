/** The function `history` over HTTP: what it keeps, what it refuses, and what it answers while PostgreSQL is away. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startHistory } from '../../functions/history/index.ts';
import type { Database } from '../../shared/history/database.ts';
import type { Stoppable } from '../../shared/process/run-function.ts';
import { ConfigError } from '../../shared/process/settings.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { rememberCluster } from '../../shared/store/cluster.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import { defaultBounds } from '../../shared/store/store.ts';
import { eventJson } from '../helpers/event.ts';
import { countOf, type HistoryTable } from '../helpers/history-digest.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { segmentOf, spanOf } from '../helpers/segment.ts';
import { metricOf, surroundingsFor } from '../helpers/surroundings.ts';
import { until } from '../helpers/until.ts';

const add = 'dev.knative.apiserver.resource.add';
let postgres: TestPostgres;
let database: Database;
const running: Stoppable[] = [];

before(async () => {
  postgres = await startPostgres();
  database = await postgres.database();
});
after(async () => {
  for (const one of running) await one.close(5_000);
  await postgres.stop();
});

async function start(environment: Readonly<Record<string, string>> = {}, given = {}) {
  const surroundings = surroundingsFor({
    DATABASE_URL: postgres.urlOf(database),
    KNSPAN_CLUSTER: 'c1',
    KNSPAN_RETENTION: '0',
    ...environment,
  });
  const history = await startHistory(surroundings, given);
  running.push(history);
  return { ...surroundings, url: history.url, close: (graceMs: number) => history.close(graceMs) };
}

function cloudEvent(type: string, data: unknown, more: Readonly<Record<string, string>> = {}) {
  return { specversion: '1.0', id: '1', source: '/s', type, datacontenttype: 'application/json', data, ...more };
}

function eventOf(uid: string, more: Readonly<Record<string, unknown>> = {}) {
  return cloudEvent(add, eventJson({ metadata: { uid }, ...more }), { kind: 'Event' });
}

const structured = { 'content-type': 'application/cloudevents+json' };

function post(url: string, event: unknown): Promise<Response> {
  return fetch(url, { method: 'POST', headers: structured, body: typeof event === 'string' ? event : JSON.stringify(event) });
}

const rows = (table: HistoryTable) => countOf(database, table);

describe('history', () => {
  it('has committed an Event, an object version and a segment when it acknowledges them', async () => {
    const history = await start();
    const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'web-1', namespace: 'shop', uid: 'u1', resourceVersion: '5' } };
    const [segment = ''] = toSegmentEvents(segmentOf([spanOf()], { cluster: 'c1' }), { source: '/s' }).map(({ body }) => body);
    const events = [eventOf('00000000-0000-4000-8000-000000000001'), cloudEvent(add, pod, { kind: 'Pod' }), segment];
    for (const event of events) assert.equal((await post(history.url, event)).status, 202);
    assert.deepEqual([await rows('events'), await rows('objects'), await rows('spans'), await rows('traces')], [1, 2, 1, 1]);
    for (const event of events) assert.equal((await post(history.url, event)).status, 202);
    assert.deepEqual([await rows('events'), await rows('spans')], [1, 1]);
    const metrics = await history.metrics.text();
    assert.equal(metricOf(metrics, 'knspan_history_items_total{kind="event",outcome="repeated"}'), 1);
    assert.equal(metricOf(metrics, 'knspan_history_items_total{kind="segment",outcome="written"}'), 1);
  });

  it('ignores the expiry of Events, and refuses for good what it cannot keep', async () => {
    const { url } = await start();
    const before = await rows('events');
    const [segment = ''] = toSegmentEvents(segmentOf([spanOf()]), { source: '/s' }).map(({ body }) => body);
    const expired = cloudEvent('dev.knative.apiserver.resource.delete', eventJson(), { kind: 'Event' });
    assert.equal((await post(url, expired)).status, 202);
    for (const [event, said] of [
      [cloudEvent(add, { kind: 'Event', metadata: 3 }, { kind: 'Event' }), null],
      [cloudEvent('dev.knspan.trace.segment', {}), /^Cannot read segment: /],
      [
        segment.replace('"dev.knspan.trace.segment"', '"dev.knspan.trace.segment.flipped"'),
        /its type is 'dev.knspan.trace.segment.flipped'/,
      ],
      [cloudEvent('dev.example.other', {}), /its type is 'dev.example.other'/],
    ] as const) {
      const answer = await post(url, event);
      if (said) assert.deepEqual([answer.status, said.test(await answer.text())], [400, true]);
    }
    assert.ok((await rows('events')) - before <= 1);
  });

  it('answers 503 and Retry-After while the cluster is not known, then takes the Event', async () => {
    const store = new MemoryStore(() => Date.now(), defaultBounds);
    const { url } = await start({ KNSPAN_CLUSTER: '' }, { store });
    const event = eventOf('00000000-0000-4000-8000-000000000002');
    const away = await post(url, event);
    assert.deepEqual([away.status, away.headers.get('retry-after')], [503, '2']);
    assert.match(await away.text(), /the name of the cluster is not known/);
    await rememberCluster(store, 'learnt');
    assert.equal((await post(url, event)).status, 202);
  });

  it('answers 503 while PostgreSQL is away, be it from the start, and 202 once it is back', async () => {
    const { url } = await start({ DATABASE_URL: 'postgres://127.0.0.1:1/none' });
    const away = await post(url, eventOf('00000000-0000-4000-8000-000000000003'));
    assert.deepEqual([away.status, away.headers.get('retry-after')], [503, '2']);
    const { url: healthy } = await start();
    await until('it answers', async () => (await post(healthy, eventOf('00000000-0000-4000-8000-000000000003'))).status === 202);
  });

  it('drops days beyond the retention, and does not keep what is older', async () => {
    database = await postgres.database();
    const keeps = await start({ KNSPAN_RETENTION: '0' });
    assert.equal((await post(keeps.url, eventOf('00000000-0000-4000-8000-000000000004'))).status, 202);
    assert.equal(await rows('events'), 1);
    const drops = await start({ KNSPAN_RETENTION: '1d' });
    await until('its day is dropped', async () => (await rows('events')) + (await rows('hours')) === 0);
    assert.equal((await post(drops.url, eventOf('00000000-0000-4000-8000-000000000005'))).status, 202);
    assert.deepEqual([await rows('events'), await rows('hours')], [0, 0]);
    const expired = 'knspan_history_items_total{kind="event",outcome="expired"}';
    assert.equal(metricOf(await drops.metrics.text(), expired), 1);
  });

  it('refuses to start without an address of PostgreSQL or the name of the cluster', async () => {
    const fault = await startHistory(surroundingsFor({ DATABASE_URL: 'mysql://x' })).then(
      () => null,
      (error: unknown) => error,
    );
    assert.ok(fault instanceof ConfigError);
    assert.match(fault.message, /DATABASE_URL is not readable, wanted a URL such as postgres:/);
    assert.match(fault.message, /KNSPAN_CLUSTER is not set/);
  });
});
