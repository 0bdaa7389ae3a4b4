/** Spans as rows of a waterfall. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { labelOf, nodeOf, rowsOf, spanIdsOf, type TreeOptions, treeOf } from '../../functions/explorer/pages/trace-tree.ts';
import type { TraceSpan } from '../../shared/history/queries/trace.ts';

function span(spanId: string, parentId: string | null, fields: Partial<TraceSpan> = {}): TraceSpan {
  return {
    spanId,
    parentId,
    start: 0,
    end: 1_000_000,
    failed: false,
    service: 'kubelet',
    name: spanId,
    title: spanId,
    kind: 'Pod',
    namespace: 'shop',
    object: 'web',
    objectUid: null,
    phase: null,
    reporter: null,
    rule: null,
    evidence: null,
    statusMessage: null,
    attributes: {},
    told: null,
    links: null,
    ...fields,
  };
}

const all: TreeOptions = { level: null, errorsOnly: false, folded: true, selected: null };

function shown(spans: readonly TraceSpan[], options: Partial<TreeOptions> = {}): string[] {
  return rowsOf(treeOf(spans), { ...all, ...options }).map((row) =>
    row.kind === 'fold' ? `${row.depth}:+${row.spans.length}` : `${row.depth}:${row.node.span.spanId}`,
  );
}

const pods = Array.from({ length: 9 }, (_, index) => span(`p${index}`, 'scale', { name: 'create Pod', failed: index === 7 }));
const trace = [span('root', null), span('scale', 'root'), ...pods, span('pull', 'p7', { failed: true })];

describe('rowsOf', () => {
  it('puts children below their parents and folds alike siblings, never those that failed', () => {
    assert.deepEqual(shown(trace), ['0:root', '1:scale', '2:p0', '2:p1', '2:p2', '2:+5', '2:p7', '3:pull']);
    assert.equal(shown(trace, { folded: false }).length, trace.length);
  });

  it('shows failures alone, with what they are in', () => {
    assert.deepEqual(shown(trace, { errorsOnly: true }), ['0:root', '1:scale', '2:p7', '3:pull']);
  });

  it('stops at a level, but shows the selected span in any case', () => {
    assert.deepEqual(shown(trace, { level: 1 }), ['0:root', '1:scale']);
    assert.deepEqual(shown(trace, { level: 1, selected: 'p8' }), ['0:root', '1:scale', '2:p8']);
    assert.ok(shown(trace, { selected: 'p5' }).includes('2:p5'));
  });

  it('shows spans whose parent is not here yet', () => {
    assert.deepEqual(shown([span('a', 'gone'), span('b', 'a')]), ['0:a', '1:b']);
  });

  it('takes a trace as deep as it is long', () => {
    const deep = Array.from({ length: 10_000 }, (_, index) => span(`s${index}`, index === 0 ? null : `s${index - 1}`));
    assert.equal(shown(deep).length, deep.length);
  });
});

describe('treeOf', () => {
  it('counts failures of a span and of all below it', () => {
    const roots = treeOf(trace);
    assert.equal(roots[0]?.failures, 2);
    const node = nodeOf(roots, 'p7') ?? assert.fail();
    assert.deepEqual(spanIdsOf(node), ['p7', 'pull']);
    assert.equal(nodeOf(roots, 'none'), null);
  });
});

describe('labelOf', () => {
  it('adds repeats, sizes and what went wrong where the title does not say it', () => {
    assert.equal(labelOf(span('a', 'r', { title: 'pull x', attributes: { 'knspan.image.bytes': 4_100_000 } })), 'pull x (4.1 MB)');
    assert.equal(labelOf(span('a', 'r', { title: 'back-off', attributes: { 'knspan.series.count': 9 } })), 'back-off × 9');
    assert.equal(labelOf(span('a', 'r', { title: 'pull x', failed: true, statusMessage: 'not found' })), 'pull x: not found');
    assert.equal(
      labelOf(span('a', 'r', { title: 'Failed: not found', failed: true, statusMessage: 'Failed: not found' })),
      'Failed: not found',
    );
  });
});
