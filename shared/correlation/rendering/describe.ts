/** Names, titles and attributes of spans. */
import type { ObjectRef } from '../../events/observation.ts';
import { goDurationMicros } from '../../events/time.ts';
import type { AttributeValue, SpanEvent } from '../../spans/span.ts';
import { type ChangeState, isTracked } from '../change.ts';
import type { Placed } from '../context.ts';
import { traceOf } from '../ids.ts';
import type { Occurrence } from '../occurrence.ts';
import type { Meaning } from '../rules/rule.ts';
import { saying, tellsTrouble, type Verdict } from '../verdict.ts';
import { isoOf } from './intervals.ts';
import { chainAttributes, newNode, nodesOf, type RenderInput, type SpanNode } from './span-tree.ts';

const titleMost = 200;
/** Of what failed on the way. */
const troublesListed = 5;

export const spanEventsMost = 100;

/** The node of an occurrence that has a span of its own. */
export function nodeFor(one: Placed): SpanNode {
  const node = newNode(one.occurrence.id, 'event', one, one.occurrence.at, describe);
  node.name = nameOf(one.occurrence);
  node.failed = one.place.terminating ? '' : failureOf(one);
  return node;
}

/** Describes a span, and the occurrences in its span events. */
export function describe(node: SpanNode): void {
  if (node.placed) describeOwn(node, node.placed);
  for (const one of node.attached) describeAttached(node, one);
}

function describeAttached(node: SpanNode, one: Placed): void {
  const { observation, meaning } = one.occurrence.routed;
  const series = observation.uid === node.placed?.occurrence.routed.observation.uid;
  const listed = node.events.length < spanEventsMost;
  if (!listed) node.attributes['knspan.series.unlisted'] = Number(node.attributes['knspan.series.unlisted'] ?? 0) + 1;
  if (listed || !series) node.events.push(toSpanEvent(one));
  if (series) node.attributes['knspan.series.count'] = Math.max(Number(node.attributes['knspan.series.count'] ?? 1), one.occurrence.n);
  if (!closesPair(meaning)) return;
  for (const [key, value] of Object.entries(eventAttributes(one, 'end'))) if (!(key in node.attributes)) node.attributes[key] = value;
}

/** The end of a pair, on the span that began it. */
export function closesPair(meaning: Meaning): boolean {
  return meaning.class === 'end' && meaning.phase !== 'run';
}

/** A run lasts until its end is told, twice even (the job's, the cron job's), and to the end of its effect. */
export function endsRun(meaning: Meaning): boolean {
  return meaning.class === 'end' && meaning.phase === 'run';
}

function describeOwn(node: SpanNode, one: Placed): void {
  const { occurrence, place } = one;
  const { meaning, chain, observation } = occurrence.routed;
  node.title = titleOf(occurrence);
  node.service = meaning.service;
  Object.assign(node.attributes, chainAttributes(chain), eventAttributes(one, 'own'), {
    'knspan.rule': place.rule,
    'knspan.evidence': place.evidence,
    'knspan.event.rule': meaning.rule,
  });
  if (place.confidence !== '') node.attributes['knspan.confidence'] = place.confidence;
  if (place.terminating && tellsTrouble(meaning)) node.attributes['knspan.terminating'] = true;
  if (place.late) node.attributes['knspan.late'] = true;
  if (meaning.phase !== '') node.attributes['knspan.phase'] = meaning.phase;
  if (occurrence.uncertainty > 0) node.attributes['knspan.time.uncertainty_ms'] = Math.ceil(occurrence.uncertainty / 1_000);
  if (place.unobserved > 0) node.attributes['knspan.series.unobserved'] = place.unobserved;
  if (occurrence.n > 1 && (meaning.class === 'state' || meaning.class === 'failure')) node.attributes['knspan.series.count'] = occurrence.n;
  if (meaning.warns) node.attributes['knspan.warning'] = true;
  if (!occurrence.messageKnown || observation.merged) node.attributes['knspan.merged'] = true;
  if (meaning.subject) Object.assign(node.attributes, subjectAttributes(meaning));
}

/** The Event's own attributes, by the names of the OpenTelemetry Collector's k8s events receiver. */
function eventAttributes(one: Placed, part: 'own' | 'end'): Record<string, AttributeValue> {
  const { occurrence } = one;
  const { observation, meaning } = occurrence.routed;
  const groups = meaning.groups;
  const facts: Record<string, AttributeValue> = {};
  if (groups['image']) facts['container.image.name'] = groups['image'];
  const bytes = Number(groups['bytes']);
  if (groups['bytes'] && Number.isFinite(bytes)) facts['knspan.image.bytes'] = bytes;
  if (groups['waiting']) facts['knspan.pull.including_waiting_ms'] = Math.round((goDurationMicros(groups['waiting']) ?? 0) / 1_000);
  if (groups['node']) facts['k8s.node.name'] = groups['node'];
  const container = observation.container || groups['container'];
  if (container) facts['k8s.container.name'] = container;
  if (part === 'end') return facts;
  const { involved } = observation;
  const attributes: Record<string, AttributeValue> = {
    ...facts,
    'k8s.event.uid': observation.uid,
    'k8s.event.name': observation.name,
    'k8s.event.reason': observation.reason,
    'k8s.event.time': isoOf(occurrence.at),
    'k8s.event.start_time': isoOf(observation.first.at),
    'k8s.event.message': occurrence.messageKnown ? observation.message : '(lost: merged with later events)',
    'k8s.object.kind': involved.kind,
    'k8s.object.name': involved.name,
  };
  if (occurrence.n > 1) attributes['k8s.event.count'] = occurrence.n;
  if (observation.action !== '') attributes['k8s.event.action'] = observation.action;
  if (involved.uid !== '') attributes['k8s.object.uid'] = involved.uid;
  if (involved.apiVersion !== '') attributes['k8s.object.api_version'] = involved.apiVersion;
  if (observation.fieldPath !== '') attributes['k8s.object.fieldpath'] = observation.fieldPath;
  if (observation.reporter !== '') attributes['knspan.reporter'] = observation.reporter;
  if (observation.instance !== '') attributes['knspan.reporter.instance'] = observation.instance;
  return attributes;
}

function toSpanEvent(one: Placed): SpanEvent {
  const attributes: Record<string, AttributeValue> = {
    ...eventAttributes(one, 'own'),
    'knspan.rule': one.place.rule,
    'knspan.event.rule': one.occurrence.routed.meaning.rule,
  };
  if (one.place.unobserved > 0) attributes['knspan.series.unobserved'] = one.place.unobserved;
  return { name: one.occurrence.routed.observation.reason || 'Event', at: one.occurrence.at, attributes };
}

export function failureOf(one: Placed): string {
  const { meaning, observation } = one.occurrence.routed;
  return tellsTrouble(meaning) ? `${observation.reason}: ${observation.message}`.slice(0, 1_024) : '';
}

/** The duration in the message. */
export function statedMicros(meaning: Meaning): number | null {
  const text = meaning.groups['duration'];
  return text === undefined ? null : goDurationMicros(text);
}

function subjectAttributes({ subject, groups }: Meaning): Record<string, AttributeValue> {
  if (!subject) return {};
  const attributes: Record<string, AttributeValue> = { 'knspan.subject': `${subject.kind}/${subject.namespace}/${subject.name}` };
  if (groups['from']) attributes['knspan.replicas.from'] = Number(groups['from']);
  if (groups['to']) attributes['knspan.replicas.to'] = Number(groups['to']);
  return { ...chainAttributes([{ apiVersion: '', ...subject }]), ...attributes };
}

/** Low cardinality: verbs, kinds, phases, reasons. */
function nameOf({ routed: { meaning, observation } }: Occurrence): string {
  if (meaning.verb === 'scale-up' || meaning.verb === 'scale-down') return `${meaning.verb} ${meaning.subject?.kind ?? ''}`.trim();
  if (meaning.subject && meaning.verb !== '') return `${meaning.verb} ${meaning.subject.kind}`;
  if (meaning.verb === 'stop' || meaning.verb === 'restart') return 'stop container';
  if (meaning.phase === 'container') return 'start container';
  if (meaning.phase === 'pull') return 'pull image';
  if (meaning.phase === 'schedule') return 'schedule';
  return observation.reason !== '' ? observation.reason.slice(0, 80) : 'Event';
}

function titleOf(one: Occurrence): string {
  const { meaning, observation } = one.routed;
  const { groups, subject } = meaning;
  const container = observation.container || groups['container'] || '';
  const count = one.n > 1 ? ` (occurrence ${one.n})` : '';
  const of = calledBy(observation.involved, false);
  const text = (): string => {
    if (!one.messageKnown) return `${observation.reason}: message lost, merged with later events`;
    const scaled = subject?.name ?? groups['nodegroup'] ?? observation.involved.name;
    if (meaning.verb === 'scale-up') return `scale ${scaled} up ${replicasText(groups)}`;
    if (meaning.verb === 'scale-down') return `scale ${scaled} down ${replicasText(groups)}`;
    const more = meaning.others.length === 0 ? '' : ` and ${meaning.others.length} more`;
    if (subject && meaning.verb !== '') return `${meaning.verb} ${subject.kind.toLowerCase()} ${subject.name}${more}${count}`;
    if (meaning.phase === 'schedule') return `schedule → ${groups['node'] ?? '?'}`;
    if (meaning.phase === 'pull') return `pull ${groups['image'] ?? container}${count}`;
    if (meaning.phase === 'container') return `container ${container}: create, start${count}`;
    if (meaning.verb === 'stop') return `stop ${container || of}`;
    const who = container === '' || observation.message.includes(container) ? '' : ` ${container}`;
    if (meaning.class === 'failure' || meaning.class === 'end') return `${observation.reason}${who}: ${observation.message}`;
    return `${observation.reason} ${of}: ${observation.message}`.trimStart();
  };
  return text().slice(0, titleMost);
}

/** Older messages have only the new number. */
function replicasText(groups: Readonly<Record<string, string>>): string {
  return groups['from'] === undefined ? `to ${groups['to'] ?? '?'}` : `${groups['from']} → ${groups['to'] ?? '?'}`;
}

/** Events may lack a kind or a name. */
function calledBy({ kind, namespace, name }: ObjectRef, withNamespace: boolean): string {
  const full = [withNamespace ? namespace : '', name].filter((part) => part !== '').join('/');
  return [kind, full].filter((part) => part !== '').join(' ') || namespace || 'cluster';
}

/** Rows of pods name them where nothing above does and there are several, or where the pod ends. */
export function namePods(root: SpanNode): void {
  const bare = nodesOf(root).filter((node) => podOf(node) !== '' && !isNamedAbove(node));
  const several = new Set(bare.map(podOf)).size > 1;
  for (const node of bare) {
    const pod = podOf(node);
    if (node.title.includes(pod) || !(several || node.placed?.occurrence.routed.meaning.verb === 'stop')) continue;
    node.title = `${node.title} of pod ${pod}`;
  }
}

function podOf({ placed, branchOf }: SpanNode): string {
  const about = placed?.occurrence.routed.chain[0] ?? branchOf;
  return about?.kind === 'Pod' ? about.name : '';
}

function isNamedAbove(node: SpanNode): boolean {
  const pod = podOf(node);
  for (let at = node.parent; at; at = at.parent) {
    const subject = at.placed?.occurrence.routed.meaning.subject;
    if (podOf(at) === pod || (subject?.kind === 'Pod' && subject.name === pod)) return true;
  }
  return false;
}

/** Root attributes to search by, and the title of the trace. */
export function describeRoot(drawing: RenderInput, root: SpanNode, verdict: Verdict, evicted: boolean): void {
  const { change, placed, config } = drawing;
  const { outcome, cause, overcome } = verdict;
  const kind = evicted && (change.kind === 'heal' || change.kind === 'delete') ? 'evict' : kindOf(change, verdict);
  const continues = change.kind === 'digest' ? null : change.continues;
  const { about } = change;
  root.service = config.rootService;
  root.name = `${calledBy(change.root, false)}: ${kind}`;
  const inside = about.name !== change.root.name || about.kind !== change.root.kind ? ` (${about.kind} ${about.name})` : '';
  root.title = `${calledBy(change.root, true)}: ${kind}${inside}`;
  root.failed = cause;
  Object.assign(root.attributes, chainAttributes([about, change.root]), {
    'k8s.object.kind': change.root.kind,
    'k8s.object.name': change.root.name,
    ...(change.root.uid === '' ? {} : { 'k8s.object.uid': change.root.uid }),
    'knspan.change': kind,
    'knspan.outcome': outcome,
    'knspan.events': placed.reduce((sum, { place }) => sum + 1 + place.unobserved, 0),
    ...(kind === 'run' || kind === 'rollout' ? { 'knspan.phase': kind } : {}),
    ...(cause === '' ? {} : { 'knspan.cause': cause }),
    ...overcomeAttributes(overcome),
  });
  const warnings = placed.filter(({ occurrence }) => occurrence.routed.meaning.warns).length;
  if (warnings > 0) root.attributes['knspan.warnings'] = warnings;
  // What it continues may settle later.
  const before = continues && drawing.context.changes[continues.change];
  const trace = before ? traceOf(config.cluster, before) : continues && drawing.context.settled[continues.change];
  if (trace) root.links.push({ traceId: trace.traceId, spanId: trace.rootSpanId, attributes: { 'knspan.link': 'continues' } });
  joinWorld(root, placed);
}

/** What failed on the way, and how long it took to get over all of it. */
function overcomeAttributes(overcome: Verdict['overcome']): Record<string, AttributeValue> {
  if (overcome.length === 0) return {};
  const said = overcome.map(({ reason, message }) => saying(reason, message).slice(0, titleMost));
  const since = Math.min(...overcome.map(({ first }) => first));
  const until = Math.max(...overcome.map(({ last, overcomeAt }) => overcomeAt ?? last));
  return {
    'knspan.trouble': [...new Set(said)].slice(0, troublesListed),
    'knspan.trouble.duration_ms': Math.round((until - since) / 1_000),
  };
}

/** Deletions without replacement were a scaling, not a rollout. */
function kindOf(change: ChangeState, { outcome }: Verdict): string {
  // What restarts without any trouble known of it.
  if (change.kind === 'incident') return outcome === 'ok' ? 'restart' : 'incident';
  if (!isTracked(change)) return change.kind;
  const { kind, rollouts, deletes, unreplaced } = change;
  const [rollout] = Object.values(rollouts);
  if (kind === 'rollout' && !rollout?.newSet && deletes > 0 && unreplaced.length === deletes) return 'scale';
  if (kind === 'drain' && deletes === 0) return 'cordon';
  return rollout?.back ? 'rollback' : kind;
}

/** Links to traces that an annotation names (W3C trace context). */
function joinWorld(root: SpanNode, placed: readonly Placed[]): void {
  for (const { occurrence } of placed) {
    const { annotations } = occurrence.routed.observation;
    const parts = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(
      annotations['tracing.k8s.io/traceparent'] ?? annotations['traceparent'] ?? '',
    );
    for (const [key, value] of Object.entries(annotations))
      if (!key.endsWith('traceparent') && key !== 'topLevelSpan') root.attributes[key] = value;
    if (!parts?.[1] || !parts[2] || /^0+$/.test(parts[1]) || root.links.some((link) => link.spanId === parts[2])) continue;
    root.links.push({ traceId: parts[1], spanId: parts[2], attributes: { 'knspan.link': 'traceparent' } });
  }
}
