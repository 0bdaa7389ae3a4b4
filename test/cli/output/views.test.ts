/** Tree and list: the output at 60 and 120 columns, folding, and that no control character of a cluster reaches the terminal. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listLineOf } from '../../../shared/cli/output/list-view.ts';
import { lastingText } from '../../../shared/cli/output/outcome.ts';
import { bar, clean, cut, pad, padLeft, paint, screenOf, timeText, widthOf } from '../../../shared/cli/output/terminal.ts';
import { treeOf } from '../../../shared/cli/output/tree-view.ts';
import { durationText } from '../../../shared/events/quantity.ts';
import type { Span } from '../../../shared/spans/span.ts';
import { began, segmentOf, spanOf } from '../../helpers/segment.ts';

const ms = 1_000;
const screen = (width: number, colour = false) => ({ width, colour });
const root = spanOf({
  title: 'Deployment shop/web: rollout',
  end: began + 10_000 * ms,
  attributes: { 'knspan.outcome': 'failed', 'knspan.events': 7, 'knspan.actor': 'kubectl-set', 'knspan.cause': 'Back-off pulling image' },
  links: [{ traceId: 'f'.repeat(32), spanId: '1', attributes: { 'knspan.link': 'continues' } }],
});
let ids = 1;
function child(parent: Span, title: string, from: number, to: number, fields: Partial<Span> = {}): Span {
  const spanId = String(++ids).padStart(16, '0');
  return spanOf({ parentSpanId: parent.spanId, spanId, title, name: title, start: began + from * ms, end: began + to * ms, ...fields });
}
const why = { 'knspan.rule': 'replicaset.create', 'knspan.evidence': 'owner uid', 'knspan.confidence': 'time' };
const scale = child(root, 'scale web-5d up 0 → 1', 100, 9_900, { service: 'deployment-controller' });
const pod = child(scale, 'create pod web-5d-x1', 200, 9_900, { service: 'replicaset-controller', attributes: why });
const pull = child(pod, 'BackOff: Back-off pulling image "registry.example/shop/web:2"', 5_000, 5_000, {
  status: 'error',
  attributes: { 'knspan.extent': 'point', 'knspan.series.count': 4 },
  events: [{ name: 'Failed', at: began, attributes: { 'k8s.event.message': 'no such image' } }],
});
const schedule = child(pod, 'schedule → node-1', 210, 230, { service: 'default-scheduler' });
const rollout = segmentOf([root, scale, pod, schedule, pull]);

const lines = (text: string) => text.replace(/^\n/, '').split('\n');

describe('tree', () => {
  test('at 120 columns', () => {
    assert.deepEqual(
      treeOf(rollout, { screen: screen(120), why: false }),
      lines(`
Deployment shop/web: rollout, by kubectl-set                   failed   10.0 s   7 events
  because Back-off pulling image
  2025-11-20T23:06:40Z  trace 0123456789abcdef0123456789abcdef
  continues trace ffffffffffffffffffffffffffffffff
└─ scale web-5d up 0 → 1                                         deployment-controller ███████████████████▋     9.8 s
   └─ create pod web-5d-x1                                       replicaset-controller ███████████████████▍     9.7 s
      ├─ schedule → node-1                                       default-scheduler     ▏                        20 ms
      └─ ✗ BackOff: Back-off pulling i…y.example/shop/web:2" × 4 kubelet                         ▏                  ·
`),
    );
  });

  test('at 60 columns', () => {
    assert.deepEqual(
      treeOf(rollout, { screen: screen(60), why: false }),
      lines(`
Deployment shop/web: rollout      failed   10.0 s   7 events
  because Back-off pulling image
  2025-11-20T23:06:40Z  trace 0123456789abcdef0123456789abcdef
  continues trace ffffffffffffffffffffffffffffffff
└─ scale web-5d up 0 → 1            █████████▊     9.8 s
   └─ create pod web-5d-x1          █████████▊     9.7 s
      ├─ schedule → node-1          ▏              20 ms
      └─ ✗ BackOff: …hop/web:2" × 4      ▏             ·
`),
    );
  });

  test('--why says rule, evidence and what else was told', () => {
    const text = treeOf(rollout, { screen: screen(120), why: true }).join('\n');
    assert.match(text, /│? +↳ rule replicaset\.create: owner uid, by time only\n/);
    assert.match(text, /• Failed no such image\n/);
    assert.doesNotMatch(treeOf(rollout, { screen: screen(120), why: false }).join('\n'), /↳|•/);
  });

  test('no line is wider than the screen, save for the trace ids that people copy', () => {
    const wide = segmentOf([
      root,
      child(root, '日本語のとても長いタイトル'.repeat(20), 1, 2, { service: 'x'.repeat(300) }),
      scale,
      pod,
      pull,
    ]);
    for (const width of [60, 61, 80, 120, 240])
      for (const way of [true, false])
        for (const line of treeOf(wide, { screen: screen(width), why: way }))
          assert.ok(widthOf(line) <= width || / trace [0-9a-f]{32}$/.test(line), `${widthOf(line)} > ${width}: ${line}`);
  });

  test('more than 5 alike fold to 3 and a line; failed ones always show', () => {
    const alike = Array.from({ length: 12 }, (_, index) =>
      child(root, `create pod web-${index}`, index, 1_000 + index * 100, {
        name: 'create pod',
        ...(index === 9 ? { status: 'error' } : {}),
      }),
    );
    const deep = child(alike[7] ?? root, 'BackOff', 900, 901, { status: 'error' });
    const text = treeOf(segmentOf([root, ...alike, deep]), { screen: screen(120), why: false }).join('\n');
    for (const shown of [0, 1, 2, 7, 9]) assert.match(text, new RegExp(`create pod web-${shown} `));
    for (const hidden of [3, 4, 5, 6, 8, 10, 11]) assert.doesNotMatch(text, new RegExp(`create pod web-${hidden} `));
    assert.match(text, /├─ … 7 more like this \(1\.3 s – 2\.1 s\)/);
    const five = treeOf(segmentOf([root, ...alike.slice(0, 5)]), { screen: screen(120), why: false }).join('\n');
    assert.doesNotMatch(five, /more like this/);
  });

  test('more than 5 that failed alike fold as well, apart from those that are well', () => {
    const pods = Array.from({ length: 20 }, (_, index) => child(root, `create pod web-${index}`, index, 1_000, { name: 'create Pod' }));
    const failures = pods
      .slice(0, 10)
      .map((one, index) => child(one, `Failed: web-${index}: no image`, 900, 901, { name: 'Failed', status: 'error' }));
    const text = treeOf(segmentOf([root, ...pods, ...failures]), { screen: screen(120), why: false }).join('\n');
    assert.match(text, /├─ ✗ … 7 more like this \(/);
    assert.match(text, /└─ … 7 more like this \(/);
    for (const shown of [0, 1, 2, 10, 11, 12]) assert.match(text, new RegExp(`create pod web-${shown} `));
  });

  test('a fold says how many of it failed', () => {
    const fold = child(root, 'create Pod × 9949, 50 of them failed', 0, 9_000, {
      status: 'error',
      statusMessage: '50 of 9949: Failed: no image',
    });
    assert.match(
      treeOf(segmentOf([root, fold]), { screen: screen(140), why: false }).join('\n'),
      /✗ create Pod × 9949, 50 of them failed: Failed: no image/,
    );
  });

  test('what failed on the way is told of a trace that ended well', () => {
    const well = { ...root, attributes: { 'knspan.outcome': 'ok' } };
    const quota = child(well, 'FailedCreate: quota', 500, 500, { status: 'error', statusMessage: 'FailedCreate: quota' });
    const later = child(well, 'BackOff: x', 900, 900, { status: 'error', statusMessage: 'BackOff: x' });
    const told = (spans: readonly Span[]) => treeOf(segmentOf(spans), { screen: screen(120), why: false })[1];
    const named = { ...well, attributes: { ...well.attributes, 'knspan.trouble': ['FailedCreate: quota', 'BackOff: x'] } };
    assert.equal(told([named, later, quota]), '  on the way: FailedCreate: quota; BackOff: x');
    assert.equal(told([well, later]), '  on the way: BackOff: x');
    assert.match(told([well, schedule]) ?? '', /^ {2}2025-/);
  });

  test('a long cause keeps its end, on as many lines as it needs, four at most', () => {
    const cause = `Failed to pull image: ${'failed to resolve reference '.repeat(40)}: not found`;
    for (const width of [60, 120]) {
      const told = treeOf(segmentOf([{ ...root, attributes: { 'knspan.outcome': 'failed', 'knspan.cause': cause } }]), {
        screen: screen(width),
        why: false,
      }).slice(1, 6);
      assert.match(told.join('\n'), /^ {2}because Failed to pull[\s\S]*… *[\s\S]*: not found\n {2}2025-/);
      assert.match(told[4] ?? '', /^ {2}2025-/);
    }
  });

  test('uids in parentheses and repeated reasons are left out', () => {
    const uid = 'c51bb350-1ffb-4bbd-a15a-89e81f4aac8e';
    const span = child(root, `BackOff: failed container app in pod web-1_shop(${uid})`, 1, 2, { status: 'error' });
    const pulled = child(root, 'pull shop/web:2', 1, 2, { status: 'error', statusMessage: 'Failed: Failed to pull image: not found' });
    const exit = child(root, 'container app (ended: Error, exit 1)', 1, 2, {
      status: 'error',
      statusMessage: 'container app: Error, exit 1',
    });
    const text = treeOf(segmentOf([root, span, pulled, exit]), { screen: screen(140), why: false }).join('\n');
    assert.match(text, /✗ BackOff: failed container app in pod web-1_shop {2}/);
    assert.match(text, /✗ pull shop\/web:2: Failed to pull image: not found kubelet/);
    assert.match(text, /✗ container app \(ended: Error, exit 1\) {2}/);
  });

  test('no duration is more exact than the times that it comes from', () => {
    const lasting = (ms: number, uncertain?: number) =>
      lastingText(
        spanOf({ end: began + ms * 1_000, attributes: uncertain === undefined ? {} : { 'knspan.time.uncertainty_ms': uncertain } }),
      );
    assert.deepEqual(
      [lasting(1_500), lasting(1_500, 1_000), lasting(300, 1_000), lasting(27_000, 1_000), lasting(84_000, 1_000), lasting(300, 1)],
      ['1.5 s', '~ 2 s', '< 1 s', '~ 27 s', '1 m 24 s', '300 ms'],
    );
    const instant = { ...root, end: root.start + 1 };
    assert.match(treeOf(segmentOf([instant]), { screen: screen(120), why: false })[0] ?? '', / failed {3}7 events$/);
    assert.match(listLineOf(segmentOf([instant]), screen(120)), /^2025-11-20T23:06:40Z {9}· {2}failed /);
  });

  test('a failed span says so without colour, with its message where the title has none', () => {
    const failed = child(root, 'create pod web-1', 0, 1, { status: 'error', statusMessage: 'quota exceeded' });
    const text = treeOf(segmentOf([root, failed, pull]), { screen: screen(120), why: false }).join('\n');
    assert.match(text, /✗ create pod web-1: quota exceeded/);
  });

  test('a segment without its root, an empty one', () => {
    assert.deepEqual(treeOf(segmentOf([]), { screen: screen(120), why: false }), []);
    const late = { ...schedule, spanId: 'f'.repeat(16), parentSpanId: 'e'.repeat(16), title: 'under a span of another part' };
    assert.match(treeOf(segmentOf([pod, pull, late]), { screen: screen(120), why: false }).join('\n'), /├─ under a span of another part/);
    assert.match(treeOf(segmentOf([pod, pull]), { screen: screen(120), why: false }).join('\n'), /create pod web-5d-x1[\s\S]*BackOff/);
  });
});

describe('list', () => {
  test('at 120, 80 and 60 columns', () => {
    assert.equal(
      listLineOf(rollout, screen(120)),
      '2025-11-20T23:06:40Z    10.0 s  failed      Deployment shop/web: rollout  Back-off pulling image      7 events  01234567',
    );
    assert.equal(listLineOf(rollout, screen(80)), '2025-11-20T23:06:40Z    10.0 s  failed      Deployment shop/web: rollout');
    assert.equal(listLineOf(rollout, screen(60)), '23:06:40    10.0 s  failed  Deployment shop/web: rollout');
  });

  test('a long name gives way to what happened', () => {
    const long = segmentOf([{ ...root, title: `Pod ${'n'.repeat(63)}/${'p'.repeat(253)}: incident (Pod x)` }]);
    for (const width of [60, 80, 120, 240]) {
      assert.match(listLineOf(long, screen(width)), /…: incident/);
      assert.ok(widthOf(listLineOf(long, screen(width))) <= width);
      assert.match(treeOf(long, { screen: screen(width), why: false })[0] ?? '', /…: incident {3}/);
    }
  });
});

describe('nothing raw reaches the terminal', () => {
  const evil = '\u001b[31mred\u001b]0;title\u0007 \u009b2J\r\nnext\ttab\u202egpj.exe\u0000\u2028';
  const attributes = {
    'knspan.outcome': evil,
    'knspan.events': evil,
    'knspan.actor': evil,
    'knspan.cause': evil,
    'knspan.rule': evil,
    'knspan.evidence': evil,
    'knspan.confidence': evil,
  };
  const events = [{ name: evil, at: began, attributes: { 'k8s.event.message': evil } }];
  const links = [{ traceId: 'f'.repeat(32), spanId: '1', attributes: { 'knspan.link': evil } }];
  const bad = spanOf({ title: evil, name: evil, service: evil, attributes, events, links, statusMessage: evil });
  const segment = segmentOf([bad, child(bad, evil, 0, 1, { service: evil, attributes, events }), child(bad, 'x', 0, 1, { service: evil })]);

  test('tree and list', () => {
    const out = [...treeOf(segment, { screen: screen(240), why: true }), listLineOf(segment, screen(240))];
    for (const line of out) assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/);
    assert.match(out[0] ?? '', /\\x1b\[31mred/);
  });

  test('clean leaves other text alone', () => {
    assert.equal(clean('grün 日本 🚀 → “x”'), 'grün 日本 🚀 → “x”');
    assert.equal(clean('a\r\nb\nc\td'), 'a⏎b⏎c d');
    assert.equal(clean('\u001b[0m\u007f'), '\\x1b[0m\\x7f');
  });
});

describe('terminal', () => {
  test('wide characters count two columns and are cut right', () => {
    for (const [text, width] of [
      ['', 0],
      ['abc', 3],
      ['日本', 4],
      ['e\u0301', 1],
      ['👩‍👩‍👧', 2],
      ['→', 1],
      ['ｆ', 2],
      ['\u{20000}', 2],
      ['❤️', 2],
      ['\u0301', 0],
    ] as const)
      assert.equal(widthOf(text), width, text);
    assert.equal(cut('日本語', 6), '日本語');
    assert.equal(cut('日本語', 5), '日本…');
    assert.equal(cut('日本語', 4), '日…');
    assert.equal(cut('👩‍👩‍👧👩‍👩‍👧', 3), '👩‍👩‍👧…');
    assert.equal(cut('abcdef', 4), 'abc…');
    assert.equal(pad('日', 4), '日  ');
    assert.equal(padLeft('日', 4), '  日');
  });

  test('durationText', () => {
    for (const [micros, text] of [
      [0, '< 1 ms'],
      [999, '< 1 ms'],
      [1_000, '1 ms'],
      [12_400, '12 ms'],
      [999_400, '999 ms'],
      [999_500, '1.0 s'],
      [1_234_000, '1.2 s'],
      [59_940_000, '59.9 s'],
      [59_960_000, '1 m 00 s'],
      [184_000_000, '3 m 04 s'],
      [3_599_600_000, '1 h 00 m'],
      [7_800_000_000, '2 h 10 m'],
    ] as const)
      assert.equal(durationText(micros), text, String(micros));
  });

  test('timeText', () => {
    assert.equal(timeText(began), '2025-11-20T23:06:40Z');
    assert.equal(timeText(Number.NaN), 'unknown time');
    assert.equal(timeText(1e30), 'unknown time');
  });

  test('bars fill their width and never leave it', () => {
    assert.equal(bar(0, 10, 10, 8), '████████');
    assert.equal(bar(5, 10, 10, 8), '    ████');
    assert.equal(bar(10, 10, 10, 4), '   ▏');
    for (const [start, end, total] of [
      [0, 0, 0],
      [0, 1, 1e9],
      [-5, 3, 10],
      [5, 50, 10],
      [20, 30, 10],
    ] as const)
      assert.equal(bar(start, end, total, 8).length, 8, `${start} ${end} ${total}`);
  });

  test('colour and width of the screen', () => {
    assert.deepEqual(screenOf({}, {}), { width: 120, colour: false });
    assert.deepEqual(screenOf({ isTTY: true, columns: 80 }, {}), { width: 80, colour: true });
    assert.deepEqual(screenOf({ isTTY: true, columns: 10 }, { NO_COLOR: '1' }), { width: 60, colour: false });
    assert.deepEqual(screenOf({}, { COLUMNS: '90', FORCE_COLOR: '1' }), { width: 90, colour: true });
    assert.deepEqual(screenOf({}, { COLUMNS: 'x', FORCE_COLOR: '0' }), { width: 120, colour: false });
    assert.deepEqual(screenOf({}, { COLUMNS: '' }), { width: 120, colour: false });
    assert.equal(paint(screen(80), 'red', 'x'), 'x');
    assert.equal(paint(screen(80, true), 'red', 'x'), '\u001b[31mx\u001b[39m');
  });
});
