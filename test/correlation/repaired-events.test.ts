/** A gap in the notifications that is repaired before the decision leaves no mark on the trace. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { second } from '../../shared/correlation/settling-times.ts';
import { told } from '../helpers/story.ts';
import { pipelineOver, replay, textOf } from '../helpers/trace.ts';

const rollout = `0 deployment-controller | Deployment/web | ScalingReplicaSet | Scaled up replica set web-a from 0 to 2
0.02 replicaset-controller | ReplicaSet/web-a | SuccessfulCreate | Created pod: web-a-1
0.03 replicaset-controller | ReplicaSet/web-a | SuccessfulCreate | Created pod: web-a-2
0.04 (starts) | Pod/web-a-1 | node-1
0.05 (starts) | Pod/web-a-2 | node-1`;
/** The gap is found when it is a minute old. */
const foundAfter = 90 * second;

describe('a gap that is repaired', () => {
  for (const [what, isLost] of [
    ['the ends of the pulls and the containers', (reason: string) => ['Pulled', 'Created', 'Started'].includes(reason)],
    ['the starts of the containers', (reason: string) => reason === 'Started'],
    ['all that the kubelet says', (reason: string) => ['Pulling', 'Pulled', 'Created', 'Started'].includes(reason)],
  ] as const) {
    it(`${what}: the same spans, and the change settles when they are there`, () => {
      const { observations, objects } = told(rollout);
      const began = Math.min(...observations.map(({ last }) => last.at));
      const pipeline = pipelineOver(objects);
      const early = observations.filter(({ reason }) => !isLost(reason));
      assert.ok(early.length < observations.length);
      for (const observation of early) pipeline.push(observation);
      for (let at = 0; at < foundAfter; at += 10 * second) assert.deepEqual(pipeline.advance(began + at), []);
      for (const observation of observations) pipeline.push(observation);
      assert.deepEqual(textOf(pipeline.advance(began + foundAfter)), textOf(replay({ observations, objects })));
    });
  }
});
