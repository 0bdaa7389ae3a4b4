/** What a request to the correlator may bring, over real HTTP: what is taken, what is refused, what is passed over, and what is counted. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readVersion } from '../../../functions/correlator/codec.ts';
import { versionKey } from '../../../functions/correlator/decide/index-view.ts';
import { OneCorrelator } from '../../helpers/correlator.ts';
import { eventJson } from '../../helpers/event.ts';
import { agedEvent, post } from '../../helpers/reconcilers.ts';
import { textOf } from '../../helpers/trace.ts';

const add = 'dev.knative.apiserver.resource.add';
const missed = 'dev.knspan.event.missed';
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'web', uid: 'd-1', resourceVersion: '1' },
};
const ownedBy = (kind: string, name: string, uid: string) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid, controller: true }],
});

describe('a request to the correlator', () => {
  let correlator: OneCorrelator;

  beforeEach(async () => {
    correlator = await new OneCorrelator().start();
  });

  afterEach(() => correlator.stop());

  const taken = (type: string, outcome: string) => correlator.figure(`knspan_events_total{type="${type}",outcome="${outcome}"}`);
  const batch = async (events: unknown) => {
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    const response = await fetch(correlator.url, { method: 'POST', headers, body: JSON.stringify(events) });
    return { status: response.status, text: await response.text() };
  };
  const envelope = (id: string, data: unknown, more = {}) => ({
    specversion: '1.0',
    id,
    source: '/s',
    type: add,
    kind: 'Event',
    data,
    ...more,
  });

  const refused: readonly (readonly [what: string, event: Readonly<Record<string, unknown>>, reason: RegExp])[] = [
    ['no data', { type: add }, /Cannot read object: kind and metadata.name are missing/],
    ['a text', { type: add, data: 'hello' }, /Cannot read object/],
    ['a list', { type: add, data: [1] }, /Cannot read object/],
    ['something missed that is no Event', { type: missed, data: { kind: 'Pod' } }, /its data is no Kubernetes Event/],
    ['another specversion', { specversion: '0.3', type: add, data: eventJson() }, /specversion is '0.3', wanted '1.0'/],
    ['no type', { data: eventJson() }, /attribute 'type' is missing|type is missing/],
    ['a cluster that is no name', { type: add, data: eventJson(), cluster: 'a b' }, /its cluster is 'a b', wanted letters, digits and/],
    ['a cluster that is too long', { type: add, data: eventJson(), cluster: 'c'.repeat(254) }, /its cluster is 'c{50}', wanted/],
  ];
  for (const [what, event, reason] of refused)
    it(`is refused with a sentence: ${what}`, async () => {
      const { status, text } = await post(correlator.url, event);
      assert.equal(status, 400);
      assert.match(text, reason);
      const { inbox, undecided } = await correlator.store.sizes();
      assert.deepEqual([inbox, undecided], [0, 0]);
    });

  it('is taken once it is in the store, with an empty answer; a repeated one counts as such', async () => {
    assert.deepEqual(await correlator.event('a', 5), { status: 202, text: '' });
    assert.deepEqual(await correlator.event('a', 5), { status: 202, text: '' });
    assert.deepEqual(await correlator.send(missed, agedEvent('b', 5)), { status: 202, text: '' });
    assert.equal((await correlator.store.sizes()).inbox, 2);
    assert.deepEqual([await taken('add', 'new'), await taken('add', 'repeated'), await taken('missed', 'new')], [1, 1, 1]);
  });

  it('may be a batch: all of it is taken', async () => {
    assert.equal((await batch([envelope('1', agedEvent('a', 5)), envelope('2', agedEvent('b', 5))])).status, 202);
    assert.equal((await batch([])).status, 202);
    assert.equal((await correlator.store.sizes()).inbox, 2);
    assert.equal((await batch({})).status, 400);
  });

  it('may be a batch in which one is bad: that one is refused, the others are kept', async () => {
    const bad = envelope('2', agedEvent('b', 5), { cluster: 'a b' });
    const { status, text } = await batch([envelope('1', agedEvent('a', 5)), bad, envelope('3', agedEvent('c', 5))]);
    assert.equal(status, 400);
    assert.match(text, /its cluster is 'a b'/);
    assert.equal((await correlator.store.sizes()).inbox, 2);
    assert.deepEqual([await taken('add', 'new'), await taken('add', 'refused')], [2, 1]);
  });

  it('of an unknown type, or an Event that has expired, is passed over and counted', async () => {
    assert.equal((await correlator.send('com.example.other', { kind: 'Event' })).status, 202);
    assert.equal((await correlator.send('delete', agedEvent('a', 5), { kind: 'Event' })).status, 202);
    assert.equal((await correlator.store.sizes()).inbox, 0);
    assert.equal(await taken('other', 'ignored'), 2);
  });

  it('may hold the form of events.k8s.io: the spans are the same', async () => {
    const core = agedEvent('a', 5, { message: 'Stopping container app', reason: 'Killing', count: 3 });
    const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, ...rest } = core;
    const newer = {
      ...rest,
      apiVersion: 'events.k8s.io/v1',
      regarding: involvedObject,
      note: message,
      deprecatedSource: source,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
      deprecatedCount: count,
    };
    const other = await new OneCorrelator().start();
    try {
      assert.equal((await correlator.send('add', core)).status, 202);
      assert.equal((await other.send('add', newer)).status, 202);
      await Promise.all([correlator.settle(), other.settle()]);
      assert.ok(correlator.sink.segments().length > 0);
      assert.deepEqual(textOf(other.sink.segments()), textOf(correlator.sink.segments()));
    } finally {
      await other.stop();
    }
  });

  it('of two clusters tells of two objects, though their uids are equal', async () => {
    await correlator.event('a', 5);
    await correlator.send('add', agedEvent('a', 5), { kind: 'Event', cluster: 'other/1' });
    assert.equal((await correlator.store.sizes()).inbox, 2);
    await correlator.settle();
    const segments = correlator.sink.segments();
    assert.deepEqual(segments.map(({ cluster }) => cluster).toSorted(), ['other/1', 'test']);
    assert.equal(new Set(segments.map(({ traceId }) => traceId)).size, 2);
  });
});

describe('objects that are fed', () => {
  let correlator: OneCorrelator;

  beforeEach(async () => {
    correlator = await new OneCorrelator().start();
  });

  afterEach(() => correlator.stop());

  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'shop',
      name: 'web-1',
      uid: '22222222-0000-4000-8000-000000000002',
      resourceVersion: '3',
      ...ownedBy('ReplicaSet', 'web-a', 'r-1'),
    },
    spec: { containers: [{ name: 'app', env: [{ name: 'PASSWORD', value: 'secret' }], command: ['secret'] }] },
  };
  const replicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { namespace: 'shop', name: 'web-a', uid: 'r-1', resourceVersion: '2', ...ownedBy('Deployment', 'web', 'd-1') },
  };

  it('lead an Event to its root, in whatever order they come', async () => {
    assert.equal((await correlator.event('a', 5)).status, 202);
    for (const object of [pod, deployment, replicaSet])
      assert.equal((await correlator.send('add', object, { kind: object.kind })).status, 202);
    await correlator.settle();
    assert.deepEqual(
      correlator.sink.segments().map(({ rootKind, rootName }) => `${rootKind}/${rootName}`),
      ['Deployment/web'],
    );
    assert.equal(await correlator.figure('knspan_events_total{type="object",outcome="new"}'), 3);
  });

  it('without them it is its own root', async () => {
    await correlator.event('a', 5);
    await correlator.settle();
    assert.deepEqual(
      correlator.sink.segments().map(({ rootKind, rootName }) => `${rootKind}/${rootName}`),
      ['Pod/web-1'],
    );
  });

  it('that are deleted leave a tombstone, and their owners stay known', async () => {
    await correlator.send('add', pod, { kind: 'Pod' });
    await correlator.send('add', replicaSet, { kind: 'ReplicaSet' });
    const time = new Date(correlator.clock.now()).toISOString();
    assert.equal((await correlator.send('delete', pod, { kind: 'Pod', time })).status, 202);
    const [versions] = await correlator.store.readIndex([versionKey('test', pod.metadata.uid)]);
    assert.equal(versions?.length, 2);
    assert.equal(versions?.filter(({ member, score }) => readVersion(score, member).gone).length, 1);
    await correlator.event('a', 5);
    await correlator.settle();
    assert.deepEqual(
      correlator.sink.segments().map(({ rootKind, rootName }) => `${rootKind}/${rootName}`),
      ['Deployment/web'],
    );
  });

  it('keep nothing in the store that may be secret', async () => {
    await correlator.send('add', pod, { kind: 'Pod' });
    const [versions = []] = await correlator.store.readIndex([versionKey('test', pod.metadata.uid)]);
    assert.equal(versions.length, 1);
    assert.doesNotMatch(JSON.stringify(versions), /secret|PASSWORD/);
  });

  it('without kind or name are refused', async () => {
    assert.equal((await correlator.send('update', { kind: 'Pod', metadata: {} })).status, 400);
  });
});

describe('the metrics of the correlator', () => {
  it('have labels of a bounded set, without names that came from outside', async () => {
    const correlator = await new OneCorrelator().start();
    try {
      const before = (await correlator.text()).split('\n').length;
      for (let index = 0; index < 50; index += 1) {
        await correlator.send(`com.example.type${index}`, {}, { kind: `Kind${index}`, source: `/source/${index}` });
        await correlator.event(`uid-${index}`, 5, {
          reason: `Reason${index}`,
          involvedObject: { kind: `Thing${index}`, name: `thing-${index}`, namespace: `space-${index}`, uid: `thing-uid-${index}` },
        });
      }
      await correlator.settle();
      const text = await correlator.text();
      assert.doesNotMatch(text, /type\d|Kind\d|Reason\d|Thing\d|thing-|space-|uid-\d|\/source/);
      assert.ok(text.split('\n').length < before + 60, text);
      for (const name of [
        'knspan_pending',
        'knspan_outbox_age_seconds',
        'knspan_segments_total',
        'knspan_spans_total',
        'knspan_sent_total',
      ])
        assert.match(text, new RegExp(`^${name}`, 'm'));
      assert.equal(await correlator.figure('knspan_routed_total'), 50);
      assert.ok((await correlator.figure('knspan_store_seconds_count{step="sweep"}')) > 0);
      assert.equal(await correlator.figure('knspan_pending{stage="held"}'), 0);
    } finally {
      await correlator.stop();
    }
  });
});
