/** Inputs too long to hold come out as if they had been held, in whatever order they came, and leave nothing on the disk. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TimeOrdered } from '../../../shared/cli/input/time-ordered.ts';
import { randomOf } from '../../../shared/cli/simulated-delivery.ts';
import type { Segment } from '../../../shared/spans/span.ts';
import { captures, loadCapture, pipelineOver, replay, textOf } from '../../helpers/trace.ts';

describe('TimeOrdered', () => {
  for (const name of captures) {
    it(`${name}: spilled to disk in any order gives the same spans`, async () => {
      const capture = await loadCapture(name, 'full');
      const chance = randomOf(7);
      const mixed = capture.observations.map((observation) => ({ observation, key: chance() })).sort((a, b) => a.key - b.key);
      const ordered = new TimeOrdered(pipelineOver(capture.objects), 10);
      for (const { observation } of mixed) await ordered.push(observation);
      const segments: Segment[] = [];
      for await (const settled of ordered.finish()) segments.push(...settled);
      assert.deepEqual(textOf(segments), textOf(replay(capture)));
    });
  }
});
