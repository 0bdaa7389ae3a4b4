/** The captures, labelled from the audit log: correct parents and changes, nothing missing, correct pull times. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { captures, checkShape, checkTold, labelsOf, loadCapture, modes, replay } from '../helpers/trace.ts';
import { score } from './score.ts';

describe('replay of labelled captures', () => {
  for (const name of captures) {
    for (const mode of modes) {
      it(`${name}, ${mode}: parents, changes, times and shape`, async () => {
        const capture = await loadCapture(name, mode);
        const segments = replay(capture);
        checkShape(segments);
        checkTold(segments, capture.observations);
        const result = score(segments, labelsOf(name), capture.observations);
        assert.deepEqual(result.missing, []);
        assert.deepEqual(result.wrong, []);
        assert.ok(result.f1 >= 0.98, `F1 ${result.f1}`);
        assert.equal(result.pullsWrong, 0);
      });
    }
  }

  for (const mode of modes) {
    it(`image-pull-error, ${mode}: the cause is what the registry said, not that the container waits for it`, async () => {
      const [root] = replay(await loadCapture('image-pull-error', mode)).flatMap(({ spans }) =>
        spans.filter((span) => span.parentSpanId === ''),
      );
      assert.match(
        String(root?.attributes['knspan.cause']),
        /^Failed to pull image "127\.0\.0\.1:5055\/missing\/player:1": .*: not found \(container \S+, Pod \S+\)$/,
      );
      assert.equal(root?.statusMessage, root?.attributes['knspan.cause']);
    });
  }
});
