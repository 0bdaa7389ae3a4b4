/** Makes an Observation of a few fields for tests; all others are plausible and constant. */
import { type ObjectRef, type Observation, type ObservationData, toObservation } from '../../shared/events/observation.ts';

export interface ObservationFields extends Partial<Omit<ObservationData, 'involved'>> {
  readonly involved?: Partial<ObjectRef>;
}

export function observation(fields: ObservationFields = {}): Observation {
  const at = 1_763_680_000_000_000;
  return toObservation({
    uid: '5f1c2a3b-0000-4000-8000-000000000001',
    name: 'thing.18799a2b3c4d5e6f',
    namespace: fields.involved?.namespace ?? 'shop',
    resourceVersion: '1001',
    n: 1,
    first: { at, uncertainty: 0 },
    last: { at, uncertainty: 0 },
    reporter: '',
    instance: '',
    type: 'Normal',
    reason: '',
    action: '',
    message: '',
    merged: false,
    involvedVersion: '1000',
    fieldPath: '',
    container: '',
    related: null,
    annotations: {},
    ...fields,
    involved: { apiVersion: '', kind: '', namespace: 'shop', name: 'thing', uid: '', ...fields.involved },
  });
}
