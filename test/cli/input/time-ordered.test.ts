/** Inputs too long for memory give the same result as in memory, in any order, and leave no files behind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TimeOrdered } from '../../../shared/cli/input/time-ordered.ts';
import { randomOf } from '../../../shared/cli/simulated-delivery.ts';
import { ObjectIndex } from '../../../shared/kubernetes/object-index.ts';
import type { Segment, Span } from '../../../shared/spans/span.ts';
import { observation } from '../../helpers/observation.ts';
import { captures, loadCapture, pipelineOver, replay, textOf } from '../../helpers/trace.ts';

describe('TimeOrdered', () => {
  for (const name of captures)
    for (const [where, limits] of [
      ['as text', { events: 10, characters: 1e9 }],
      ['on the disk', { events: 10, characters: 2_000 }],
    ] as const)
      it(`${name}: kept ${where} in any order gives the same spans`, async () => {
        const capture = await loadCapture(name, 'full');
        const chance = randomOf(7);
        const mixed = capture.observations.map((observation) => ({ observation, key: chance() })).sort((a, b) => a.key - b.key);
        const ordered = new TimeOrdered(pipelineOver(capture.objects), limits);
        for (const { observation } of mixed) await ordered.push(observation);
        const segments: Segment[] = [];
        for await (const settled of ordered.finish()) segments.push(...settled);
        assert.deepEqual(textOf(segments), textOf(replay(capture)));
      });

  it('keeps what an Event says, whatever characters it has', async () => {
    const message = 'one\ntwo\u2028three\u2029four\r\u0000 \ud800 ü';
    const said = ['a', 'b', 'c'].map((uid) => observation({ uid, involved: { kind: 'Pod', uid, name: uid }, reason: 'Odd', message }));
    const ordered = new TimeOrdered(pipelineOver(new ObjectIndex()), { events: 0, characters: 0 });
    for (const one of said) await ordered.push(one);
    const spans: Span[] = [];
    for await (const settled of ordered.finish()) spans.push(...settled.flatMap((segment) => segment.spans));
    assert.deepEqual(
      spans.flatMap(({ attributes }) => attributes['k8s.event.message'] ?? []),
      said.map(() => message),
    );
  });
});
