/**
 * One trouble is one branch: all that tells of it (attempts, failures, back-offs) hangs below one span that says what it was, how often,
 * and how long it took to get over it. What a pod waits for is such a branch: `wait for node`.
 */
import type { Trouble, Verdict } from '../verdict.ts';
import { saying } from '../verdict.ts';
import { adopt, chainAttributes, newNode, type SpanNode } from './span-tree.ts';

export function addBranches(root: SpanNode, nodes: ReadonlyMap<string, SpanNode>, { overcome, lasting }: Verdict): void {
  const byOccurrence = carriersOf(root, nodes);
  for (const trouble of overcome) addBranch(trouble, byOccurrence, false);
  for (const trouble of lasting) addBranch(trouble, byOccurrence, true);
}

/** By occurrence, the node that tells it. */
function carriersOf(root: SpanNode, nodes: ReadonlyMap<string, SpanNode>): Map<string, SpanNode> {
  const carriers = new Map<string, SpanNode>();
  for (const node of nodes.values()) for (const id of node.tells) carriers.set(id, node);
  for (const id of root.tells) carriers.delete(id);
  return carriers;
}

function addBranch(trouble: Trouble, carriers: ReadonlyMap<string, SpanNode>, lasts: boolean): void {
  const told = new Set(trouble.members.flatMap(({ occurrence }) => carriers.get(occurrence.id) ?? []));
  const [first] = told;
  const parent = first?.parent;
  if (!first || !parent) return;
  const members = [...told].filter((node) => node.parent === parent);
  const waited = trouble.waitsFor !== '' && trouble.overcomeAt !== null && trouble.overcomeAt > trouble.first;
  if (members.length < 2 && !waited) return;
  const branch = newNode(first.id, 'trouble', null, Math.min(...members.map(({ start }) => start)));
  branch.end = Math.max(trouble.overcomeAt ?? trouble.last, ...members.map(({ end }) => end));
  branch.name = trouble.waitsFor === '' ? 'trouble' : `wait for ${trouble.waitsFor}`;
  branch.branchOf = trouble;
  branch.title = titleOf(trouble);
  branch.service = first.service;
  const said = saying(trouble.reason, trouble.message);
  if (lasts) branch.failed = said.slice(0, 1_024);
  Object.assign(branch.attributes, chainAttributes(first.placed?.occurrence.routed.chain ?? []), {
    'knspan.rule': 'trouble',
    'knspan.evidence': `${members.length} of ${trouble.kind} ${trouble.name}`,
    'knspan.branch': (trouble.waitsFor === 'image' ? said.replace(/^Failed to pull image "[^"]*": /, '') : said).slice(0, 1_024),
    ...(trouble.count > 1 ? { 'knspan.series.count': trouble.count } : {}),
    ...(trouble.waitsFor === '' ? {} : { 'knspan.phase': 'wait' }),
    ...(trouble.container === '' ? {} : { 'k8s.container.name': trouble.container }),
  });
  adopt(parent, branch);
  for (const node of members) adopt(branch, node);
}

function titleOf({ waitsFor, probe, container, kind, reason, members }: Trouble): string {
  const groups = members[0]?.occurrence.routed.meaning.groups ?? {};
  const image = members.map(({ occurrence }) => occurrence.routed.meaning.groups['image']).find((name) => name !== undefined);
  if (waitsFor === 'image') return `pull ${image ?? `image of ${container}`}`;
  if (waitsFor !== '') return `wait for ${waitsFor}`;
  const of = container === '' ? '' : ` of ${container}`;
  if (probe) return `${(groups['probe'] ?? 'health').toLowerCase()} probe${of}`;
  return kind === 'Pod' && container !== '' ? `container ${container}` : reason;
}
