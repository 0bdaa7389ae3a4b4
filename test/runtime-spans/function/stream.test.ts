/** Both streams of recorded changes as they came, through the function: each span under the Event that it explains, told once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Segment, Span } from '../../../shared/spans/span.ts';
import { type Arrival, newPipeline, readRecording, recordings } from '../recording.ts';
import { score } from '../score.ts';
import { Rig } from './rig.ts';

const second = 1_000;
/** What the Collector's tail sampling takes. */
const samplingMs = 10_000;

interface Played {
  readonly segments: readonly Segment[];
  readonly copies: readonly Span[];
  readonly late: number;
}

/** Second by second: what came, what has settled, what is due. */
async function play(arrivals: readonly Arrival[], spansLaterMs: number, env = {}): Promise<Played> {
  const began = arrivals[0]?.at ?? 0;
  const rig = await Rig.start({ now: began, env: { KNSPAN_RUNTIME_BUDGET: '0', ...env } });
  try {
    const pipeline = newPipeline();
    const segments: Segment[] = [];
    const copies: Span[] = [];
    const moved = arrivals.map((one) => (one.event === null ? { ...one, at: one.at + spansLaterMs } : one)).sort((a, b) => a.at - b.at);
    const end = (moved.at(-1)?.at ?? began) + 120 * second;
    let next = 0;
    for (let now = began; now <= end; now += second) {
      await rig.clock.set(now);
      for (let one = moved[next]; one !== undefined && one.at <= now; one = moved[++next]) {
        if (one.event === null) await rig.spans(one.request, next % 2 === 0 ? 'json' : 'protobuf', next % 3 === 0);
        else pipeline.push(one.event);
      }
      for (const segment of now + second > end ? pipeline.finish() : pipeline.advance(now * 1_000)) {
        segments.push(segment);
        copies.push(...(await rig.segment(segment)));
      }
      await rig.sweep();
    }
    await rig.clock.advance(60 * second);
    await rig.sweep();
    const late = rig.lateSpans();
    return { segments, copies: [...copies, ...late], late: late.length };
  } finally {
    await rig.stop();
  }
}

describe('runtime-spans', () => {
  for (const name of recordings)
    for (const [way, laterMs] of [
      ['as they came', 0],
      ['after tail sampling', samplingMs],
      ['a minute late', 60_000],
    ] as const)
      it(`${name}, spans ${way}: at least 98 % under the right span, none wrong, none outside, none twice`, async () => {
        const recording = readRecording(name);
        const { segments, copies, late } = await play(recording.arrivals, laterMs);
        const { wanted, missed, wrong, outside } = score({ ...recording, segments }, copies);
        assert.deepEqual({ wrong, outside }, { wrong: [], outside: [] });
        assert.ok(missed.length <= wanted * 0.02, `missed ${missed.length} of ${wanted}: ${missed.join('; ')}`);
        assert.equal(new Set(copies.map(({ spanId }) => spanId)).size, copies.length);
        assert.ok(laterMs === 0 || late > 0);
      });
});
