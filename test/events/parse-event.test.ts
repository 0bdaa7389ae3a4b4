/**
 * An Event of either API view becomes the same observation; what is missing stays empty, what is absurd is left out, what is no Event is
 * refused in a sentence; no JSON whatever makes the parser throw.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Observation } from '../../shared/events/observation.ts';
import { countMost, isEventLike, messageMost, parseEvent, unknownTime } from '../../shared/events/parse-event.ts';
import { type EventFields, eventJson, suffix, suffixMicros } from '../helpers/event.ts';

const second = Date.UTC(2025, 10, 20, 23, 6, 40) * 1_000;
const rough = 999_999;

function parsed(value: unknown): Observation {
  const result = parseEvent(value);
  if (!result.ok) assert.fail(result.reason);
  return result.value;
}
const of = (fields: EventFields) => parsed(eventJson(fields));

describe('the two views of the API', () => {
  test('core/v1, every field', () => {
    const metadata = { annotations: { traceparent: '00-aa-bb-01', 'secret.example/token': 'hunter2' } };
    const related = { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: '3' };
    assert.deepEqual(of({ metadata, related, action: 'Binding' }), {
      uid: '11111111-0000-4000-8000-000000000001',
      name: `web-1.${suffix}`,
      namespace: 'shop',
      resourceVersion: '42',
      n: 1,
      first: { at: suffixMicros, uncertainty: 0 },
      last: { at: suffixMicros, uncertainty: 0 },
      reporter: 'kubelet',
      instance: 'node-1',
      type: 'Normal',
      reason: 'Started',
      action: 'Binding',
      message: 'Started container app',
      merged: false,
      involved: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-1', uid: '22222222-0000-4000-8000-000000000002' },
      involvedVersion: '7',
      fieldPath: 'spec.containers{app}',
      container: 'app',
      related: { apiVersion: 'v1', kind: 'Node', namespace: '', name: 'node-1', uid: '3' },
      annotations: { traceparent: '00-aa-bb-01' },
    });
  });

  test('events.k8s.io/v1 says the same', () => {
    const core = eventJson({ count: 3, lastTimestamp: '2025-11-20T23:07:00Z' });
    const newer = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: core['metadata'],
      regarding: core['involvedObject'],
      reason: core['reason'],
      note: core['message'],
      deprecatedSource: core['source'],
      deprecatedCount: 3,
      deprecatedFirstTimestamp: core['firstTimestamp'],
      deprecatedLastTimestamp: '2025-11-20T23:07:00Z',
      eventTime: null,
      type: 'Normal',
    };
    assert.deepEqual(parsed(newer), parsed(core));
  });

  test('events.k8s.io/v1 with its own reporter', () => {
    const observed = parsed({ ...eventJson(), reportingController: 'default-scheduler', reportingInstance: 'scheduler-0', source: {} });
    assert.equal(observed.reporter, 'default-scheduler');
    assert.equal(observed.instance, 'scheduler-0');
  });

  test('a bare item of a list is an Event by its involved object, other kinds are not', () => {
    const { kind: _, ...bare } = eventJson();
    assert.ok(isEventLike(bare));
    assert.equal(parsed(bare).reason, 'Started');
    assert.equal(isEventLike({ kind: 'Pod', involvedObject: {} }), false);
    assert.equal(isEventLike({ involvedObject: 'web' }), false);
  });

  test('what is no Event is refused with what was wanted', () => {
    for (const [value, reason] of [
      [null, 'Cannot read Event: wanted an object, found null'],
      ['x', 'Cannot read Event: wanted an object, found string'],
      [[], 'Cannot read Event: wanted an object, found a list'],
      [{ kind: 'Pod' }, "Cannot read Event: kind is 'Pod', wanted 'Event'"],
      [{ kind: { toString: 1, valueOf: 1 } }, "Cannot read Event: kind is 'absent', wanted 'Event'"],
      [{}, "Cannot read Event: kind is 'absent', wanted 'Event'"],
    ] as const)
      assert.deepEqual(parseEvent(value), { ok: false, reason });
  });
});

describe('times', () => {
  const web = { name: 'web-1' };
  const none = { firstTimestamp: null, lastTimestamp: null };

  test('the name dates the first occurrence, when the stated time agrees', () => {
    assert.deepEqual(of({}).first, { at: suffixMicros, uncertainty: 0 });
    const old = of({ firstTimestamp: '2025-11-20T23:26:40Z', lastTimestamp: '2025-11-20T23:26:40Z' });
    assert.deepEqual(old.first, { at: second + 1_200_000_000, uncertainty: rough });
  });

  test('the name alone', () => assert.deepEqual(of({ ...none, metadata: { creationTimestamp: null } }).first.at, suffixMicros));

  test('eventTime to the microsecond; at a whole second it may be cut', () => {
    assert.deepEqual(of({ ...none, metadata: web, eventTime: '2025-11-20T23:06:40.019348Z' }).first, {
      at: second + 19_348,
      uncertainty: 0,
    });
    assert.deepEqual(of({ ...none, metadata: web, eventTime: '2025-11-20T23:06:40.000000Z' }).first, { at: second, uncertainty: rough });
  });

  test('first stamp, creation, last stamp, each within a second', () => {
    const at = { at: second, uncertainty: rough };
    assert.deepEqual(of({ metadata: web }).first, at);
    assert.deepEqual(of({ ...none, metadata: web }).first, at);
    const bare = { ...web, creationTimestamp: null };
    assert.deepEqual(of({ metadata: bare, firstTimestamp: null }).first, at);
    assert.deepEqual(of({ ...none, metadata: bare }).first, unknownTime);
  });

  test('the last occurrence is never dated by the name', () => {
    const many = of({ count: 5, lastTimestamp: '2025-11-20T23:08:20Z' });
    assert.equal(many.n, 5);
    assert.deepEqual(many.first, { at: suffixMicros, uncertainty: 0 });
    assert.deepEqual(many.last, { at: second + 100_000_000, uncertainty: rough });
    const series = of({ series: { count: 4, lastObservedTime: '2025-11-20T23:07:00.250000Z' }, count: 9 });
    assert.equal(series.n, 4);
    assert.deepEqual(series.last, { at: second + 20_250_000, uncertainty: 0 });
  });

  test('a last time before the first is the first', () => {
    const { first, last } = of({ count: 2, lastTimestamp: '2025-11-20T22:00:00Z' });
    assert.deepEqual(last, first);
  });

  test('a repeat within the second of the first comes after it, nobody knows how long', () => {
    const { first, last } = of({ count: 2, firstTimestamp: '2025-11-20T23:06:40Z', lastTimestamp: '2025-11-20T23:06:40Z' });
    assert.equal(first.uncertainty, 0);
    assert.deepEqual(last, { at: first.at, uncertainty: second + rough - first.at });
  });

  test('a clock that is hours ahead of the API server’s is not believed; all times are moved back alike', () => {
    const stamps = { firstTimestamp: '2061-01-01T00:00:00Z', lastTimestamp: '2061-01-01T00:10:00Z' };
    const metadata = { name: 'web-1.x' };
    const ahead = of({ ...none, metadata, ...stamps, count: 3 });
    assert.deepEqual(
      [ahead.first, ahead.last],
      [second, second + 600_000_000].map((at) => ({ at, uncertainty: rough })),
    );
    assert.deepEqual(of({ ...none, metadata, eventTime: '2025-11-21T00:06:40.5Z' }).last, { at: second, uncertainty: rough });
    assert.deepEqual(of({ ...none, metadata, eventTime: '2025-11-21T00:06:40Z' }).last.at, second + 3_600_000_000);
    const unknown = of({ ...none, ...stamps, metadata: { ...metadata, creationTimestamp: null } });
    assert.equal(unknown.first.at, Date.UTC(2061, 0, 1) * 1_000);
  });

  test('absurd times are no times', () => {
    for (const absurd of ['0001-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 'soon', 7, {}]) {
      const metadata = { name: 'web-1', creationTimestamp: absurd };
      assert.deepEqual(of({ metadata, firstTimestamp: absurd, lastTimestamp: absurd, eventTime: absurd }).first, unknownTime);
    }
  });
});

describe('what is missing or odd', () => {
  test('an Event of nothing but its kind', () => {
    const observed = parsed({ kind: 'Event' });
    assert.match(observed.uid, /^synthetic:[0-9a-f]{32}$/);
    assert.deepEqual(observed.involved, { apiVersion: '', kind: '', namespace: '', name: '', uid: '' });
    assert.deepEqual([observed.reason, observed.message, observed.reporter, observed.n], ['', '', '', 1]);
    assert.deepEqual([observed.first, observed.last, observed.related], [unknownTime, unknownTime, null]);
  });

  test('without uid the name stands in, without name the content', () => {
    assert.equal(of({ metadata: { uid: '' } }).uid, `synthetic:shop/web-1.${suffix}`);
    const one = of({ metadata: { uid: '', name: '' } }).uid;
    assert.equal(one, of({ metadata: { uid: '', name: '' } }).uid);
    assert.notEqual(one, of({ metadata: { uid: '', name: '' }, message: 'other' }).uid);
  });

  test('a uid that is the name is no uid', () => {
    const { involved } = of({ involvedObject: { kind: 'Node', name: 'node-1', uid: 'node-1' } });
    assert.deepEqual(involved, { apiVersion: '', kind: 'Node', namespace: '', name: 'node-1', uid: '' });
  });

  test('the Event’s namespace stands in, save for what has none', () => {
    assert.equal(of({ involvedObject: { kind: 'Job', name: 'x' } }).involved.namespace, 'shop');
    for (const kind of ['Node', 'PersistentVolume', 'Namespace', 'StorageClass'])
      assert.equal(of({ involvedObject: { kind, name: 'x' } }).involved.namespace, '');
  });

  test('names with colons and capitals stay as they are', () => {
    const { involved } = of({ involvedObject: { kind: 'ClusterRole', name: 'system:Kube:ADMIN' } });
    assert.equal(involved.name, 'system:Kube:ADMIN');
  });

  test('containers by their fieldPath', () => {
    const path = (fieldPath: string) => of({ involvedObject: { kind: 'Pod', name: 'x', fieldPath } }).container;
    assert.equal(path('spec.initContainers{wait-db}'), 'wait-db');
    assert.equal(path('spec.ephemeralContainers{debug}'), 'debug');
    assert.equal(path('spec.containers{}'), '');
    assert.equal(path('metadata.labels{app}'), '');
  });

  test('the merged prefix goes, however often it comes', () => {
    const { message, merged } = of({ message: '(combined from similar events): (combined from similar events): Back-off' });
    assert.deepEqual([message, merged], ['Back-off', true]);
    assert.equal(of({ message: 'about (combined from similar events): x' }).merged, false);
  });

  test('a message of a megabyte is cut', () => {
    assert.equal(of({ message: 'x'.repeat(1 << 20) }).message.length, messageMost);
    assert.equal(of({ message: 42 }).message, '');
  });

  test('counts', () => {
    for (const [count, n] of [
      [0, 1],
      [-3, 1],
      [2.9, 2],
      [null, 1],
      ['7', 1],
      [Number.NaN, 1],
      [1e300, countMost],
    ] as const)
      assert.equal(of({ count }).n, n, `count ${count}`);
  });

  test('any type but Warning is Normal', () => {
    assert.deepEqual([of({ type: 'Warning' }).type, of({ type: 'warning' }).type, of({ type: 3 }).type], ['Warning', 'Normal', 'Normal']);
  });

  test('__proto__ and inherited keys give nothing', () => {
    const evil: unknown = JSON.parse(
      '{"kind":"Event","metadata":{"__proto__":{"uid":"evil","name":"evil"},"annotations":{"__proto__":{"traceparent":"evil"}}},"__proto__":{"reason":"evil"}}',
    );
    const observed = parsed(evil);
    assert.ok(!JSON.stringify(observed).includes('evil'));
    assert.equal(Object.hasOwn(Object.prototype, 'uid'), false);
    assert.equal(parsed({ kind: 'Event', involvedObject: { kind: 'constructor', name: '__proto__' } }).involved.kind, 'constructor');
  });
});

describe('whatever comes', () => {
  const names = ['kind', 'metadata', 'name', 'uid', 'count', 'series', 'eventTime', 'involvedObject', 'regarding', 'message', '__proto__'];
  const odd = fc.oneof(fc.jsonValue(), fc.constantFrom('Event', '2025-11-20T23:06:40Z', `x.${suffix}`, 'x.ffffffffffffffff', 1e308));
  const map = fc.dictionary(fc.constantFrom(...names), fc.oneof(odd, fc.dictionary(fc.constantFrom(...names), odd)));

  test('never throws; what it takes is whole', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          map,
          map.map((fields) => ({ ...fields, kind: 'Event' })),
        ),
        (value) => {
          const result = parseEvent(value);
          if (!result.ok) return assert.match(result.reason, /^Cannot read Event: /);
          const { uid, n, first, last } = result.value;
          assert.ok(uid.length > 0 && n >= 1 && Number.isSafeInteger(n));
          assert.ok(Number.isSafeInteger(first.at) && last.at >= first.at);
          assert.deepEqual(parseEvent(value), result);
        },
      ),
      { numRuns: 500 },
    );
  });
});
