/** The budget: a rollout of 5,000 pods is small enough to read, and folds add up exactly to the input. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestOf } from '../../../shared/correlation/ids.ts';
import { parseEvent } from '../../../shared/events/parse-event.ts';
import { ObjectIndex } from '../../../shared/kubernetes/object-index.ts';
import { exportedBatch, otlpText } from '../../../shared/spans/otlp.ts';
import { toSegmentEvents } from '../../../shared/spans/segment-event.ts';
import { rolloutEvents } from '../../helpers/rollout.ts';
import { checkShape, pipelineOver, toldBy } from '../../helpers/trace.ts';

describe('fold', () => {
  for (const [pods, budget] of [
    [5_000, 1_000],
    [60, 100],
  ] as const) {
    it(`${pods} pods in a budget of ${budget} spans: exact counts and digests`, () => {
      const pipeline = pipelineOver(new ObjectIndex(), budget);
      const ids: string[] = [];
      for (const event of rolloutEvents({ name: 'web', pods, uid: 'd', at: Date.UTC(2026, 0, 1) * 1_000 })) {
        const parsed = parseEvent(event);
        assert.ok(parsed.ok);
        pipeline.push(parsed.value);
        ids.push(`${parsed.value.uid}#1`);
      }
      const segments = pipeline.finish();
      checkShape(segments);
      assert.equal(segments.length, 1);
      const spans = segments[0]?.spans ?? [];
      assert.ok(spans.length <= budget, `${spans.length} spans`);
      const told = new Set(toldBy(spans));
      const hidden = ids.filter((id) => !told.has(id));
      const folds = spans.filter((span) => span.attributes['knspan.fold.events'] !== undefined);
      assert.equal(
        folds.reduce((sum, fold) => sum + Number(fold.attributes['knspan.fold.events']), 0),
        hidden.length,
      );
      const sum = folds.reduce((all, fold) => (all + BigInt(`0x${fold.attributes['knspan.fold.digest']}`)) & 0xffffffffffffffffn, 0n);
      assert.equal(sum.toString(16).padStart(16, '0'), digestOf(hidden));
    });
  }

  it('packs the uids of all Events of a fold, which stay out of an export', () => {
    const pipeline = pipelineOver(new ObjectIndex(), 100);
    const hex = (number: number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
    for (const [index, event] of [...rolloutEvents({ name: 'web', pods: 300, uid: 'd', at: Date.UTC(2026, 0, 1) * 1_000 })].entries()) {
      const parsed = parseEvent(event);
      assert.ok(parsed.ok);
      pipeline.push({ ...parsed.value, uid: hex(index) });
    }
    const segments = pipeline.finish();
    const packed = segments.flatMap(({ spans }) => spans).flatMap(({ attributes }) => attributes['knspan.fold.uids'] ?? []);
    const uids = packed.flatMap((text) => Buffer.from(String(text), 'base64').toString('hex').match(/.{32}/g) ?? []);
    assert.ok(uids.length > 200 && new Set(uids).size === uids.length);
    assert.ok(uids.every((uid) => /^0{12}40008000/.test(uid)));
    const [segment] = segments;
    assert.ok(segment);
    assert.doesNotMatch(otlpText(exportedBatch(segment)), /knspan\.fold\.uids/);
    const parts = toSegmentEvents(segment, { source: '/test' }).map(({ body }) => body);
    assert.match(parts.join(''), /knspan\.fold\.uids/);
  });

  it('a rollout inside the budget is not folded', () => {
    const pipeline = pipelineOver(new ObjectIndex());
    for (const event of rolloutEvents({ name: 'web', pods: 20, uid: 'd', at: Date.UTC(2026, 0, 1) * 1_000 })) {
      const parsed = parseEvent(event);
      if (parsed.ok) pipeline.push(parsed.value);
    }
    const spans = pipeline.finish().flatMap((segment) => segment.spans);
    assert.equal(spans.filter((span) => span.name === 'create Pod').length, 20);
    assert.ok(spans.every((span) => span.attributes['knspan.fold.events'] === undefined));
  });

  it('where some of many failed, says how many', () => {
    const pipeline = pipelineOver(new ObjectIndex(), 100);
    for (const event of rolloutEvents({ name: 'web', pods: 400, uid: 'd', at: Date.UTC(2026, 0, 1) * 1_000 })) {
      const parsed = parseEvent(event);
      assert.ok(parsed.ok);
      const isBroken = parsed.value.reason === 'Started' && Number(/p(\d+)$/.exec(parsed.value.involved.uid)?.[1]) % 4 === 0;
      pipeline.push(isBroken ? { ...parsed.value, type: 'Warning', reason: 'Failed', message: 'Error: no such command' } : parsed.value);
    }
    const spans = pipeline.finish().flatMap((segment) => segment.spans);
    const fold = spans.find((span) => span.name === 'create Pod' && Number(span.attributes['knspan.fold.failed']) > 0);
    const failed = Number(fold?.attributes['knspan.fold.failed']);
    const all = Number(fold?.attributes['knspan.fold.spans']);
    assert.ok(failed < all);
    assert.equal(fold?.title, `create Pod × ${all}, ${failed} of them failed`);
    assert.equal(fold?.statusMessage, `${failed} of ${all}: Failed: Error: no such command`);
  });
});
