/** The correlator without a store: of several notifications about one occurrence the first written one counts, as in the store. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { eventJson } from '../helpers/event.ts';
import { pipelineOver, textOf } from '../helpers/trace.ts';

function observationOf(resourceVersion: string, message: string): Observation {
  const parsed = parseEvent(eventJson({ message, metadata: { resourceVersion } }));
  return parsed.ok ? parsed.value : assert.fail(parsed.reason);
}

function tracesOf(observations: readonly Observation[]): string[] {
  const pipeline = pipelineOver(new ObjectIndex());
  for (const observation of observations) pipeline.push(observation);
  return textOf(pipeline.finish());
}

describe('notifications about one occurrence', () => {
  const first = observationOf('999', 'Started container app');
  const edited = observationOf('1000', 'Started container app, edited');
  const sameVersion = observationOf('999', 'Started container other');

  it('count as the one written first, in whatever order they come', () => {
    const wanted = tracesOf([first]);
    assert.ok(wanted.length > 0);
    assert.notDeepEqual(tracesOf([edited]), wanted);
    for (const order of [
      [first, edited],
      [edited, first],
      [edited, first, edited],
    ])
      assert.deepEqual(tracesOf(order), wanted);
  });

  it('of one version count alike in whatever order they come', () => {
    assert.deepEqual(tracesOf([first, sameVersion]), tracesOf([sameVersion, first]));
  });
});
