/**
 * A cluster's story as a table of Events, and the traces of it as an outline: how causal chains are told and read in tests.
 *
 *   <seconds> <reporter> | [<apiVersion> ]<Kind>/<name> | [!]<reason> | <message> | <key>=<value> ..     (`!`: a Warning)
 *
 * Keys: `ns`, `uid` (empty: none), `event` (an Event's uid, to tell of it once more), `n` (its count), `container`, `host`,
 * `related=Kind/name`, `series` (the count is that of a series), `old` (no name that dates it, times cut to the second), `merged`,
 * `rev` (a revision, as Flux annotates it), `edited` (only the Event's metadata changed: its times are those that were told before).
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { clean } from '../../shared/cli/output/terminal.ts';
import { deliver } from '../../shared/cli/simulated-delivery.ts';
import type { Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { durationText } from '../../shared/events/quantity.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { parseObject } from '../../shared/kubernetes/parse-object.ts';
import type { Segment, Span } from '../../shared/spans/span.ts';
import { checkShape, checkTold, pipelineOver, textOf } from './trace.ts';

/** When stories begin. */
export const storyBegan = Date.UTC(2026, 5, 1, 12) * 1_000;

const versions: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
};
const withoutNamespace = ['Node', 'NodeClaim', 'PersistentVolume'];

export interface Told {
  readonly objects: ObjectIndex;
  readonly segments: readonly Segment[];
  readonly observations: readonly Observation[];
  /** All traces, as text. */
  readonly outline: string;
}

export interface Story {
  readonly title: string;
  readonly text: string;
  readonly outline: string;
}

/** The stories of a file: `# <title>`, lines as above (`object <JSON>`: an object that is known), `=>`, the outline. */
export function storiesIn(file: string): Story[] {
  const parts = readFileSync(file, 'utf8').split(/^# /m).slice(1);
  return parts.map((part) => {
    const [, title = '', text = '', outline = ''] = /^(.*)\n([\s\S]*?)^=>\n([\s\S]*)$/m.exec(part) ?? [];
    assert.ok(outline.trim() !== '', `story '${part.split('\n')[0]}' in ${file} has no outline`);
    return { title, text, outline: outline.trimEnd() };
  });
}

/** Tests that the stories of a folder have the outlines that stand below them, however they are delivered. */
export function testStories(folder: string): void {
  for (const name of readdirSync(folder))
    describe(name, () => {
      for (const { title, text, outline } of storiesIn(join(folder, name)))
        it(title, () => {
          const once = told(text);
          assert.equal(once.outline, outline);
          checkDelivery(once);
        });
    });
}

/** Out of order, doubled and in many calls, inside the lateness allowed: the same spans. */
function checkDelivery({ objects, observations, segments }: Told): void {
  const wanted = textOf(segments);
  for (let seed = 1; seed <= 10; seed += 1) {
    const got = deliver(pipelineOver(objects), observations, { seed, duplicate: 0.3, calls: seed });
    assert.deepEqual(textOf(got), wanted, `delivered by seed ${seed}`);
  }
}

/** Plays a story; what must be true of every trace is checked on the way. */
export function told(story: string): Told {
  const lines = story.split('\n');
  const objects = new ObjectIndex();
  for (const line of lines.filter((one) => one.startsWith('object '))) {
    const object = parseObject(JSON.parse(line.slice('object '.length)));
    assert.ok(object.ok, object.ok ? '' : object.reason);
    objects.add({ object: object.value, seenAt: null, gone: false });
  }
  const observations = eventsOf(lines.filter((one) => !one.startsWith('object ')).join('\n')).map((event) => {
    const parsed = parseEvent(event);
    assert.ok(parsed.ok, parsed.ok ? '' : parsed.reason);
    return parsed.value;
  });
  const pipeline = pipelineOver(objects);
  for (const observation of observations) pipeline.push(observation);
  const segments = pipeline.finish();
  checkShape(segments);
  checkTold(segments, observations);
  return { objects, segments, observations, outline: outlineOf(segments) };
}

/** The Events of a story, as the API server would give them. */
export function eventsOf(story: string): unknown[] {
  const times: Times = new Map();
  const lines = story.split('\n').flatMap((line) => (line.trim() === '' ? [] : expanded(line)));
  return lines.map((line, index) => eventOf(line, index + 1, times));
}

/** By an Event's uid: its first and its last time. */
type Times = Map<string, { readonly first: number; readonly last: number }>;

function eventOf(line: string, number: number, times: Times): unknown {
  const [when = '', on = '', said = '', message = '', more = ''] = line.split(' | ').map((part) => part.trim());
  const [, seconds, reporter] = /^([\d.]+) (.*)$/.exec(when) ?? [];
  assert.ok(seconds !== undefined && said !== '', `line ${number} of the story is '${line}'`);
  const given = new Map(more.split(' ').map((part): [string, string] => [part.split('=', 1)[0] ?? '', part.slice(part.indexOf('=') + 1)]));
  const uid = given.get('event') ?? `e${number}`;
  const told = times.get(uid);
  const at = given.has('edited') && told ? told.last : storyBegan + Math.round(Number(seconds) * 1e6);
  const first = told?.first ?? at;
  times.set(uid, { first, last: at });
  const involved = refOf(on, given);
  const n = Number(given.get('n') ?? 1);
  const iso = (time: number) => `${new Date(time / 1_000).toISOString().slice(0, 19)}Z`;
  const micro = (time: number) => `${iso(time).slice(0, -1)}.${String(time % 1_000_000).padStart(6, '0')}Z`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: given.has('old') ? `hand-made-${uid}` : `${involved.name}.${(BigInt(first) * 1_000n).toString(16)}`,
      namespace: involved.namespace || 'default',
      uid,
      resourceVersion: String(1_000 + number),
      ...(given.has('rev') ? { annotations: { 'kustomize.toolkit.fluxcd.io/revision': given.get('rev') } } : {}),
    },
    involvedObject: { ...involved, ...(given.has('container') ? { fieldPath: `spec.containers{${given.get('container')}}` } : {}) },
    reason: said.replace(/^!/, ''),
    message: `${given.has('merged') ? '(combined from similar events): ' : ''}${message.replaceAll('\\n', '\n')}`,
    type: said.startsWith('!') ? 'Warning' : 'Normal',
    source: { component: reporter, host: given.get('host') ?? '' },
    firstTimestamp: iso(first),
    lastTimestamp: iso(at),
    ...(given.has('series') ? { series: { count: n, lastObservedTime: micro(at) } } : { count: n }),
    ...(given.has('related') ? { related: refOf(given.get('related') ?? '', new Map()) } : {}),
  };
}

function refOf(text: string, given: ReadonlyMap<string, string>) {
  const [, apiVersion, kind = '', name = ''] = /^(?:(\S+) )?([A-Za-z]+)\/(\S+)$/.exec(text) ?? [];
  assert.ok(kind !== '', `'${text}' is no object, wanted Kind/name`);
  const namespace = given.get('ns') ?? (withoutNamespace.includes(kind) ? '' : 'shop');
  return { apiVersion: apiVersion ?? versions[kind] ?? 'v1', kind, namespace, name, uid: given.get('uid') ?? `${kind}-${name}-uid` };
}

/** A pod of one container that does well, in a line: `<seconds> (starts) | Pod/<name> | <node>`; `(runs)`: its image is there. */
function expanded(line: string): string[] {
  const [, from, does, pod, node] = /^\s*([\d.]+) \((starts|runs)\) \| Pod\/(\S+) \| (\S+)$/.exec(line) ?? [];
  if (from === undefined) return [line];
  const at = (seconds: number) => (Number(from) + seconds).toFixed(3);
  const step = (seconds: number, reason: string, message: string) =>
    `${at(seconds)} kubelet | Pod/${pod} | ${reason} | ${message} | container=app host=${node}`;
  const pull = [
    step(0.5, 'Pulling', 'Pulling image "shop/web:2"'),
    step(1.5, 'Pulled', 'Successfully pulled image "shop/web:2" in 1s (1s including waiting). Image size: 5 bytes.'),
  ];
  return [
    `${at(0)} default-scheduler | Pod/${pod} | Scheduled | Successfully assigned shop/${pod} to ${node}`,
    ...(does === 'starts' ? pull : []),
    step(does === 'starts' ? 1.6 : 0.6, 'Created', 'Created container: app'),
    step(does === 'starts' ? 1.8 : 0.8, 'Started', 'Started container app'),
  ];
}

/** Each trace: its title and outcome, then its spans by time, what they measure, and what is told on them (`·`). */
export function outlineOf(segments: readonly Segment[]): string {
  const roots = new Map(
    segments.flatMap(({ spans }) => spans.filter((span) => span.parentSpanId === '')).map((span) => [span.spanId, span]),
  );
  const ordered = [...roots.values()].sort((a, b) => a.start - b.start || (a.title < b.title ? -1 : 1));
  const lines: string[] = [];
  for (const root of ordered) {
    const spans = segments.flatMap((segment) => segment.spans).filter((span) => span.traceId === root.traceId);
    lines.push(
      headOf(root),
      ...root.links.map((link) => `  → ${link.attributes['knspan.link']} ${roots.get(link.spanId)?.title ?? link.traceId}`),
    );
    lines.push(...attachedTo(root, '  '), ...below(root, spans, '  '), '');
  }
  return lines.join('\n').trimEnd();
}

function headOf(root: Span): string {
  const { 'knspan.cause': cause, 'knspan.actor': actor } = root.attributes;
  return `${root.title}${actor === undefined ? '' : `, by ${actor}`} [${root.attributes['knspan.outcome']}${cause === undefined ? '' : `: ${cause}`}]`;
}

function below(parent: Span, spans: readonly Span[], indent: string): string[] {
  const children = spans.filter((span) => span.parentSpanId === parent.spanId);
  children.sort((a, b) => a.start - b.start || (a.title < b.title ? -1 : 1));
  return children.flatMap((span) => [`${indent}${lineOf(span)}`, ...attachedTo(span, `${indent}  `), ...below(span, spans, `${indent}  `)]);
}

function lineOf(span: Span): string {
  const { 'knspan.phase': phase, 'knspan.confidence': confidence, 'knspan.series.count': count } = span.attributes;
  const failed = span.status === 'error' ? '✗ ' : '';
  const times = count === undefined ? '' : ` × ${count}`;
  const measured = phase === undefined ? '' : ` <${phase} ${durationText(span.end - span.start)}>`;
  return `${failed}${clean(span.title)}${times}${measured}${confidence === undefined ? '' : ` (by ${confidence})`}`;
}

function attachedTo(span: Span, indent: string): string[] {
  return span.events.map((event) => `${indent}· ${event.name}`);
}
