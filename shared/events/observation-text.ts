/**
 * Observation <-> compact text, for the store and for temporary files: the fields in a fixed order, without names. Half as long as JSON
 * with names, and twice as fast to write and read.
 */
import { type Instant, type ObjectRef, type Observation, toObservation } from './observation.ts';

export type RefFields = readonly [apiVersion: string, kind: string, namespace: string, name: string, uid: string];

/** The JSON form; absent parts are 0. */
export type ObservationFields = readonly [
  uid: string,
  name: string,
  namespace: string,
  resourceVersion: string,
  n: number,
  firstAt: number,
  firstUncertainty: number,
  last: 0 | readonly [at: number, uncertainty: number],
  reporter: string,
  instance: string,
  isWarning: 0 | 1,
  reason: string,
  action: string,
  message: string,
  merged: 0 | 1,
  involved: RefFields,
  involvedVersion: string,
  fieldPath: string,
  container: string,
  related: 0 | RefFields,
  annotations: 0 | Readonly<Record<string, string>>,
];

const noAnnotations: Readonly<Record<string, string>> = {};

export function observationFields(o: Observation): ObservationFields {
  const { first, last, annotations } = o;
  return [
    o.uid,
    o.name,
    o.namespace,
    o.resourceVersion,
    o.n,
    first.at,
    first.uncertainty,
    last.at === first.at && last.uncertainty === first.uncertainty ? 0 : [last.at, last.uncertainty],
    o.reporter,
    o.instance,
    o.type === 'Warning' ? 1 : 0,
    o.reason,
    o.action,
    o.message,
    o.merged ? 1 : 0,
    refFields(o.involved),
    o.involvedVersion,
    o.fieldPath,
    o.container,
    o.related === null ? 0 : refFields(o.related),
    isEmpty(annotations) ? 0 : annotations,
  ];
}

export function observationOf(fields: ObservationFields): Observation {
  const first: Instant = { at: fields[5], uncertainty: fields[6] };
  const last = fields[7];
  return toObservation({
    uid: fields[0],
    name: fields[1],
    namespace: fields[2],
    resourceVersion: fields[3],
    n: fields[4],
    first,
    last: last === 0 ? first : { at: last[0], uncertainty: last[1] },
    reporter: fields[8],
    instance: fields[9],
    type: fields[10] === 1 ? 'Warning' : 'Normal',
    reason: fields[11],
    action: fields[12],
    message: fields[13],
    merged: fields[14] === 1,
    involved: refOf(fields[15]),
    involvedVersion: fields[16],
    fieldPath: fields[17],
    container: fields[18],
    related: fields[19] === 0 ? null : refOf(fields[19]),
    annotations: fields[20] === 0 ? noAnnotations : fields[20],
  });
}

export function refFields({ apiVersion, kind, namespace, name, uid }: ObjectRef): RefFields {
  return [apiVersion, kind, namespace, name, uid];
}

export function refOf([apiVersion, kind, namespace, name, uid]: RefFields): ObjectRef {
  return { apiVersion, kind, namespace, name, uid };
}

function isEmpty(annotations: Readonly<Record<string, string>>): boolean {
  for (const _ in annotations) return false;
  return true;
}
