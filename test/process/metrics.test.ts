/** Metrics: the label sets cannot grow, whatever values are used. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Metrics } from '../../shared/process/metrics.ts';
import { metricOf } from '../helpers/surroundings.ts';

describe('Metrics', () => {
  test('values that are not declared count as other, 10,000 of them as one series', async () => {
    const metrics = new Metrics();
    const counter = metrics.counter('events_total', 'Events', { type: ['add', 'update'], outcome: ['ok'] });
    counter.add({ type: 'add', outcome: 'ok' });
    counter.add({ type: 'add', outcome: 'ok' }, 2);
    for (let index = 0; index < 10_000; index += 1) counter.add({ type: `pod-${index}`, outcome: 'ok' });
    counter.add({ type: 'update', outcome: 'constructor' });
    const text = await metrics.text();
    assert.equal(metricOf(text, 'events_total{type="add",outcome="ok"}'), 3);
    assert.equal(metricOf(text, 'events_total{type="other",outcome="ok"}'), 10_000);
    assert.equal(metricOf(text, 'events_total{type="update",outcome="other"}'), 1);
    assert.equal(text.split('\n').filter((line) => line.startsWith('events_total{')).length, 3);
  });

  test('a gauge is asked at each reading, a histogram has a bucket for each bound', async () => {
    const metrics = new Metrics();
    let size = 1;
    metrics.gauge('outbox', 'Size', {}, (gauge) => gauge.set({}, size));
    metrics.histogram('seconds', 'Time', { outcome: ['ok'] }, [0.1, 1]).observe({ outcome: 'nope' }, 0.5);
    assert.equal(metricOf(await metrics.text(), 'outbox'), 1);
    size = 2;
    const text = await metrics.text();
    assert.equal(metricOf(text, 'outbox'), 2);
    assert.deepEqual(
      ['0.1', '1', '+Inf'].map((le) => metricOf(text, `seconds_bucket{le="${le}",outcome="other"}`)),
      [0, 1, 1],
    );
  });

  test('two of the same name in one process do not meet: each function has its own', async () => {
    const [a, b] = [new Metrics(), new Metrics()];
    a.counter('n', 'N', {}).add({});
    b.counter('n', 'N', {});
    assert.deepEqual([metricOf(await a.text(), 'n'), metricOf(await b.text(), 'n')], [1, 0]);
    assert.ok(metricOf(await b.text(), 'process_resident_memory_bytes') > 1_000_000);
    assert.match(a.contentType, /^text\/plain/);
  });
});
