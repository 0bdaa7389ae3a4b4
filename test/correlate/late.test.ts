/** What comes after its time was decided is told once, also where a later event of the same call refers to it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseEvent } from '../../shared/cloudevent/parse.ts';
import { ObjectIndex } from '../../shared/objects/index.ts';
import { eventsOf, storyBegan } from '../helpers/story.ts';
import { checkTold, pipelineOver } from '../helpers/trace.ts';

const second = 1_000_000;

it('a run whose beginning is late and whose end is in time', () => {
  const observations = eventsOf(`0 cronjob-controller | CronJob/report | SuccessfulCreate | Created job report-29920125
3 cronjob-controller | CronJob/report | SuccessfulCreate | Created job report-29920126
8 cronjob-controller | CronJob/report | SawCompletedJob | Saw completed job: report-29920125, condition: Complete`).map((event) => {
    const parsed = parseEvent(event);
    assert.ok(parsed.ok);
    return parsed.value;
  });
  const [begin, other, end] = observations;
  assert.ok(begin && other && end);
  const pipeline = pipelineOver(new ObjectIndex());
  pipeline.push(other);
  const segments = [...pipeline.advance(storyBegan + 26 * second)];
  pipeline.push(begin);
  pipeline.push(end);
  segments.push(...pipeline.finish());
  checkTold(segments, observations);
});
