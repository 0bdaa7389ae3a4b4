/** Spans in one form, from Jaeger's query API and from a direct replay, for comparison. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { home } from './installation.ts';
import { fromService, kubectl } from './kubectl.ts';

const bin = fileURLToPath(new URL('../../shared/cli/bin.js', import.meta.url));

export interface SpanForm {
  readonly trace: string;
  readonly id: string;
  /** All that is compared. */
  readonly line: string;
  /** Of the Events that it stands for: uid, and the occurrence where it is not the first. */
  readonly events: readonly string[];
}

type Attributes = ReadonlyMap<string, string>;

export interface JaegerSpan {
  readonly processID: string;
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  readonly startTime: number;
  readonly duration: number;
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
  readonly logs: readonly { readonly fields: readonly { readonly key: string; readonly value: unknown }[] }[];
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly boolValue?: boolean;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: OtlpValue }[];
  readonly events?: readonly { readonly attributes: readonly { readonly key: string; readonly value: OtlpValue }[] }[];
}

/** When a root began may be known from the object alone, which a replay of Events does not have: its end is compared. */
const timesOf = (parent: string, start: number, duration: number): number[] => (parent === '-' ? [start + duration] : [start, duration]);

/** Compared attributes: what became of it, why it is where it is. Not the evidence: an object that was looked up may be better evidence. */
const compared = ['knspan.change', 'knspan.outcome', 'knspan.phase', 'knspan.rule', 'k8s.object.uid', 'knspan.late'];

function eventsOf(all: readonly Attributes[]): string[] {
  return all.flatMap((attributes) => {
    const uid = attributes.get('k8s.event.uid');
    return uid === undefined ? [] : [`${uid}#${attributes.get('k8s.event.count') ?? '1'}`];
  });
}

function form(
  span: Omit<SpanForm, 'line' | 'events'>,
  parent: string,
  what: readonly unknown[],
  own: Attributes,
  told: Attributes[],
): SpanForm {
  const events = eventsOf([own, ...told]).sort();
  const values = compared.flatMap((key) => (own.has(key) ? [`${key}=${own.get(key)}`] : []));
  return { ...span, events, line: [span.trace, span.id, parent, ...what, ...values, ...events].join(' ') };
}

function ofJaeger(span: JaegerSpan): SpanForm {
  const attributes = (list: JaegerSpan['tags']): Attributes => new Map(list.map(({ key, value }) => [key, String(value)]));
  const parent = span.references.find(({ refType, traceID }) => refType === 'CHILD_OF' && traceID === span.traceID)?.spanID ?? '-';
  const what = [span.operationName, ...timesOf(parent, span.startTime, span.duration)];
  const told = span.logs.map(({ fields }) => attributes(fields));
  return form({ trace: span.traceID, id: span.spanID }, parent, what, attributes(span.tags), told);
}

function textOf(value: OtlpValue): string {
  if (value.arrayValue) return JSON.stringify((value.arrayValue.values ?? []).map(textOf));
  return String(value.stringValue ?? value.intValue ?? value.boolValue ?? value.doubleValue ?? '');
}

function ofOtlp(span: OtlpSpan): SpanForm {
  const attributes = (list: OtlpSpan['attributes']): Attributes => new Map(list.map(({ key, value }) => [key, textOf(value)]));
  const start = Number(BigInt(span.startTimeUnixNano) / 1_000n);
  const parent = span.parentSpanId || '-';
  const what = [span.name, ...timesOf(parent, start, Number(BigInt(span.endTimeUnixNano) / 1_000n) - start)];
  const told = (span.events ?? []).map((event) => attributes(event.attributes));
  return form({ trace: span.traceId, id: span.spanId }, parent, what, attributes(span.attributes), told);
}

export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

function query(path: string): unknown[] {
  const answer: { data?: unknown[] | null } = JSON.parse(fromService(home, 'jaeger:16686', path));
  return answer.data ?? [];
}

export const tracesOf = (service: string): JaegerTrace[] =>
  query(`/api/traces?service=${encodeURIComponent(service)}&limit=5000`) as JaegerTrace[];

export const spansOfService = (service: string): readonly JaegerSpan[] => tracesOf(service).flatMap(({ spans }) => spans);

/** All that Jaeger has. What was sent twice is there once: a copy that differs stays, and is a fault. */
export function inJaeger(): readonly SpanForm[] {
  const lines = new Map<string, SpanForm>();
  for (const found of allInJaeger()) lines.set(found.line, found);
  return [...lines.values()];
}

let looked: { readonly at: number; readonly spans: readonly SpanForm[] } = { at: Number.NEGATIVE_INFINITY, spans: [] };

/** A look that several tests share. */
export async function recentlyInJaeger(mostMs: number): Promise<readonly SpanForm[]> {
  if (Date.now() - looked.at > mostMs / 2) looked = { at: Date.now(), spans: inJaeger() };
  return looked.spans;
}

/** With every copy. */
export function allInJaeger(): readonly SpanForm[] {
  const traces = new Map<string, JaegerTrace>();
  for (const service of query('/api/services')) for (const trace of tracesOf(String(service))) traces.set(trace.traceID, trace);
  return [...traces.values()].flatMap(({ spans }) => spans.map(ofJaeger));
}

export const clusterUid = (): string => kubectl('get', 'namespace/kube-system', '-o', 'jsonpath={.metadata.uid}');

/** What a direct replay of recorded notifications says. */
export async function replayed(file: string): Promise<readonly SpanForm[]> {
  const args = [bin, 'replay', file, '--format', 'otlp-json', '--quiet', '--cluster', clusterUid()];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 });
  return stdout.split('\n').flatMap((line) => {
    if (line === '') return [];
    const request: { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] } = JSON.parse(line);
    return request.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap(({ spans }) => spans.map(ofOtlp)));
  });
}

export const linesOf = (spans: readonly SpanForm[]): string[] => spans.map(({ line }) => line).sort();
export const eventsIn = (spans: readonly SpanForm[]): string[] => spans.flatMap(({ events }) => events).sort();

/** Those traces of Jaeger that tell any of these Events, by uid. */
export function about(spans: readonly SpanForm[], uids: ReadonlySet<string>): SpanForm[] {
  const traces = new Set(
    spans.filter(({ events }) => events.some((event) => uids.has(event.split('#')[0] ?? ''))).map(({ trace }) => trace),
  );
  return spans.filter(({ trace }) => traces.has(trace));
}
