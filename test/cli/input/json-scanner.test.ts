/** The ends that the scanner finds are those of JSON.parse, wherever the bytes are divided; what is no JSON is noticed where it begins. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { depthMax, JsonScanner } from '../../../shared/cli/input/json-scanner.ts';

interface Scanned {
  readonly values: unknown[];
  readonly step: string;
  readonly at: number;
  readonly kind: string;
}

/** Bytes before `keepFrom` are overwritten, as if they were gone. */
function scan(text: string, chunk: number): Scanned {
  const all = Buffer.from(text);
  const bytes = Buffer.from(all);
  const scanner = new JsonScanner((key) => key === 'items');
  const values: unknown[] = [];
  scanner.begin(0);
  for (let end = Math.min(chunk, all.length); ; ) {
    const step = scanner.advance(bytes, end);
    if (step === 'item' || step === 'value') values.push(JSON.parse(bytes.toString('utf8', scanner.itemStart, scanner.at)));
    if (step === 'item') continue;
    if (step !== 'more' || end === all.length) return { values, step, at: scanner.at, kind: scanner.kind };
    bytes.fill(0x21, 0, scanner.keepFrom);
    end = Math.min(end + chunk, all.length);
  }
}

const indents = fc.constantFrom(0, 1, 4);
const chunks = fc.integer({ min: 1, max: 40 });

describe('JsonScanner', () => {
  test('elements of a list, one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), indents, chunks, (list, indent, chunk) => {
        const { values, step } = scan(JSON.stringify(list, null, indent), chunk);
        assert.deepEqual(values, JSON.parse(JSON.stringify(list)));
        assert.equal(step, 'end');
      }),
    );
  });

  test('elements of `items`, and the kind before or behind them', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), fc.boolean(), indents, chunks, (items, other, first, indent, chunk) => {
        const list = first ? { kind: 'PodList', other, items } : { other, items, kind: 'PodList', more: other };
        const { values, step, kind } = scan(JSON.stringify(list, null, indent), chunk);
        assert.deepEqual(values, JSON.parse(JSON.stringify(items)));
        assert.deepEqual([step, kind], ['end', 'PodList']);
      }),
    );
  });

  test('any other object whole', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), indents, chunks, (object, indent, chunk) => {
        fc.pre(!Array.isArray(object['items']));
        const { values, step } = scan(JSON.stringify(object, null, indent), chunk);
        assert.deepEqual(values, [JSON.parse(JSON.stringify(object))]);
        assert.equal(step, 'value');
      }),
    );
  });

  test('text that is no JSON is a fault, where its first sign cannot go on', () => {
    for (const [text, at] of [
      ['{foo', 1],
      ['[INFO] x', 1],
      ['{"a" "b"}', 5],
      ['{"a":1,}', 7],
      ['[1,]', 3],
      ['{"a":}', 5],
      ['{"a":1 "b":2}', 7],
      ['{"a":"b\nc"}', 7],
      ['[1}', 2],
      ['{"a":[1}', 7],
      ['[{"a":1}\n==== logs', 9],
    ] as const)
      assert.deepEqual([scan(text, 100).step, scan(text, 100).at], ['fault', at], text);
  });

  test('what JSON.parse takes has no fault; whatever the bytes, the scanner comes to an end', () => {
    const signs = fc.string({
      unit: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', '1', 'true', ' ', '\n', 'x', 'é'),
      maxLength: 30,
    });
    fc.assert(
      fc.property(signs, chunks, (rest, chunk) => {
        const text = `[${rest}`;
        const whole = new JsonScanner(() => false);
        whole.begin(0);
        const bytes = Buffer.from(text);
        let step = whole.advance(bytes, bytes.length);
        while (step === 'item') step = whole.advance(bytes, bytes.length);
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (isJson) assert.equal(step, 'end');
        const divided = new JsonScanner(() => false);
        divided.begin(0);
        for (let end = chunk; ; end += chunk) {
          let one = divided.advance(bytes, Math.min(end, bytes.length));
          while (one === 'item') one = divided.advance(bytes, Math.min(end, bytes.length));
          if (one === 'more' && end < bytes.length) continue;
          assert.deepEqual([one, divided.at], [step, whole.at]);
          break;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('deeper than anyone nests is a fault', () => {
    assert.equal(scan('['.repeat(depthMax + 5), 100).step, 'fault');
    assert.equal(scan(`${'['.repeat(depthMax)}${']'.repeat(depthMax)}`, 100).step, 'end');
  });
});
