/** Events in the wrapping and the spelling of whatever has exported them are the same Events. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { recordsIn } from '../../../shared/cli/input/records.ts';
import { field, isJson, type Json } from '../../../shared/events/json.ts';
import { parseEvent } from '../../../shared/events/parse-event.ts';
import { parseObject } from '../../../shared/kubernetes/parse-object.ts';
import { eventJson } from '../../helpers/event.ts';
import { read } from '../../helpers/reading.ts';

const event = eventJson();
const { kind: _, apiVersion: __, ...bare } = event;
const observed = parseEvent(event);
const asJson = (value: unknown): Json => (isJson(value) ? value : {});
const objectsOf = (value: unknown) => recordsIn(value).flatMap((found) => (found.type === 'object' ? [found.object] : []));

/** Python's `to_dict()` as JSON, with `default=str`. */
function snake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snake);
  if (typeof value === 'string') return /^\d{4}-.*Z$/.test(value) ? value.replace('T', ' ').replace('Z', '+00:00') : value;
  if (!isJson(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.replace(/[A-Z]/g, (sign) => `_${sign.toLowerCase()}`), snake(inner)]),
  );
}

/** As kubectl up to 1.13 dumped its internal types: metadata inline, all else with capitals. */
function capital(value: unknown): unknown {
  if (!isJson(value)) return value;
  const special: Readonly<Record<string, string>> = { uid: 'UID', apiVersion: 'APIVersion' };
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [special[key] ?? key.charAt(0).toUpperCase() + key.slice(1), capital(inner)]),
  );
}
const { metadata, kind: ___, apiVersion: ____, ...fields } = event;
const capitals = { ...asJson(metadata), ...asJson(capital(fields)) };

describe('recordsIn', () => {
  for (const [what, value] of [
    ['an Event', event],
    ['an Event without kind', bare],
    ['an Event whose kind is null', { ...event, kind: null, apiVersion: null }],
    ['{"type","object"}', { type: 'ADDED', object: event }],
    ['{"Type","Object"}', { Type: 'MODIFIED', Object: event }],
    ['{"verb","event"}, as event routers write', { verb: 'ADDED', event: bare }],
    ['{"verb","event","old_event"}', { verb: 'UPDATED', event, old_event: { ...event, message: 'old' } }],
    ['jsonPayload of a cloud’s logging', { insertId: 'x', jsonPayload: event, resource: { type: 'k8s_cluster' }, severity: 'INFO' }],
    ['a structured CloudEvent', { specversion: '1.0', id: '1', type: 'dev.knative.apiserver.resource.add', data: event }],
    ['the hits of a search engine', { took: 3, hits: { total: 1, hits: [{ _index: 'events', _source: event }] } }],
    ['a text of JSON in a field', { date: 1, log: JSON.stringify(event), kubernetes: { pod_name: 'router' } }],
    ['capital keys', capitals],
    ['snake_case', snake(event)],
    ['snake_case of an Event without kind', { ...asJson(snake(event)), kind: null, api_version: null }],
    ['snake_case in a notification', { type: 'ADDED', object: snake(event) }],
  ] as const)
    test(what, () => {
      const [found, ...more] = objectsOf(value);
      assert.deepEqual(more, []);
      const parsed = parseEvent({ ...asJson(found), kind: 'Event' });
      assert.deepEqual(parsed, observed);
    });

  test('a list in a wrapping, with all its Events', () => {
    const three = [1, 2, 3].map((n) => ({ ...bare, message: `m${n}` }));
    for (const value of [{ result: three }, { data: { list: three } }, { kind: 'EventList', items: three }])
      assert.deepEqual(
        objectsOf(value).map((one) => field(one, 'message')),
        ['m1', 'm2', 'm3'],
      );
  });

  test('an object that holds an Event in a field of its own is no wrapping', () => {
    const object = { apiVersion: 'x/v1', kind: 'Recorder', metadata: { name: 'r' }, spec: { last: event } };
    assert.deepEqual(
      objectsOf(object).map((one) => field(one, 'kind')),
      ['Recorder'],
    );
  });

  test('capital keys of objects, with their owners', () => {
    const [pod] = objectsOf({
      name: 'web-1',
      namespace: 'shop',
      uid: 'p',
      labels: { App_Name: 'x' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web', uid: 'r', controller: true }],
      Spec: { NodeName: 'n1', Containers: [{ Name: 'app' }] },
      Status: { Conditions: [{ Type: 'Ready', Status: 'True', LastTransitionTime: '2017-11-03T03:21:47Z' }] },
    });
    const parsed = parseObject({ ...pod, kind: 'Pod' });
    assert.ok(parsed.ok);
    assert.deepEqual([parsed.value.nodeName, parsed.value.owner?.name, parsed.value.conditions[0]?.type], ['n1', 'web', 'Ready']);
    assert.deepEqual(field(field(pod, 'metadata'), 'labels'), { App_Name: 'x' });
  });

  test('Go’s and Python’s ways to print a time', () => {
    for (const text of [
      '2025-11-20 23:06:40+00:00',
      '2025-11-20 23:06:40 +0000 UTC',
      '2025-11-20 23:06:40',
      '2025-11-21 01:06:40.000000+02:00',
    ]) {
      const [found] = objectsOf({ ...asJson(snake(event)), first_timestamp: text, last_timestamp: text });
      assert.deepEqual(parseEvent({ ...found, kind: 'Event' }), observed, text);
    }
  });
});

test('a file of each, read to the same', async () => {
  assert.deepEqual(await read(JSON.stringify({ Items: [capitals, capitals] })), [
    'event Started container app',
    'event Started container app',
  ]);
  assert.deepEqual(await read(JSON.stringify({ events: [bare] }, null, 2)), ['event Started container app']);
  assert.deepEqual(await read(JSON.stringify([snake(event)])), ['event Started container app']);
});

test('Kubernetes 1.0 wrote its reasons in lower case', () => {
  for (const [reason, wanted] of [
    ['created', 'Created'],
    ['failedScheduling', 'FailedScheduling'],
    ['successfulCreate', 'SuccessfulCreate'],
    ['issuing', 'issuing'],
  ]) {
    const parsed = parseEvent(eventJson({ reason }));
    assert.equal(parsed.ok && parsed.value.reason, wanted);
  }
});
