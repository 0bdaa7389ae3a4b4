/** The budget: similar siblings are folded into one span with exact counts until a trace is small enough to read and to send. */
import { digestOf } from '../ids.ts';
import { adopt, newNode, nodesOf, type SpanNode } from './span-tree.ts';

const failedKept = 50;
const slowestKept = 3;
/** With fewer siblings there are not two left to fold. */
const foldsFrom = slowestKept + 2;
/** Max event uids listed on a fold; its digest covers all. */
const uidsListed = 200;
/** Beyond that they are packed, as many as fit into one event: 170 KiB. */
const uidsPacked = 8_192;

export function foldToBudget(root: SpanNode, budget: number): void {
  let size = count(root);
  while (size > budget) {
    const group = largestGroup(root);
    if (!group) return;
    const before = size;
    fold(group);
    size = count(root);
    if (size >= before) return;
  }
}

function count(root: SpanNode): number {
  return nodesOf(root).length;
}

/** The siblings of one name that save the most spans when folded. */
function largestGroup(root: SpanNode): SpanNode[] | null {
  let best: SpanNode[] | null = null;
  let bestSaves = 0;
  for (const node of nodesOf(root)) {
    if (node.children.length < foldsFrom) continue;
    const byName = new Map<string, SpanNode[]>();
    for (const child of node.children) {
      if (child.role === 'fold') continue;
      const list = byName.get(child.name);
      if (list) list.push(child);
      else byName.set(child.name, [child]);
    }
    for (const group of byName.values()) {
      if (group.length < foldsFrom) continue;
      const saves = foldable(group).reduce((sum, one) => sum + count(one), 0);
      if (saves > bestSaves + 1) {
        best = group;
        bestSaves = saves;
      }
    }
  }
  return best;
}

/** All but the failed ones (up to 50), the slowest three and the median. */
function foldable(group: readonly SpanNode[]): SpanNode[] {
  const bySpeed = [...group].sort((a, b) => b.end - b.start - (a.end - a.start) || (a.id < b.id ? -1 : 1));
  const keep = new Set([...bySpeed.slice(0, slowestKept), bySpeed[bySpeed.length >> 1]]);
  const failed = bySpeed.filter((node) => fails(node)).slice(0, failedKept);
  for (const node of failed) keep.add(node);
  const rest = group.filter((node) => !keep.has(node));
  return rest.length > 1 ? rest : [];
}

function fails(node: SpanNode): boolean {
  for (const one of nodesOf(node)) if (one.failed !== '') return true;
  return false;
}

function fold(group: readonly SpanNode[]): void {
  const folded = foldable(group);
  const parent = folded[0]?.parent;
  if (!parent) return;
  const first = folded.reduce((a, b) => (a.id < b.id ? a : b));
  const node = newNode(
    first.id,
    'fold',
    null,
    folded.reduce((start, one) => Math.min(start, one.start), Number.POSITIVE_INFINITY),
  );
  node.end = folded.reduce((end, one) => Math.max(end, one.end), node.start + 1);
  node.name = first.name;
  node.service = first.service;
  const tells = folded.flatMap((one) => nodesOf(one).flatMap((below) => below.tells));
  const uids = [...new Set(tells.map((id) => id.slice(0, id.lastIndexOf('#'))))].sort();
  const durations = folded.map((one) => one.end - one.start).sort((a, b) => a - b);
  const ms = (micros: number | undefined) => (micros ?? 0) / 1_000;
  const failed = folded.filter((one) => fails(one));
  const why = failed.flatMap((one) => nodesOf(one).map((below) => below.failed)).find((text) => text !== '') ?? '';
  const some = failed.length > 0 ? `, ${failed.length} of them failed` : '';
  node.title = `${first.name} × ${folded.length}${some}`;
  node.tells = tells;
  if (failed.length > 0) node.failed = `${failed.length} of ${folded.length}: ${why}`;
  Object.assign(node.attributes, {
    'knspan.rule': 'fold',
    'knspan.evidence': `${folded.length} siblings alike`,
    'k8s.event.uid': uids.slice(0, uidsListed),
    ...(uids.length > uidsListed ? { 'knspan.fold.uids': packed(uids) } : {}),
    'knspan.fold.spans': folded.length,
    'knspan.fold.failed': failed.length,
    'knspan.fold.events': tells.length,
    'knspan.fold.digest': digestOf(tells),
    'knspan.fold.duration_min_ms': ms(durations[0]),
    'knspan.fold.duration_median_ms': ms(durations[durations.length >> 1]),
    'knspan.fold.duration_max_ms': ms(durations.at(-1)),
  });
  const gone = new Set(folded);
  parent.children = parent.children.filter((child) => !gone.has(child));
  adopt(parent, node);
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** In base64, 16 bytes each, for who joins spans with all their Events. */
function packed(uids: readonly string[]): string {
  const hex = uids.filter((uid) => uuid.test(uid)).slice(0, uidsPacked);
  return Buffer.from(hex.join('').replaceAll('-', ''), 'hex').toString('base64');
}
