/** Events that the source loses for some seconds: the traces are those of the whole stream, and in time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grouping, streamWithGap } from './gaps.ts';

const withinMs = 180_000;

describe('a gap in the stream', () => {
  for (const [capture, from, ms] of [
    ['statefulset-with-claims', 19_000, 7_000],
    ['daemonset-update', 21_100, 1_900],
  ] as const)
    it(`of ${ms / 1_000} s in ${capture} is repaired before anything is decided about that time`, async () => {
      const [whole, left, repaired] = [
        await streamWithGap(capture, null),
        await streamWithGap(capture, { from, ms }, false),
        await streamWithGap(capture, { from, ms }),
      ];
      assert.ok(repaired.lost > 0);
      assert.ok(grouping(whole.traces, left.traces) < 0.98, 'the gap tears traces where nobody asks for a listing');
      assert.ok(grouping(whole.traces, repaired.traces) >= 0.98);
      for (const [uid, at] of whole.at) assert.ok((repaired.at.get(uid) ?? Number.POSITIVE_INFINITY) <= at + withinMs, uid);
      assert.ok(repaired.asked > 0 && repaired.asked < 20);
    });

  it('with nobody who lists delays a decision by a minute at most', async () => {
    const whole = await streamWithGap('deployment-create', null, false);
    const alone = await streamWithGap('deployment-create', null, true, false);
    assert.deepEqual(alone.traces, whole.traces);
    for (const [uid, at] of whole.at) assert.ok((alone.at.get(uid) ?? Number.POSITIVE_INFINITY) <= at + 65_000, uid);
  });
});
