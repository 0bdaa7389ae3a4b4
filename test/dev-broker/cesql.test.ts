/** CESQL as Knative's brokers evaluate it: the whole conformance suite of the CloudEvents project, and whatever text never throws. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { evaluate } from '../../shared/dev-broker/cesql/evaluate.ts';
import { parseCesql } from '../../shared/dev-broker/cesql/parser.ts';
import type { Value } from '../../shared/dev-broker/cesql/syntax.ts';
import { field, isJson } from '../../shared/events/json.ts';

const lines = readFileSync(new URL('data/cesql-tck.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const cases: unknown[] = lines.map((line) => JSON.parse(line));

/** The event of a case that brings none of its own. */
const fullEvent: Readonly<Record<string, Value>> = {
  specversion: '1.0',
  type: 'com.example.FullEvent',
  source: 'http://example.com/source',
  id: 'full-event',
  time: '2020-03-21T12:34:56.78Z',
  dataschema: 'http://example.com/schema',
  subject: 'topic',
  datacontenttype: 'text/json',
  exbool: true,
  exint: 42,
  exstring: 'exstring',
};

function attributesOf(one: unknown): Map<string, Value> {
  const event = field(one, 'event');
  const overrides = field(one, 'eventOverrides');
  const entries = { ...(isJson(event) ? event : fullEvent), ...(isJson(overrides) ? overrides : {}) };
  const attributes = new Map<string, Value>();
  for (const [name, value] of Object.entries(entries)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') attributes.set(name, value);
  }
  return attributes;
}

describe('the conformance suite', () => {
  test('is whole', () => assert.equal(cases.length, 275));

  for (const suite of new Set(cases.map((one) => String(field(one, 'suite'))))) {
    test(suite, () => {
      for (const one of cases.filter((other) => field(other, 'suite') === suite)) {
        const text = String(field(one, 'expression'));
        const name = `${field(one, 'name')}: ${text}`;
        const wantedFault = field(one, 'error');
        const parsed = parseCesql(text);
        if (wantedFault === 'parse') {
          assert.equal(parsed.ok, false, name);
          continue;
        }
        if (!parsed.ok) assert.fail(`${name}: ${parsed.reason}`);
        const attributes = attributesOf(one);
        const outcome = evaluate(parsed.value, (attribute) => attributes.get(attribute));
        assert.equal(outcome.fault, wantedFault, name);
        if (field(one, 'result') !== undefined) assert.deepEqual(outcome.value, field(one, 'result'), name);
      }
    });
  }
});

test('AND, OR and XOR are of one rank and group from the right, as the grammar of the SDK has it', () => {
  const values: readonly (readonly [string, boolean])[] = [
    ['FALSE AND TRUE OR TRUE', false],
    ['(FALSE AND TRUE) OR TRUE', true],
    ['TRUE OR TRUE AND FALSE', true],
    ['TRUE XOR TRUE OR TRUE', false],
  ];
  for (const [text, wanted] of values) {
    const parsed = parseCesql(text);
    if (!parsed.ok) assert.fail(parsed.reason);
    assert.equal(evaluate(parsed.value, () => undefined).value, wanted, text);
  }
});

describe('whatever is written', () => {
  const word = fc.constantFrom(
    ...['AND', 'OR', 'XOR', 'NOT', 'LIKE', 'IN', 'EXISTS', 'TRUE', 'type', 'missing', "'a%'", '"b"', '12', '-3', '0', '(', ')', ','],
    ...['=', '!=', '<', '>=', '+', '-', '*', '/', '%', 'LENGTH(', 'SUBSTRING(', 'INT(', 'ABS('],
  );

  test('a text is read or refused in a sentence, and what is read gives a value', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 14 }), (words) => {
        const parsed = parseCesql(words.join(' '));
        if (!parsed.ok) return assert.match(parsed.reason, /^Cannot read the CESQL expression '.*': wanted .+/s);
        const { value } = evaluate(parsed.value, (name) => (name === 'type' ? 'abc' : undefined));
        assert.ok(['string', 'number', 'boolean'].includes(typeof value));
      }),
      { numRuns: 3_000 },
    );
  });

  test('any characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => assert.equal(typeof parseCesql(text).ok, 'boolean')),
      { numRuns: 2_000 },
    );
  });

  test('depth and length are bounded', () => {
    for (const text of [`${'('.repeat(5_000)}1`, `${'NOT '.repeat(900)}TRUE`, `'${'a'.repeat(9_000)}' = 'a'`, '1+'.repeat(600)]) {
      assert.equal(parseCesql(text).ok, false, text.slice(0, 20));
    }
  });

  test('LIKE matches what the same pattern as a regular expression matches', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '_', '%'), maxLength: 8 });
    fc.assert(
      fc.property(letters, pattern, (text, like) => {
        const parsed = parseCesql(`type LIKE '${like}'`);
        if (!parsed.ok) assert.fail(parsed.reason);
        const wanted = new RegExp(`^${like.replaceAll('%', '.*').replaceAll('_', '.')}$`).test(text);
        assert.equal(evaluate(parsed.value, () => text).value, wanted);
      }),
      { numRuns: 2_000 },
    );
  });
});
