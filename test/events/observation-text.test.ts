/** Observations as compact text: what is read is what was written, field for field and in the same order. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type Instant, type ObjectRef, type Observation, toObservation } from '../../shared/events/observation.ts';
import { type ObservationFields, observationFields, observationOf } from '../../shared/events/observation-text.ts';
import { captures, loadCapture } from '../helpers/trace.ts';

function again(one: Observation): Observation {
  const fields: ObservationFields = JSON.parse(JSON.stringify(observationFields(one)));
  return observationOf(fields);
}

const text = fc.string({ unit: 'binary' });
const instant: fc.Arbitrary<Instant> = fc.record({ at: fc.maxSafeNat(), uncertainty: fc.nat() });
const ref: fc.Arbitrary<ObjectRef> = fc.record({ apiVersion: text, kind: text, namespace: text, name: text, uid: text });
const names = { uid: text, name: text, namespace: text, resourceVersion: text };
const times = { n: fc.nat(), first: instant, last: instant };
const said = { reporter: text, instance: text, type: fc.constantFrom('Normal', 'Warning'), reason: text, action: text, message: text };
const about = { merged: fc.boolean(), involved: ref, involvedVersion: text, fieldPath: text, container: text };
const more = { related: fc.option(ref), annotations: fc.dictionary(text, text, { noNullPrototype: true }) };
const any: fc.Arbitrary<Observation> = fc.record({ ...names, ...times, ...said, ...about, ...more }).map(toObservation);

it('observationFields and observationOf keep whatever an Observation holds', () => {
  fc.assert(fc.property(any, (one) => assert.equal(JSON.stringify(again(one)), JSON.stringify(one))));
});

it('observationFields of a recorded Event are at most two thirds as long as its JSON', async () => {
  for (const name of captures)
    for (const one of (await loadCapture(name, 'watch')).observations) {
      assert.deepEqual(again(one), one);
      assert.ok(JSON.stringify(observationFields(one)).length < (JSON.stringify(one).length * 2) / 3);
    }
});
