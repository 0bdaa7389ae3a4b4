/**
 * A parsed notification about one Kubernetes Event: the only form of an Event in the rest of the code. `parse-event.ts` documents how
 * times and identities are chosen.
 */

/** Microseconds since the Unix epoch, a safe integer (a double holds them exactly until the year 2255). */
export type Micros = number;

/** One Kubernetes object as an Event names it. An absent field is the empty string. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Empty if the Event has none, or an impossible one (kubelet writes the node's name as its uid). */
  readonly uid: string;
}

/** A time and its uncertainty: Kubernetes truncates most times to seconds. */
export interface Instant {
  readonly at: Micros;
  /** The true time is in [at, at + uncertainty]; 0 for times with microseconds. */
  readonly uncertainty: Micros;
}

/** The content of one notification about one Event object. */
export interface ObservationData {
  /** metadata.uid of the Event, or one derived from its namespace and name (`synthetic:`...) if it has none. */
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  /** metadata.resourceVersion of the Event: order of writes among Events. */
  readonly resourceVersion: string;
  /** The number of this occurrence, from 1 (`count` or `series.count`). */
  readonly n: number;
  /** Time of occurrence 1. */
  readonly first: Instant;
  /** Time of occurrence n; equal to `first` when n is 1. */
  readonly last: Instant;
  /** Reporting component (`kubelet`, `deployment-controller`, ...). */
  readonly reporter: string;
  /** The host or instance that reports; empty for most controllers. */
  readonly instance: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  /** Without the prefix `(combined from similar events): `; see `merged`. */
  readonly message: string;
  /** The recorder has merged several messages into this Event and kept only the last. */
  readonly merged: boolean;
  readonly involved: ObjectRef;
  /** involvedObject.resourceVersion: the version that the controller had read. */
  readonly involvedVersion: string;
  /** involvedObject.fieldPath, e.g. `spec.containers{app}`. */
  readonly fieldPath: string;
  /** The container that fieldPath names, else the empty string. */
  readonly container: string;
  readonly related: ObjectRef | null;
  /** The few annotations that knspan uses (trace parents, deploy tools); values of at most 1 KiB. */
  readonly annotations: Readonly<Record<string, string>>;
}

declare const parsed: unique symbol;

/** Made only in this folder: by `parseEvent`, or from its own text form. No literal has this type. */
export type Observation = ObservationData & { readonly [parsed]: true };

export function toObservation(data: ObservationData): Observation {
  markParsed(data);
  return data;
}

function markParsed(_data: ObservationData): asserts _data is Observation {}
