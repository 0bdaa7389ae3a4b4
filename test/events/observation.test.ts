/** Observation is a type that only the parsers make: the compiler refuses everything else, also what has all its fields. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Observation, ObservationData } from '../../shared/events/observation.ts';
import { observation } from '../helpers/observation.ts';

it('what has the fields of an Observation is none', () => {
  const data: ObservationData = { ...observation() };
  // @ts-expect-error: the check of types (`npm run check`) fails where this is permitted
  const claimed: Observation = data;
  assert.equal(claimed, data);
});
