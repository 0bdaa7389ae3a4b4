/** Order, duplicates and splits within the allowed lateness change nothing; later Events are added once and marked. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deliver, randomOf } from '../../shared/cli/simulated-delivery.ts';
import type { Segment } from '../../shared/spans/span.ts';
import { captures, loadCapture, pipelineOver, replay, textOf, toldBy } from '../helpers/trace.ts';

const seedFirst = Number(process.env['KNSPAN_SEED'] ?? Date.now() % 1_000_000);
/** Runs for each capture and mode: 1,008 in all. */
const runs = 72;

describe(`delivery (KNSPAN_SEED=${seedFirst})`, () => {
  for (const name of captures) {
    for (const mode of ['watch', 'full'] as const) {
      it(`${name}, ${mode}: ${runs} shuffles, duplications and splits give the same spans`, async () => {
        const capture = await loadCapture(name, mode);
        const wanted = textOf(replay(capture)).join('\n');
        for (let run = 0; run < runs; run += 1) {
          const seed = seedFirst + run;
          const delivery = { seed, duplicate: 0.3, calls: 1 + ((seed * 7) % 60) };
          const got = textOf(deliver(pipelineOver(capture.objects), capture.observations, delivery)).join('\n');
          assert.ok(got === wanted, `seed ${seed} differs`);
        }
      });
    }
  }

  for (const name of captures) {
    it(`${name}: beyond the lateness nothing is lost, nothing told twice, no span id comes again with other content`, async () => {
      const capture = await loadCapture(name, 'watch');
      const chance = randomOf(seedFirst);
      const late = capture.observations.filter(() => chance() < 0.2);
      const inTime = capture.observations.filter((one) => !late.includes(one));
      const pipeline = pipelineOver(capture.objects);
      const segments: Segment[] = [];
      for (const observation of inTime) pipeline.push(observation);
      const newest = Math.max(...inTime.map((one) => one.last.at));
      segments.push(...pipeline.advance(newest + 3_600_000_000));
      for (const observation of late) pipeline.push(observation);
      segments.push(...pipeline.finish());
      const spans = segments.flatMap((segment) => segment.spans);
      assert.equal(new Set(spans.map((span) => `${span.traceId}/${span.spanId}`)).size, spans.length);
      const told = toldBy(spans);
      assert.equal(new Set(told).size, told.length);
      const missing = capture.observations.filter((one) => !told.includes(`${one.uid}#${one.n}`));
      assert.deepEqual(
        missing.map((one) => `${one.reason} ${one.uid}#${one.n}`),
        [],
      );
      const bornLate = new Set(late.map((one) => `${one.uid}#${one.n}`));
      assert.ok([...bornLate].every((id) => told.includes(id)));
    });
  }
});
