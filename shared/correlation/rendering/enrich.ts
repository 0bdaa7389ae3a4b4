/**
 * Facts from objects that Events lack: the author of the edit, when a pod became ready, how a container ended, when a stopped pod was gone.
 * Only facts within the change are used.
 */
import type { Micros } from '../../events/observation.ts';
import type { ContainerEnd, KubeObject } from '../../kubernetes/object.ts';
import { minute, second } from '../settling-times.ts';
import { isoOf } from './intervals.ts';
import { adopt, newNode, type RenderInput, type SpanNode } from './span-tree.ts';

/** Field managers that write for the system itself; an edit by one of them is not what began a change. */
const systemManagers: readonly string[] = ['kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-apiserver'];
/** A controller answers an edit within this time. */
const editAnswered = 10 * second;
/** Kinds of change started by an edit. */
const editedKinds: readonly string[] = ['create', 'rollout', 'scale', 'delete'];
const stopLongest = 10 * minute;

/** Says what it finds of the change as a whole: `evicted` when a stop directly below the root was an eviction. */
export function enrich(drawing: RenderInput, root: SpanNode, nodes: ReadonlyMap<string, SpanNode>): { readonly evicted: boolean } {
  nameActor(drawing, root);
  for (const node of nodes.values()) {
    const occurrence = node.placed?.occurrence;
    const ref = occurrence?.routed.chain[0];
    if (!occurrence || ref?.kind !== 'Pod' || ref.uid === '') continue;
    const versions = drawing.objects.versions(ref.uid);
    if (versions.length === 0) continue;
    const { phase, verb } = occurrence.routed.meaning;
    if (phase === 'container' && node.real) {
      tellEnd(
        node,
        versions.map((version) => version.object),
      );
    }
    if (verb === 'stop') tellStop(drawing, node, ref.uid);
  }
  tellReady(drawing, root, nodes);
  return { evicted: tellDisruption(drawing, root, nodes) };
}

/** The pod's condition DisruptionTarget names who ended it: the eviction API, the taint manager, a preemption, the kubelet. */
function tellDisruption(drawing: RenderInput, root: SpanNode, nodes: ReadonlyMap<string, SpanNode>): boolean {
  let evicted = false;
  for (const node of nodes.values()) {
    const routed = node.placed?.occurrence.routed;
    const pod = routed?.chain[0];
    if (!pod || (routed.meaning.verb !== 'stop' && routed.meaning.verb !== 'restart')) continue;
    const target = drawing.objects.latest(pod.uid)?.conditions.find((one) => one.type === 'DisruptionTarget' && one.status === 'True');
    if (!target) continue;
    node.attributes['knspan.disruption'] = target.reason;
    if (node.parent !== root) continue;
    root.attributes['knspan.disruption'] = target.reason;
    evicted = true;
  }
  return evicted;
}

/** Who made the edit that the change answers: the latest spec edit before its first action that no earlier change has answered. */
function nameActor(drawing: RenderInput, root: SpanNode): void {
  const { change, objects } = drawing;
  if (!editedKinds.includes(change.kind) || root.children.some((child) => child.placed?.occurrence.routed.meaning.verb === 'rescale'))
    return;
  const answered = answeredBefore(drawing);
  let best: { manager: string; at: Micros; operation: string } | null = null;
  for (const { object } of objects.versions(change.root.uid)) {
    for (const edit of object.edits) {
      if (edit.at === null || edit.at <= answered || edit.subresource === 'status' || systemManagers.includes(edit.manager)) continue;
      if (edit.at <= change.start + second && (best === null || edit.at > best.at))
        best = { manager: edit.manager, at: edit.at, operation: edit.operation };
    }
  }
  if (!best || change.start - best.at > editAnswered) return;
  root.attributes['knspan.actor'] = best.manager;
  root.attributes['knspan.edit.time'] = isoOf(best.at);
  // The edit's time is cut to the second: only a second that had ended before the first action says that time passed between.
  if (best.at + second < root.start) root.start = best.at;
  const condition = objects.latest(change.root.uid)?.conditions.find((one) => one.type === 'Progressing');
  if (condition && (change.kind === 'create' || change.kind === 'rollout'))
    root.attributes['knspan.condition'] = `Progressing: ${condition.reason}`;
}

/** The start of the change before: the version of the root that is known may be one that it answers, looked up when it came. */
function answeredBefore({ change, context }: RenderInput): Micros {
  const open = Object.values(context.changes).filter(({ kind }) => editedKinds.includes(kind));
  const earlier = [...open, ...Object.values(context.settled)].filter(({ start }) => start < change.start);
  return Math.max(Number.NEGATIVE_INFINITY, ...earlier.map(({ start }) => start));
}

function tellEnd(node: SpanNode, versions: readonly KubeObject[]): void {
  const name = String(node.attributes['k8s.container.name'] ?? '');
  const ends = new Map<number, ContainerEnd>();
  for (const version of versions) {
    for (const status of version.containers) {
      if (status.name !== name) continue;
      for (const end of [status.ended, status.lastEnded]) if (end?.finishedAt && end.startedAt !== null) ends.set(end.startedAt, end);
    }
  }
  // startedAt is truncated to seconds.
  const end = [...ends.entries()].find(([startedAt]) => Math.abs(startedAt - node.end) < 1.5 * second)?.[1];
  if (!end || end.finishedAt === null) return;
  const attributes = { 'knspan.container.reason': end.reason, 'knspan.container.exit_code': end.exitCode };
  node.events.push({
    name: 'container terminated',
    at: Math.max(end.finishedAt, node.end),
    attributes: { ...attributes, 'k8s.container.name': name },
  });
  Object.assign(node.attributes, attributes);
  if (end.exitCode !== 0 && end.exitCode !== 143 && end.exitCode !== 137) node.title += ` (ended: ${end.reason}, exit ${end.exitCode})`;
  if (end.reason === 'OOMKilled') {
    node.failed = `container ${name}: OOMKilled, exit ${end.exitCode}`;
    node.title += ' (OOMKilled)';
  } else if (end.exitCode !== 0 && end.exitCode !== 143 && end.exitCode !== 137)
    node.failed = `container ${name}: ${end.reason}, exit ${end.exitCode}`;
}

/** The stop span ends when the container terminates, unless later Events extend it (a probe that still ran). */
function tellStop(drawing: RenderInput, node: SpanNode, uid: string): void {
  const name = String(node.attributes['k8s.container.name'] ?? '');
  let finished: Micros | null = null;
  for (const { object } of drawing.objects.versions(uid)) {
    for (const status of object.containers) {
      const at = status.name === name ? status.ended?.finishedAt : null;
      if (at && at + second > node.start && at - node.start < stopLongest) finished = finished === null ? at : Math.min(finished, at);
    }
  }
  if (finished === null) return;
  if (node.children.some((child) => child.end > finished)) return;
  node.end = Math.max(finished, node.start + 1);
  node.real = node.end > node.start + 1;
  node.attributes['knspan.stop.end'] = 'container status';
}

/** From the start of the last container to the pod's condition Ready. */
function tellReady(drawing: RenderInput, root: SpanNode, nodes: ReadonlyMap<string, SpanNode>): void {
  const started = new Map<string, SpanNode>();
  for (const node of nodes.values()) {
    const { placed } = node;
    if (placed?.occurrence.routed.meaning.phase !== 'container' || !node.real || placed.occurrence.n > 1) continue;
    const uid = placed.occurrence.routed.chain[0]?.uid ?? '';
    const known = started.get(uid);
    if (uid !== '' && (!known || node.end > known.end)) started.set(uid, node);
  }
  for (const [uid, node] of started) {
    const ready = readyAt(drawing, uid, node.end);
    const parent = node.parent;
    if (ready === null || !parent) continue;
    if (parent !== root) parent.attributes['knspan.pod.ready'] = isoOf(ready);
    if (ready <= node.end) continue;
    const phase = newNode(node.id, 'ready', null, node.end);
    phase.end = ready;
    phase.real = true;
    phase.name = 'become ready';
    phase.title = 'become ready';
    phase.service = node.service;
    Object.assign(phase.attributes, {
      'knspan.phase': 'ready',
      'knspan.rule': 'pod.ready',
      'knspan.evidence': 'condition Ready of the pod',
      'knspan.time.uncertainty_ms': 1_000,
      'k8s.pod.uid': uid,
    });
    adopt(parent, phase);
  }
}

function readyAt(drawing: RenderInput, uid: string, started: Micros): Micros | null {
  for (const { object } of drawing.objects.versions(uid)) {
    const ready = object.conditions.find((one) => one.type === 'Ready' && one.status === 'True');
    if (ready?.at && ready.at + second >= started && ready.at - started < 10 * minute) return ready.at;
  }
  return null;
}
