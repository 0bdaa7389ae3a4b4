/** CloudEvent -> typed input of a function, parsed by type: malformed segments and Events never reach the function. */
import type { ReceivedEvent } from '../events/cloudevents.ts';
import { isJson, type Result } from '../events/json.ts';
import type { Observation } from '../events/observation.ts';
import { parseEvent } from '../events/parse-event.ts';
import { eventTypes, missedType } from '../process/event-selection.ts';
import { isSegmentType, parseSegmentEvent } from '../spans/segment-event.ts';
import type { Segment } from '../spans/span.ts';

interface Envelope<T extends string> {
  readonly type: T;
  readonly id: string;
  readonly source: string;
  /** Empty if absent, like `time`. */
  readonly subject: string;
  readonly time: string;
  readonly extensions: Readonly<Record<string, string>>;
}

/** A part of a trace. Its spans are grouped by service, not parents first. */
export interface SegmentInput<T extends string = string> extends Envelope<T> {
  readonly kind: 'segment';
  readonly segment: Segment;
  readonly part: number;
  readonly parts: number;
}

/** A Kubernetes Event from its source. */
export interface KubernetesInput<T extends string = string> extends Envelope<T> {
  readonly kind: 'event';
  readonly observation: Observation;
}

export interface OtherInput<T extends string = string> extends Envelope<T> {
  readonly kind: 'other';
  /** Parsed JSON; undefined if there is none. */
  readonly data: unknown;
}

type SegmentType = 'dev.knspan.trace.segment' | `dev.knspan.trace.segment.${string}`;
type KubernetesType = 'dev.knative.apiserver.resource.add' | 'dev.knative.apiserver.resource.update' | 'dev.knspan.event.missed';

/** The input of a function for each of its types. */
export type Input<T extends string> = T extends SegmentType
  ? SegmentInput<T>
  : T extends KubernetesType
    ? KubernetesInput<T>
    : OtherInput<T>;
export type AnyInput = SegmentInput | KubernetesInput | OtherInput;

export function parseInput(event: ReceivedEvent): Result<AnyInput> {
  const { type, id, source, subject, time, extensions } = event;
  const envelope = { type, id, source, subject, time, extensions };
  if (isSegmentType(type)) {
    const parsed = parseSegmentEvent(event);
    return parsed.ok ? { ok: true, value: { kind: 'segment', ...envelope, ...parsed.value } } : parsed;
  }
  if (eventTypes.includes(type) || type === missedType) {
    const parsed = parseEvent(event.data);
    return parsed.ok ? { ok: true, value: { kind: 'event', ...envelope, observation: parsed.value } } : parsed;
  }
  return { ok: true, value: { kind: 'other', ...envelope, data: event.data } };
}

/** `parseInput` returns for each type the form that `Input` declares. */
export function isInput<T extends string>(input: unknown, types: readonly T[]): input is Input<T> {
  return isJson(input) && types.some((type) => type === input['type']);
}
