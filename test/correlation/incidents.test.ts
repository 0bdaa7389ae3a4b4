/** Incidents: trouble of an object after its change has settled, in a bounded number of traces. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import type { Segment } from '../../shared/spans/span.ts';
import { eventsOf } from '../helpers/story.ts';
import { checkShape, checkTold, replay } from '../helpers/trace.ts';

const minute = 60;
/** The incidents of a pod that starts at noon and whose probe fails from 12:30 on, every so many minutes. */
function incidentsOf(probes: number, apart: number): Segment[] {
  const failing = Array.from(
    { length: probes },
    (_, index) =>
      `${30 * minute + index * apart * minute} kubelet | Pod/web-1 | !Unhealthy | Readiness probe failed: try ${index} | container=app`,
  );
  const story = ['0 (runs) | Pod/web-1 | node-1', ...failing].join('\n');
  const observations = eventsOf(story).map((event) => {
    const parsed = parseEvent(event);
    assert.ok(parsed.ok);
    return parsed.value;
  });
  const segments = replay({ observations, objects: new ObjectIndex() });
  checkShape(segments);
  checkTold(segments, observations);
  return segments.filter(({ spans }) => spans[0]?.attributes['knspan.change'] === 'incident');
}

describe('incidents of one object', () => {
  it('are a trace each as long as the day has fewer than 12 of them', () => {
    assert.equal(incidentsOf(11, 11).length, 11);
  });

  it('are at most 12 in a day: the last one holds what comes until midnight', () => {
    const incidents = incidentsOf(62, 11);
    assert.equal(incidents.length, 12);
    assert.equal(incidents.at(-1)?.spans.length, 2 + 51);
  });

  it('are counted anew on the next day', () => {
    // 63 before midnight, 17 after it.
    assert.equal(incidentsOf(80, 11).length, 12 + 12);
  });
});
