/** Patterns of users with unbounded run time are refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { patternDanger } from '../../../shared/correlation/rules/safe-pattern.ts';

const harmless = [
  '',
  '^Created pod: (?<name>\\S+)',
  '^(?<kind>[^ ]+) (?<namespace>[^ ]+) (?<name>[^ ]+)$',
  'pod (?<name>\\S+) on (?<node>\\S+)',
  '^a.*$',
  '^.*foo.*bar',
  '\\d+\\.\\d+s',
  '(?:Init c|C)ontainer',
  '(?: from \\d+)?',
  '(?:a b)+c',
  '[0-9a-f]{8}-[0-9a-f]{4}',
  '(?<=pod )\\S+',
  '[)(|*+]+x',
  '\\p{Lu}\\u{1F600}\\x41\\cA',
];

const dangerous: readonly [string, RegExp][] = [
  ['(a+)+$', /repeats the group '\(a\+\)'/u],
  ['^(?:\\w+\\s?)*$', /repeats the group/u],
  ['(?:a|ab)*c', /repeats the group/u],
  ['(?:x?){30}y', /repeats the group/u],
  ['(?<all>(?:[a-z]+,)*)', /repeats the group '\(\?:\[a-z\]\+,\)'/u],
  ['^(.+) (.+) (.+) end', /open repetitions/u],
  ['.*foo.*bar', /open repetitions/u],
  ['^.{0,400}.{0,400}.{0,400}x', /open repetitions/u],
  ['(?<a>.)\\k<a>', /refers back/u],
  ['(.)\\1', /refers back/u],
  ['a{3000}', /too many/u],
  ['(?:a{99}){99}', /too many/u],
];

describe('patternDanger()', () => {
  for (const pattern of harmless) {
    test(`accepts ${pattern || 'the empty pattern'}`, () => {
      assert.equal(patternDanger(pattern), '');
    });
  }

  for (const [pattern, reason] of dangerous) {
    test(`refuses ${pattern}`, () => {
      assert.match(patternDanger(pattern), reason);
    });
  }

  test('reads any valid pattern to its end', () => {
    const piece = fc.constantFrom('a', '.', '\\d', '[^ ]', '(?:b)', '(?<n>c)', '(?=d)', '|', '^', '$', '\\(', '[(]', '\\u{41}');
    const counted = fc.constantFrom('', '', '+', '*?', '{2}', '{0,9}', '?');
    fc.assert(
      fc.property(fc.array(fc.tuple(piece, counted), { maxLength: 12 }), (parts) => {
        const pattern = parts.map(([one, count]) => one + count).join('');
        fc.pre(isValid(pattern));
        assert.equal(typeof patternDanger(pattern), 'string');
      }),
    );
  });
});

function isValid(pattern: string): boolean {
  try {
    new RegExp(pattern, 'su');
    return true;
  } catch {
    return false;
  }
}
