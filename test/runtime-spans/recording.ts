/**
 * Recordings of a real cluster with runtime tracing: Events, spans, and for each runtime trace its Events, derived from the audit log.
 * Described in `recordings/README.md`.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Pipeline } from '../../shared/cli/pipeline.ts';
import { builtInRules } from '../../shared/correlation/rules/built-in/index.ts';
import { compileRules } from '../../shared/correlation/rules/match.ts';
import { field, listField, textField } from '../../shared/events/json.ts';
import type { Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { SpanBatch } from '../../shared/runtime-spans/read/make-span.ts';
import { readOtlpJson } from '../../shared/runtime-spans/read/otlp-json.ts';
import type { RuntimeSpan } from '../../shared/runtime-spans/runtime-span.ts';
import type { Segment } from '../../shared/spans/span.ts';

export const recordings = ['deployment-create', 'crashloop', 'statefulset-with-claims'] as const;

export interface Label {
  readonly trace: string;
  readonly what: string;
  /** Under which it may hang; none: anywhere in the trace of its change. */
  readonly events: readonly string[];
  /** A good trace may leave it out. */
  readonly optional: boolean;
}

export interface Recording {
  readonly segments: readonly Segment[];
  readonly spans: readonly RuntimeSpan[];
  /** The requests that brought them, as OTLP/JSON. */
  readonly requests: readonly unknown[];
  /** Events and the requests in the order in which they came. */
  readonly arrivals: readonly Arrival[];
  readonly labels: readonly Label[];
}

export interface Arrival {
  /** ms. */
  readonly at: number;
  /** Null: a request. */
  readonly event: Observation | null;
  readonly request: unknown;
}

export function fileOf(name: string, file: string): string {
  return new URL(`recordings/${name}/${file}.gz`, import.meta.url).pathname;
}

export function readRecording(name: string): Recording {
  const requests = linesOf(name, 'spans.jsonl');
  const batch = new SpanBatch(Number.POSITIVE_INFINITY);
  for (const request of requests) readOtlpJson(request, batch);
  const events = eventsOf(name);
  const pipeline = newPipeline();
  for (const { event } of events) if (event !== null) pipeline.push(event);
  const arrivals = [...events, ...requests.map((request): Arrival => ({ at: arrivalOf(request), event: null, request }))];
  return {
    segments: pipeline.finish(),
    spans: batch.spans,
    requests,
    arrivals: arrivals.sort((a, b) => a.at - b.at),
    labels: labelsOf(name),
  };
}

export function newPipeline(): Pipeline {
  return new Pipeline({ rules: compileRules(builtInRules), objects: new ObjectIndex() });
}

function eventsOf(name: string): Arrival[] {
  return linesOf(name, 'watch.jsonl').flatMap((notification): Arrival[] => {
    const parsed = parseEvent(field(notification, 'object'));
    if (!parsed.ok || textField(notification, 'type') === 'DELETED') return [];
    return [{ at: arrivalOf(notification), event: parsed.value, request: null }];
  });
}

function arrivalOf(line: unknown): number {
  return Date.parse(textField(line, 'receivedAt'));
}

function labelsOf(name: string): Label[] {
  const [all] = linesOf(name, 'labels.json');
  const changes = Object.entries(field(all, 'changes') ?? {});
  return listField(all, 'belongs', 10_000).map((label) => {
    const events = listField(label, 'events', 10_000).map(String);
    const change = textField(label, 'change');
    const ofChange = changes.filter(([, other]) => other === change).map(([uid]) => uid);
    return {
      trace: textField(label, 'trace'),
      what: textField(label, 'what'),
      events: events.length > 0 ? events : ofChange,
      optional: field(label, 'optional') === true,
    };
  });
}

function linesOf(name: string, file: string): unknown[] {
  const text = gunzipSync(readFileSync(fileOf(name, file))).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}
