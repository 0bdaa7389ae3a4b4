/**
 * The queries of the pages on a history of real recordings: what they find, and that none shows a reader more than the
 * scope allows.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parseEvent } from '../../shared/events/parse-event.ts';
import type { Database } from '../../shared/history/database.ts';
import { changeLanes, changesPerStep } from '../../shared/history/queries/change-bars.ts';
import { changeFacets } from '../../shared/history/queries/change-facets.ts';
import { type Change, listChanges } from '../../shared/history/queries/changes.ts';
import { asKubernetesEvent, readEvent, spansOfEvent } from '../../shared/history/queries/event.ts';
import { eventFacets } from '../../shared/history/queries/event-facets.ts';
import { eventFilter } from '../../shared/history/queries/event-filter.ts';
import { eventHistogram } from '../../shared/history/queries/event-histogram.ts';
import { eventsOfObjects, listEvents } from '../../shared/history/queries/event-rows.ts';
import { failingNow } from '../../shared/history/queries/failing-now.ts';
import { historyGaps } from '../../shared/history/queries/gaps.ts';
import { messageShapes, shapeOf } from '../../shared/history/queries/messages.ts';
import { childrenOf, type HistoryObject, objectLives, ownersOf } from '../../shared/history/queries/object.ts';
import { changesOfObject, phasesOfObject } from '../../shared/history/queries/object-changes.ts';
import { latestObjects, objectsWithin } from '../../shared/history/queries/objects.ts';
import { everything, type Scope } from '../../shared/history/queries/scope.ts';
import { clusterNames, historyBegins, historyStatus } from '../../shared/history/queries/status.ts';
import { suggestObjects } from '../../shared/history/queries/suggest.ts';
import { readTrace } from '../../shared/history/queries/trace.ts';
import { eventsOfTrace } from '../../shared/history/queries/trace-events.ts';
import { slowChanges, usualPhases } from '../../shared/history/queries/usual.ts';
import { type HistoryItem, HistoryWriter } from '../../shared/history/writer.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { eventItem, itemsOf, recordings, segmentItems, testCluster, writeAll } from '../helpers/history-input.ts';
import { observation } from '../helpers/observation.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { rolloutEvents } from '../helpers/rollout.ts';
import { pipelineOver } from '../helpers/trace.ts';

const hour = 3_600_000_000;
let postgres: TestPostgres;
let database: Database;
let items: HistoryItem[];
let range: { from: number; to: number };
let rollout: Change;
let pod: HistoryObject;
let event: { readonly uid: string; readonly n: number };

before(async () => {
  postgres = await startPostgres();
  database = await postgres.database();
  const chosen = recordings().filter((folder) =>
    /captures\/(deployment-rollout|crashloop|job-and-cronjob)$|scenarios\/(drain|many-rollouts)$/.test(folder),
  );
  items = (await Promise.all(chosen.map(itemsOf))).flat();
  await writeAll(new HistoryWriter({ database, keepSince: () => null, waitingMax: 100_000 }), items);
  const times = items.flatMap((item) => (item.kind === 'event' ? [item.observation.last.at] : []));
  range = { from: Math.floor(Math.min(...times) / hour) * hour, to: (Math.floor(Math.max(...times) / hour) + 2) * hour };
  const [change] = await listChanges(database, everything, { filter: { namespaces: ['checkout'], changes: ['rollout'] }, range, limit: 1 });
  assert.ok(change);
  rollout = change;
  const [found] = await latestObjects(
    database,
    everything,
    { filter: { kinds: ['Pod'], namespaces: ['checkout'] }, withDeleted: true, limit: 1 },
    0,
  );
  const [life] = await objectLives(database, everything, { cluster: null, kind: 'Pod', namespace: 'checkout', name: found?.name ?? '' });
  assert.ok(life);
  pod = life;
  const [first] = await eventsOfObjects(database, everything, [pod.uid], { range, limit: 1 });
  assert.ok(first);
  event = first;
});
after(() => postgres.stop());

/** Each query of each page, as pages call them. */
function queries(scope: Scope): Readonly<Record<string, () => Promise<readonly unknown[]>>> {
  const list = { filter: {}, range, limit: 1_000 };
  return {
    changes: () => listChanges(database, scope, list),
    'changes by outcome and text': () => listChanges(database, scope, { ...list, filter: { outcomes: ['ok', 'failed'], search: 'CART' } }),
    'change facets': async () => (await changeFacets(database, scope, {}, range)).filter(({ facet }) => facet === 'namespace'),
    'change steps': () => changesPerStep(database, scope, {}, range, 60_000),
    'change lanes': () => changeLanes(database, scope, {}, range, 1_000),
    'failing now': () => failingNow(database, scope, {}, 0, 100),
    'event histogram, hours': async () => (await eventHistogram(database, scope, {}, range, 3_600_000)).buckets,
    'event histogram, rows': async () => (await eventHistogram(database, scope, { search: 'container' }, range, 60_000)).buckets,
    'event facets': async () => (await eventFacets(database, scope, {}, range)).filter(({ facet }) => facet === 'namespace'),
    messages: () => messageShapes(database, scope, {}, range, 100),
    events: async () => (await listEvents(database, scope, { ...list, failedOnly: true })).events,
    'events by text': async () => (await listEvents(database, scope, { ...list, filter: { search: 'Created container' } })).events,
    'events by name': async () => (await listEvents(database, scope, { ...list, filter: { name: 'cart*' } })).events,
    'events of an object': () => eventsOfObjects(database, scope, [pod.uid], list),
    'latest objects': () => latestObjects(database, scope, { filter: {}, withDeleted: true, limit: 1_000 }, 0),
    'objects within a range': () => objectsWithin(database, scope, {}, range, 1_000),
    'lives of a name': () => objectLives(database, scope, { cluster: testCluster, kind: 'Pod', namespace: 'checkout', name: pod.name }),
    owners: () => ownersOf(database, scope, pod),
    children: async () => {
      const [owner] = await ownersOf(database, everything, pod);
      return owner ? childrenOf(database, scope, owner) : [];
    },
    'changes of an object': () => changesOfObject(database, scope, pod.uid, range, 100),
    'phases of an object': () => phasesOfObject(database, scope, pod.uid, range),
    trace: async () => (await readTrace(database, scope, rollout.traceId))?.spans ?? [],
    'events of a trace': () => eventsOfTrace(database, scope, rollout, null, 1_000),
    'usual phases': () => usualPhases(database, scope, [rollout.traceId]),
    event: () => readEvent(database, scope, testCluster, event.uid),
    'spans of an event': () => spansOfEvent(database, scope, testCluster, event.uid),
    suggestions: () => suggestObjects(database, scope, { name: 'c' }, 100),
  };
}

describe('queries of the pages', () => {
  for (const name of Object.keys(queries(everything))) {
    it(`${name}: found by who sees the namespace, and by nobody else`, async () => {
      const all = await queries(everything)[name]?.();
      assert.ok(all && all.length > 0, 'found with every namespace');
      const own = await queries({ kind: 'namespaces', names: ['checkout'] })[name]?.();
      assert.ok(own && own.length > 0, 'found with its namespace');
      const namespaces = [...JSON.stringify(own).matchAll(/"namespace":"([^"]*)"/g)].map(([, namespace]) => namespace);
      assert.deepEqual(
        [...new Set(namespaces)].filter((namespace) => namespace !== 'checkout'),
        [],
      );
      for (const names of [[], ['other']]) assert.deepEqual(await queries({ kind: 'namespaces', names })[name]?.(), []);
    });
  }

  it('page by cursors through all changes and Events, each once', async () => {
    const seen: string[] = [];
    for (let before: Change | undefined, more = true; more; ) {
      const page = await listChanges(database, everything, { filter: {}, range, limit: 7, ...(before ? { before } : {}) });
      seen.push(...page.map(({ traceId }) => traceId));
      before = page.at(-1);
      more = page.length === 7;
    }
    const traces = new Set(items.flatMap((item) => (item.kind === 'segment' ? [item.segment.traceId] : [])));
    assert.deepEqual(seen.toSorted(), [...traces].toSorted());
    const ids: string[] = [];
    for (let cursor: { at: number; uid: string; n: number } | undefined, more = true; more; ) {
      const query = { filter: {}, range, limit: 50, ...(cursor ? { before: cursor } : {}) };
      const { events } = await listEvents(database, everything, query);
      ids.push(...events.map(({ uid, n }) => `${uid}#${n}`));
      cursor = events.at(-1);
      more = events.length === 50;
    }
    const sent = new Set(items.flatMap((item) => (item.kind === 'event' ? [`${item.observation.uid}#${item.observation.n}`] : [])));
    assert.deepEqual(ids.toSorted(), [...sent].toSorted());
  });

  it('count the same by hours, by minutes and by facets', async () => {
    const sum = (rows: readonly { ok: number; failed: number }[]) => rows.reduce((all, { ok, failed }) => all + ok + failed, 0);
    const hours = await eventHistogram(database, everything, {}, range, 3_600_000);
    const minutes = await eventHistogram(database, everything, {}, range, 60_000);
    const facets = await eventFacets(database, everything, {}, range);
    const kinds = facets.filter(({ facet }) => facet === 'kind');
    assert.deepEqual([sum(minutes.buckets), sum(kinds)], [sum(hours.buckets), sum(hours.buckets)]);
    assert.ok(hours.buckets.some(({ failed }) => failed > 0));
  });

  it('tell of nearly every Event which span tells of it, and of a span its Events', async () => {
    const { events } = await listEvents(database, everything, { filter: {}, range, limit: 10_000 });
    const told = events.filter(({ traceId }) => traceId !== null);
    assert.ok(told.length > events.length * 0.95, `${told.length} of ${events.length}`);
    const [one] = told;
    assert.ok(one?.traceId && one.spanId);
    const trace = await readTrace(database, everything, one.traceId);
    assert.ok(trace);
    const rows = await eventsOfTrace(database, everything, trace.trace, [one.spanId], 100);
    assert.ok(rows.some(({ uid, n }) => uid === one.uid && n === one.n));
  });

  it('find the span of every Event of a rollout that was folded', async () => {
    const other = await postgres.database();
    const pipeline = pipelineOver(new ObjectIndex(), 100, testCluster);
    const uid = (number: number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
    const events = [...rolloutEvents({ name: 'web', pods: 300, uid: 'd', at: range.from })].map((one, index) => {
      const parsed = parseEvent(one);
      assert.ok(parsed.ok);
      return { ...parsed.value, uid: uid(index) };
    });
    for (const one of events) pipeline.push(one);
    const written = [...events.map(eventItem), ...pipeline.finish().flatMap((segment) => segmentItems(segment, 256 * 1024))];
    await writeAll(new HistoryWriter({ database: other, keepSince: () => null, waitingMax: 100_000 }), written);
    const list = await listEvents(other, everything, { filter: {}, range, limit: 10_000 });
    assert.equal(list.events.length, events.length);
    assert.equal(list.events.filter(({ traceId }) => traceId === null).length, 0);
  });

  it('write an Event again as the parser has read it', async () => {
    for (const item of items.filter((one) => one.kind === 'event').slice(0, 100)) {
      if (item.kind !== 'event') continue;
      const { observation: sent } = item;
      const found = (await readEvent(database, everything, testCluster, sent.uid)).find(({ n }) => n === sent.n);
      const again = parseEvent(found && asKubernetesEvent(found));
      assert.ok(again.ok);
      const {
        uid,
        name,
        n,
        reason,
        message,
        involved,
        involvedVersion,
        fieldPath,
        container,
        type,
        reporter,
        instance,
        merged,
        namespace,
      } = sent;
      const read = again.value;
      assert.deepEqual(
        [read.uid, read.name, read.n, read.reason, read.message, read.involved, read.involvedVersion, read.fieldPath, read.container],
        [uid, name, n, reason, message, involved, involvedVersion, fieldPath, container],
      );
      assert.deepEqual(
        [read.type, read.reporter, read.instance, read.merged, read.namespace],
        [type, reporter, instance, merged, namespace],
      );
      assert.deepEqual([read.last.at, read.first.at], [sent.last.at, sent.first.at]);
    }
  });

  it('hold a change against those before it', async () => {
    const changes = await listChanges(database, everything, { filter: { changes: ['rollout'] }, range, limit: 1_000 });
    const phases = await usualPhases(
      database,
      everything,
      changes.map(({ traceId }) => traceId),
    );
    const totals = phases.filter(({ phase }) => phase === 'total');
    assert.equal(totals.length, changes.length);
    assert.ok(totals.some(({ samples, p50Ms, p95Ms }) => samples > 1 && p50Ms !== null && p95Ms !== null && p95Ms >= p50Ms));
    for (const slow of await slowChanges(database, everything, {}, range, 10)) assert.ok(slow.tookMs > slow.p95Ms && slow.times > 1);
  });

  it('know what a jump of the count has left out, and which objects are gone', async () => {
    const other = await postgres.database();
    const writer = new HistoryWriter({ database: other, keepSince: () => null });
    const at = observation().last.at;
    const repeat = (n: number) =>
      eventItem(observation({ n, last: { at: at + n * 1_000_000, uncertainty: 0 }, involved: { kind: 'Pod', uid: 'p' } }));
    await writeAll(writer, [repeat(1), repeat(2), repeat(7), repeat(12)]);
    const gaps = await historyGaps(other, everything, {}, { from: at - hour, to: at + hour }, 3_600_000);
    assert.deepEqual(
      gaps.map(({ missed, since, until }) => [missed, since - at, until - at]),
      [[8, 2_000_000, 12_000_000]],
    );
    assert.equal(await historyBegins(other), Math.floor(at / hour) * hour);
    assert.deepEqual(await clusterNames(other), [testCluster]);
    const status = await historyStatus(other);
    await writeAll(writer, [repeat(13)]);
    assert.ok((await historyStatus(other)).batches > status.batches);
    const gone = await latestObjects(database, everything, { filter: { kinds: ['Pod'] }, withDeleted: true, limit: 1_000 }, 0);
    const here = await latestObjects(database, everything, { filter: { kinds: ['Pod'] }, withDeleted: false, limit: 1_000 }, 0);
    assert.ok(gone.length > here.length && gone.some(({ isProbablyGone }) => isProbablyGone));
  });

  it('take a name for a name, and a sentence or quoted text for a message', async () => {
    const searched = async (search: string) => (await eventFilter(database, everything, { search })).searched;
    assert.deepEqual(
      [
        await searched(pod.name),
        await searched(`"${pod.name}"`),
        await searched('Back-off pulling image'),
        await searched('nowhere-to-be-found'),
      ],
      ['objects', 'messages', 'messages', 'messages'],
    );
    const { events } = await listEvents(database, everything, { filter: { search: '100% _sure\\' }, range, limit: 10 });
    assert.deepEqual(events, []);
  });
});

describe('shapeOf()', () => {
  it('leaves out what is another one for each object', () => {
    assert.equal(
      shapeOf('Back-off restarting failed container app in pod cart-74fb9944d6-q6tgq_checkout(88279466-e598-461b-9ebb-00f3b10b9954)'),
      'Back-off restarting failed container app in pod cart-…_checkout(…)',
    );
    assert.equal(
      shapeOf('Successfully pulled image "a/b:1.2" in 218ms (1.5s including waiting). Image size: 2600 bytes.'),
      'Successfully pulled image "a/b:…" in …ms (…s including waiting). Image size: … bytes.',
    );
  });
});
