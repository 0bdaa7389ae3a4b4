/**
 * Kubernetes Event -> Observation, for both views of the API (core/v1 and events.k8s.io/v1). The only maker of observations. Missing
 * fields stay empty: an incomplete Event is used; only input that is not an Event is refused.
 *
 * Time of occurrence 1: the nanoseconds in the Event's name, else eventTime, else firstTimestamp. Of occurrence n: the series'
 * lastObservedTime, else lastTimestamp; never the name, which holds the time of the first.
 *
 * A reporter's clock may be far ahead; the Event would stay undecided until then. creationTimestamp is from the API server's clock: if the
 * first occurrence claims to be hours later, all times of the Event are moved back by the difference.
 */
import { createHash } from 'node:crypto';
import { namespaceOf } from './cluster-scoped.ts';
import { field, isJson, numberField, pickField, type Result, textField } from './json.ts';
import { type Instant, type Micros, type ObjectRef, type Observation, toObservation } from './observation.ts';
import { goDurationMicros, nameSuffixTime, parseTimestamp } from './time.ts';

export const messageMost = 64 * 1_024;
export const countMost = 2 ** 31 - 1;
/** The time in the name is used if it is this close to the stated one: an Event re-created under its old name keeps the old suffix. */
const suffixTrusted: Micros = 10_000_000;
const wholeSecond: Micros = 999_999;
/** A clock further ahead than this is wrong. */
const aheadMost: Micros = 3_600_000_000;
/** An annotation: times of the Event are no more exact than this Go duration. */
const resolutionKey = 'knspan.time.resolution';
/** Reasons of Kubernetes 1.0 and 1.1, which later versions write with a capital. */
const earlyReasons: ReadonlySet<string> = new Set(
  (
    'scheduled failedScheduling pulling pulled created started killing failed failedSync backOff unhealthy rebooted starting nodeReady ' +
    'nodeNotReady successfulCreate successfulDelete failedCreate outOfDisk failedMount'
  ).split(' '),
);
const mergedPrefix = '(combined from similar events): ';
export const keptAnnotations: readonly string[] = [
  'tracing.k8s.io/traceparent',
  'traceparent',
  'topLevelSpan',
  'kustomize.toolkit.fluxcd.io/revision',
  'source.toolkit.fluxcd.io/revision',
  'helm.toolkit.fluxcd.io/revision',
  'argocd.argoproj.io/tracking-id',
  'tekton.dev/pipelineRun',
  'tekton.dev/taskRun',
  // How the Event was read, where that makes it less exact.
  'knspan.input',
];

/** An Event without a usable time is dated to the epoch, so that it is shown rather than dropped. */
export const unknownTime: Instant = { at: 0, uncertainty: 0 };

export function isEventLike(value: unknown): boolean {
  if (!isJson(value)) return false;
  if (field(value, 'kind') === 'Event') return true;
  return field(value, 'kind') === undefined && (isJson(field(value, 'involvedObject')) || isJson(field(value, 'regarding')));
}

export function parseEvent(value: unknown): Result<Observation> {
  if (!isJson(value))
    return {
      ok: false,
      reason: `Cannot read Event: wanted an object, found ${Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value}`,
    };
  if (!isEventLike(value))
    return { ok: false, reason: `Cannot read Event: kind is '${textField(value, 'kind', 60) || 'absent'}', wanted 'Event'` };
  const metadata = field(value, 'metadata');
  const name = textField(metadata, 'name');
  const namespace = textField(metadata, 'namespace');
  const rawMessage = textField(value, 'message', messageMost) || textField(value, 'note', messageMost);
  const message = stripMerged(rawMessage);
  const source = isJson(field(value, 'source')) ? field(value, 'source') : field(value, 'deprecatedSource');
  const involvedRaw = isJson(field(value, 'involvedObject')) ? field(value, 'involvedObject') : field(value, 'regarding');
  const involved = toRef(involvedRaw, namespace);
  const fieldPath = textField(involvedRaw, 'fieldPath');
  const n = countOf(value);
  const { first, last } = timesOf(value, metadata, name, n);
  const related = field(value, 'related');
  return {
    ok: true,
    value: toObservation({
      uid: textField(metadata, 'uid') || standIn(namespace, name, value),
      name,
      namespace,
      resourceVersion: textField(metadata, 'resourceVersion'),
      n,
      first,
      last,
      reporter: textField(value, 'reportingComponent') || textField(value, 'reportingController') || textField(source, 'component'),
      instance: textField(source, 'host') || textField(value, 'reportingInstance'),
      type: field(value, 'type') === 'Warning' ? 'Warning' : 'Normal',
      reason: reasonOf(textField(value, 'reason')),
      action: textField(value, 'action'),
      message,
      merged: message.length < rawMessage.length,
      involved,
      involvedVersion: textField(involvedRaw, 'resourceVersion'),
      fieldPath,
      container: /^spec\.(?:containers|initContainers|ephemeralContainers)\{([^}]+)\}$/.exec(fieldPath)?.[1] ?? '',
      related: isJson(related) && textField(related, 'kind') !== '' ? toRef(related, namespace) : null,
      annotations: pickField(metadata, 'annotations', keptAnnotations),
    }),
  };
}

function reasonOf(reason: string): string {
  return earlyReasons.has(reason) ? reason.charAt(0).toUpperCase() + reason.slice(1) : reason;
}

function toRef(value: unknown, namespace: string): ObjectRef {
  const kind = textField(value, 'kind');
  const name = textField(value, 'name');
  const uid = textField(value, 'uid');
  const apiVersion = textField(value, 'apiVersion');
  return {
    apiVersion,
    kind,
    namespace: namespaceOf(kind, apiVersion, textField(value, 'namespace'), namespace),
    name,
    uid: uid === name ? '' : uid,
  };
}

function countOf(value: unknown): number {
  const count = numberField(field(value, 'series'), 'count') ?? numberField(value, 'count') ?? numberField(value, 'deprecatedCount') ?? 1;
  return Math.max(1, Math.min(countMost, Math.floor(count)));
}

function timesOf(value: unknown, metadata: unknown, name: string, n: number): { first: Instant; last: Instant } {
  const first = firstTime(value, metadata, name);
  const last = n === 1 ? first : lastTime(value, first);
  const resolution = goDurationMicros(textField(field(metadata, 'annotations'), resolutionKey));
  if (resolution !== null) return { first: roughly(first, resolution), last: roughly(last, resolution) };
  const created = parseTimestamp(field(metadata, 'creationTimestamp'));
  if (created === null || first.at <= created + aheadMost) return { first, last };
  const moved = ({ at }: Instant): Instant => ({ at: at - first.at + created, uncertainty: wholeSecond });
  return { first: moved(first), last: moved(last) };
}

/** A time that an Event's name says is exact, however the others were read. */
function roughly(time: Instant, resolution: Micros): Instant {
  return time.uncertainty === 0 ? time : { at: time.at, uncertainty: resolution };
}

function firstTime(value: unknown, metadata: unknown, name: string): Instant {
  const eventTime = parseTimestamp(field(value, 'eventTime'));
  const firstStamp = parseTimestamp(field(value, 'firstTimestamp')) ?? parseTimestamp(field(value, 'deprecatedFirstTimestamp'));
  const stated = eventTime ?? firstStamp;
  const suffix = nameSuffixTime(name);
  if (suffix !== null && (stated === null || Math.abs(suffix - stated) < suffixTrusted)) return { at: suffix, uncertainty: 0 };
  if (eventTime !== null) return { at: eventTime, uncertainty: eventTime % 1_000_000 === 0 ? wholeSecond : 0 };
  const rough = firstStamp ?? parseTimestamp(field(metadata, 'creationTimestamp')) ?? lastStamp(value);
  return rough === null ? unknownTime : { at: rough, uncertainty: wholeSecond };
}

function lastTime(value: unknown, first: Instant): Instant {
  const observed = parseTimestamp(field(field(value, 'series'), 'lastObservedTime'));
  const found: Instant | null = observed !== null ? { at: observed, uncertainty: 0 } : rough(lastStamp(value));
  if (found === null) return first;
  // Truncated to seconds, a repeat may appear to precede the first occurrence.
  return found.at < first.at ? { at: first.at, uncertainty: Math.max(0, found.at + found.uncertainty - first.at) } : found;
}

function rough(at: Micros | null): Instant | null {
  return at === null ? null : { at, uncertainty: wholeSecond };
}

function lastStamp(value: unknown): Micros | null {
  return parseTimestamp(field(value, 'lastTimestamp')) ?? parseTimestamp(field(value, 'deprecatedLastTimestamp'));
}

function stripMerged(message: string): string {
  let text = message;
  while (text.startsWith(mergedPrefix)) text = text.slice(mergedPrefix.length);
  return text;
}

/** The identity of an Event without uid: its namespace and name, else its content. */
function standIn(namespace: string, name: string, value: unknown): string {
  if (name !== '') return `synthetic:${namespace}/${name}`;
  return `synthetic:${createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)}`;
}
