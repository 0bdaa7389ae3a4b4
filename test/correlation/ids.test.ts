/** Ids are derived from the Events alone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { digestOf, spanIdOf, traceIdOf } from '../../shared/correlation/ids.ts';

describe('ids', () => {
  it('stay what they are from version to version: backends hold traces under them', () => {
    assert.equal(traceIdOf('prod', 'd-1', 'e-1#1'), 'ba08012bffc6b8071350d96e07dcf757');
    assert.equal(spanIdOf('prod', 'e-1#1', 'event'), 'd7202d9c3990c277');
    assert.equal(digestOf(['e-1#1', 'e-2#3']), 'a37d448deb804754');
  });

  it('differ by every part, and by where a part ends', () => {
    const traces = [
      traceIdOf('a', 'b', 'c'),
      traceIdOf('x', 'b', 'c'),
      traceIdOf('a', 'x', 'c'),
      traceIdOf('a', 'b', 'x'),
      traceIdOf('ab', '', 'c'),
      traceIdOf('', 'ab', 'c'),
      traceIdOf('a', 'bc', ''),
    ];
    assert.equal(new Set(traces).size, traces.length);
    const spans = [
      spanIdOf('a', 'b', 'c'),
      spanIdOf('x', 'b', 'c'),
      spanIdOf('a', 'x', 'c'),
      spanIdOf('a', 'b', 'x'),
      spanIdOf('ab', '', 'c'),
      spanIdOf('a', 'bc', ''),
    ];
    assert.equal(new Set(spans).size, spans.length);
  });

  it('have the length and the letters of OpenTelemetry', () => {
    for (const text of ['', 'a', 'ü', '__proto__', 'x'.repeat(10_000)]) {
      assert.match(traceIdOf(text, text, text), /^(?!0+$)[0-9a-f]{32}$/);
      assert.match(spanIdOf(text, text, text), /^(?!0+$)[0-9a-f]{16}$/);
    }
  });
});

describe('digest of a set of occurrences', () => {
  const ids = Array.from({ length: 200 }, (_, index) => `e-${index}#${index % 3}`);

  it('is the same in any order', () => assert.equal(digestOf(ids.toReversed()), digestOf(ids)));

  it('adds up: two parts make the whole', () => {
    const sum = (BigInt(`0x${digestOf(ids.slice(0, 70))}`) + BigInt(`0x${digestOf(ids.slice(70))}`)) & 0xffffffffffffffffn;
    assert.equal(digestOf(ids), sum.toString(16).padStart(16, '0'));
  });

  it('betrays one that is missing, one that is there twice, one that is another', () => {
    const whole = digestOf(ids);
    assert.notEqual(digestOf(ids.slice(1)), whole);
    assert.notEqual(digestOf([...ids, 'e-0#0']), whole);
    assert.notEqual(digestOf([...ids.slice(1), 'e-0#1']), whole);
  });

  it('of nothing is zero', () => assert.equal(digestOf([]), '0000000000000000'));
});
