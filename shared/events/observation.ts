/**
 * The parsed notification about one Kubernetes Event: the only form in which the rest of knspan knows an Event.
 * `parse-event.ts` says how times and identities are chosen.
 */

/** Microseconds since the Unix epoch, a safe integer (a double holds them exactly until the year 2255). */
export type Micros = number;

/** One Kubernetes object as an Event names it. An absent field is the empty string. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Empty where the Event has none or one that cannot be true (kubelet writes the node's name as its uid). */
  readonly uid: string;
}

/** An instant and how much later the truth may lie: Kubernetes cuts most times to whole seconds. */
export interface Instant {
  readonly at: Micros;
  /** The truth lies in [at, at + uncertainty]. 0 for times known to the microsecond. */
  readonly uncertainty: Micros;
}

/** What one notification tells about one Event object. */
export interface ObservationData {
  /** metadata.uid of the Event, or a stand-in derived from its namespace and name (`synthetic:`...) where it has none. */
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  /** metadata.resourceVersion of the Event: order of writes among Events. */
  readonly resourceVersion: string;
  /** Which occurrence this notification tells of, from 1 (`count` or `series.count`). */
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
  /** True when the recorder merged several messages into this Event: it knows the last one only. */
  readonly merged: boolean;
  readonly involved: ObjectRef;
  /** involvedObject.resourceVersion: the version that the controller had in hand. */
  readonly involvedVersion: string;
  /** involvedObject.fieldPath, e.g. `spec.containers{app}`. */
  readonly fieldPath: string;
  /** The container that fieldPath names, else the empty string. */
  readonly container: string;
  readonly related: ObjectRef | null;
  /** The few annotations that mean something to knspan (trace parents, deploy tools); values at most 1 KiB. */
  readonly annotations: Readonly<Record<string, string>>;
}

declare const parsed: unique symbol;

/** Made only in this folder: by `parseEvent`, or of the text that was made of one. No literal has this type. */
export type Observation = ObservationData & { readonly [parsed]: true };

export function toObservation(data: ObservationData): Observation {
  markParsed(data);
  return data;
}

function markParsed(_data: ObservationData): asserts _data is Observation {}
