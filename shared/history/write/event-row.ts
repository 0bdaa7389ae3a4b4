/** An Event as a row of `history.events`: every field that the parser reads has a column, so that the Event can be written again. */
import type { Meaning } from '../../correlation/rules/rule.ts';
import type { Micros, ObjectRef, Observation } from '../../events/observation.ts';
import { timeText } from '../time.ts';
import { nameText, objectUuid, storable, uuidOf } from './identity.ts';

/** As `json_to_recordset` reads it; the names are those of the columns. */
export interface EventRow {
  readonly at: string;
  readonly first_at: string | null;
  readonly version: string | null;
  readonly involved_version: string | null;
  readonly event_uid: string;
  readonly object_uid: string;
  readonly n: number;
  readonly uncertainty_ms: number;
  readonly cluster: number;
  readonly failed: boolean;
  readonly warning: boolean;
  readonly merged: boolean;
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly reason: string;
  readonly message: string;
  readonly component: string;
  readonly rule: string;
  readonly api: string;
  readonly instance: string | null;
  readonly container: string | null;
  readonly field_path: string | null;
  readonly action: string | null;
  readonly event_name: string;
  readonly event_namespace: string | null;
  readonly related: ObjectRef | null;
  readonly annotations: Readonly<Record<string, string>> | null;
  /** No columns: what the Event changes about its object. */
  readonly restarts: number;
  readonly stops: boolean;
}

export interface ClusterRef {
  readonly id: number;
  readonly name: string;
}

export function eventRow(cluster: ClusterRef, observation: Observation, meaning: Meaning): EventRow {
  const { first, last, involved, related, annotations, container, fieldPath, n } = observation;
  return {
    at: timeText(last.at),
    first_at: n === 1 ? null : timeText(first.at),
    version: versionNumber(observation.resourceVersion),
    involved_version: versionNumber(observation.involvedVersion),
    event_uid: uuidOf(observation.uid),
    object_uid: objectUuid(cluster.name, involved),
    n,
    uncertainty_ms: milliseconds(last.uncertainty),
    cluster: cluster.id,
    failed: isFailure(observation, meaning),
    warning: observation.type === 'Warning',
    merged: observation.merged,
    namespace: nameText(involved.namespace),
    kind: nameText(involved.kind),
    name: nameText(involved.name),
    reason: storable(observation.reason),
    message: storable(observation.message),
    component: storable(observation.reporter),
    rule: meaning.rule,
    api: storable(involved.apiVersion),
    instance: optional(observation.instance),
    container: optional(container),
    field_path: container !== '' && fieldPath === `spec.containers{${container}}` ? null : optional(fieldPath),
    action: optional(observation.action),
    event_name: storable(shortName(observation)),
    event_namespace: observation.namespace === involved.namespace ? null : storable(observation.namespace),
    related: related && storableRef(related),
    annotations: Object.keys(annotations).length === 0 ? null : storableMap(annotations),
    // A container's first start is no restart, each later one is.
    restarts: observation.reason === 'Started' && n > 1 ? 1 : 0,
    stops: meaning.verb === 'stop',
  };
}

/** What the rules call a failure, however it is typed: a node that gets NotReady is a Normal Event. Else the type Warning. */
function isFailure({ type }: Observation, { class: role, fails, probe, begins, groups }: Meaning): boolean {
  return type === 'Warning' || role === 'failure' || fails || probe || begins === 'outage' || groups['outcome'] === 'Failed';
}

/** Most Events are called after their object. */
function shortName({ name, involved }: Observation): string {
  return involved.name !== '' && name.startsWith(`${involved.name}.`) ? name.slice(involved.name.length) : name;
}

function versionNumber(text: string): string | null {
  return /^\d{1,18}$/.test(text) ? text : null;
}

function milliseconds(uncertainty: Micros): number {
  return Math.min(2 ** 31 - 1, Math.ceil(uncertainty / 1_000));
}

function optional(text: string): string | null {
  return text === '' ? null : storable(text);
}

function storableRef(ref: ObjectRef): ObjectRef {
  const { apiVersion, kind, namespace, name, uid } = ref;
  return {
    apiVersion: storable(apiVersion),
    kind: storable(kind),
    namespace: storable(namespace),
    name: storable(name),
    uid: storable(uid),
  };
}

function storableMap(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [storable(key), storable(value)]));
}
