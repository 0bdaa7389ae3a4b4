/** Captures with labels, their traces, and the invariants of every trace. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { load, loadRules } from '../../shared/cli/input/load-input.ts';
import { Pipeline } from '../../shared/cli/pipeline.ts';
import { digestOf } from '../../shared/correlation/ids.ts';
import type { Observation } from '../../shared/events/observation.ts';
import type { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import type { Attributes, Segment, Span } from '../../shared/spans/span.ts';

export const captures = [
  'crashloop',
  'daemonset-update',
  'deployment-create',
  'deployment-rollout',
  'image-pull-error',
  'job-and-cronjob',
  'statefulset-with-claims',
];
/** watch: Events only; objects: and their last state; full: and every state; dump: what `kubectl get` shows at the end. */
export const modes = ['watch', 'objects', 'full', 'dump'] as const;
export type Mode = (typeof modes)[number];

export interface Capture {
  readonly observations: readonly Observation[];
  readonly objects: ObjectIndex;
}

const loaded = await loadRules([], false);
assert.ok(loaded.ok);
const builtIn = loaded.rules;

export function pipelineOver(objects: ObjectIndex, budget = 1_000, cluster = 'test', rules = builtIn): Pipeline {
  return new Pipeline({ rules, objects, cluster, budget });
}

export function folderOf(name: string): string {
  return fileURLToPath(new URL(`../replay/captures/${name}/`, import.meta.url));
}

export async function loadCapture(name: string, mode: Mode): Promise<Capture> {
  const folder = folderOf(name);
  const objects = mode === 'objects' ? [`${folder}objects.json`] : mode === 'full' ? [`${folder}objects-watch.jsonl`] : [];
  return load([mode === 'dump' ? `${folder}events.json` : `${folder}watch.jsonl`], { objects, stdin: Readable.from([]) });
}

export function replay({ observations, objects }: Capture, rules = builtIn): Segment[] {
  const pipeline = pipelineOver(objects, 1_000, 'test', rules);
  for (const observation of observations) pipeline.push(observation);
  return pipeline.finish();
}

/** Spans as text in one order, to compare two outputs. */
export function textOf(segments: readonly Segment[]): string[] {
  return segments
    .flatMap((segment) => segment.spans)
    .map(spanText)
    .sort();
}

export function spanText(span: Span): string {
  const sorted = (attributes: Attributes) => Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({
    ...span,
    attributes: sorted(span.attributes),
    events: span.events.map((event) => ({ ...event, attributes: sorted(event.attributes) })),
  });
}

/** Which occurrences (uid#n) spans and span events tell; folds apart. */
export function toldBy(spans: readonly Span[]): string[] {
  const told: string[] = [];
  const add = (attributes: Attributes) => {
    const uid = attributes['k8s.event.uid'];
    if (typeof uid === 'string' && attributes['knspan.fold.events'] === undefined)
      told.push(`${uid}#${attributes['k8s.event.count'] ?? 1}`);
  };
  for (const span of spans) {
    add(span.attributes);
    for (const event of span.events) add(event.attributes);
  }
  return told;
}

/** One root a trace, known parents, children inside parents, sane ids and durations. */
export function checkShape(segments: readonly Segment[]): void {
  for (const { spans, traceId } of segments) {
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    assert.equal(byId.size, spans.length, 'span ids are unique');
    assert.match(traceId, /^(?!0+$)[0-9a-f]{32}$/);
    assert.equal(spans.filter((span) => span.parentSpanId === '').length, 1, 'one root');
    for (const span of spans) {
      assert.match(span.spanId, /^(?!0+$)[0-9a-f]{16}$/);
      assert.ok(span.end > span.start, `${span.title} lasts`);
      if (span.parentSpanId === '') continue;
      const parent = byId.get(span.parentSpanId);
      assert.ok(parent, `${span.title} has a parent`);
      assert.ok(parent.start <= span.start && span.end <= parent.end, `${span.title} lies inside ${parent.title}`);
    }
  }
}

/** Every occurrence that the observations tell of is told exactly once, in the open or in a fold. */
export function checkTold(segments: readonly Segment[], observations: readonly Observation[]): void {
  const spans = segments.flatMap((segment) => segment.spans);
  const wanted = new Set(observations.flatMap((one) => [`${one.uid}#1`, `${one.uid}#${one.n}`]));
  const told = toldBy(spans);
  assert.equal(new Set(told).size, told.length, 'nothing is told twice');
  const hidden = [...wanted].filter((id) => !told.includes(id));
  const folds = spans.filter((span) => span.attributes['knspan.fold.events'] !== undefined);
  const folded = folds.reduce((sum, span) => sum + Number(span.attributes['knspan.fold.events']), 0);
  assert.equal(folded, hidden.length, 'what is not told in the open is counted in folds');
  const sum = folds.reduce((all, span) => (all + BigInt(`0x${span.attributes['knspan.fold.digest']}`)) & 0xffffffffffffffffn, 0n);
  assert.equal(sum.toString(16).padStart(16, '0'), digestOf(hidden), 'the digests of the folds are those of what is hidden');
}

export interface Labels {
  readonly events: Readonly<
    Record<
      string,
      { readonly change: string; readonly altChanges?: readonly string[]; readonly parents: readonly string[]; readonly mayBeRoot: boolean }
    >
  >;
}

export function labelsOf(name: string): Labels {
  return JSON.parse(readFileSync(`${folderOf(name)}labels.json`, 'utf8'));
}
