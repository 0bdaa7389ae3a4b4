/** What a CloudEvent of the Broker `events` brings: an Event, a version of an object, a tick, or nothing. */
import type { ReceivedEvent } from '../events/cloudevents.ts';
import { textField } from '../events/json.ts';
import type { Micros, Observation } from '../events/observation.ts';
import { parseEvent } from '../events/parse-event.ts';
import { parseTimestamp } from '../events/time.ts';
import { missedType, tickType } from '../process/event-selection.ts';
import type { ObjectVersion } from './object.ts';
import { parseObject } from './parse-object.ts';

export type ClassifiedEvent =
  | { readonly kind: 'event'; readonly cluster: string; readonly observation: Observation }
  | { readonly kind: 'object'; readonly cluster: string; readonly version: ObjectVersion }
  | { readonly kind: 'tick' }
  /** An Event's deletion is only its expiry; other types are not for us. */
  | { readonly kind: 'ignored'; readonly why: 'expired' | 'type' }
  | { readonly kind: 'refused'; readonly reason: string };

const notified = 'dev.knative.apiserver.resource.';
const clusterPattern = /^[A-Za-z0-9._:/-]{0,253}$/;

/** `own` is the cluster of events that do not say theirs; `now` dates an object whose notification has no time. */
export function classifyEvent(event: ReceivedEvent, own: string, now: Micros): ClassifiedEvent {
  if (event.type === tickType) return { kind: 'tick' };
  const isNotice = event.type.startsWith(notified);
  if (!isNotice && event.type !== missedType) return { kind: 'ignored', why: 'type' };
  const cluster = event.extensions['cluster'] ?? own;
  if (!clusterPattern.test(cluster))
    return { kind: 'refused', reason: `Cannot take event: its cluster is '${cluster.slice(0, 50)}', wanted letters, digits and ._:/-` };
  const gone = event.type === `${notified}delete`;
  if (textField(event.data, 'kind') === 'Event') {
    if (gone) return { kind: 'ignored', why: 'expired' };
    const parsed = parseEvent(event.data);
    return parsed.ok ? { kind: 'event', cluster, observation: parsed.value } : { kind: 'refused', reason: parsed.reason };
  }
  if (!isNotice) return { kind: 'refused', reason: 'Cannot take event: its data is no Kubernetes Event' };
  const parsed = parseObject(event.data);
  if (!parsed.ok) return { kind: 'refused', reason: parsed.reason };
  return { kind: 'object', cluster, version: { object: parsed.value, seenAt: parseTimestamp(event.time) ?? now, gone } };
}
