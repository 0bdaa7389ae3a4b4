/**
 * Times of a trace: children lie inside their parents, real durations stay as they are. Where a real duration sticks out, the
 * parent's effect grows or the child moves up; only the start of something recorded shortly before its cause moves to the cause.
 */
import { causeMayTrail } from '../settling-times.ts';
import { adopt, type SpanNode } from './span-tree.ts';

export function fitIntervals(root: SpanNode): void {
  fitStarts(root, root);
  root.start = root.children.reduce((start, child) => Math.min(start, child.start), root.start);
  fitEnds(root, root);
}

function fitStarts(node: SpanNode, root: SpanNode): void {
  for (const child of [...node.children]) {
    if (node !== root) {
      const before = node.start - child.start;
      if (before > 0) {
        if (!child.stated && before <= Math.max(causeMayTrail, child.uncertainty)) moveStart(child, node.start);
        else adopt(higher(child, root), child);
      }
    }
    fitStarts(child, root);
  }
}

/** The nearest ancestor that has started by then, at last the root, whose start is free. */
function higher(child: SpanNode, root: SpanNode): SpanNode {
  let at: SpanNode = child.parent ?? root;
  while (at !== root && at.start > child.start) at = at.parent ?? root;
  return at;
}

function moveStart(child: SpanNode, start: number): void {
  // A truncated time is refined by its cause, not moved.
  if (child.uncertainty === 0) child.attributes['knspan.time.original'] = isoOf(child.start);
  child.start = start;
  if (child.end < start) child.end = start;
}

function fitEnds(node: SpanNode, root: SpanNode): void {
  for (const child of [...node.children]) fitEnds(child, root);
  if (node.end <= node.start) node.end = node.start + 1;
  for (const child of [...node.children]) {
    if (child.end <= node.end) continue;
    if (!node.real || node === root || !node.parent) node.end = child.end;
    else adopt(node.parent, child);
  }
}

/** The second that was asked for last, as text: what is rendered together lies close together. */
let latest = { second: Number.NaN, text: '' };

/** RFC 3339 with microseconds. */
export function isoOf(at: number): string {
  const second = Math.floor(at / 1_000_000);
  if (second !== latest.second) {
    const date = new Date(second * 1_000);
    if (Number.isNaN(date.getTime())) return String(at);
    latest = { second, text: date.toISOString().slice(0, -4) };
  }
  return `${latest.text}${String(at - second * 1_000_000).padStart(6, '0')}Z`;
}
