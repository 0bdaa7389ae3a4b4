/**
 * What a Trigger lets pass: every vector that was measured on a real Knative filter process, what the webhook would refuse, and the laws
 * that hold between the dialects.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { passes, readFilter } from '../../shared/dev-broker/filters.ts';
import { type ManifestFault, Part } from '../../shared/dev-broker/manifest-reader.ts';

const event = { specversion: '1.0', id: '1', source: '/mysource', type: 'com.example.someevent' };

function read(spec: unknown): { passes: (more?: Readonly<Record<string, string>>) => boolean; faults: ManifestFault[] } {
  const faults: ManifestFault[] = [];
  const filter = readFilter(new Part(spec, 'Trigger x', faults));
  return { passes: (more = {}) => passes(filter, new Map(Object.entries({ ...event, ...more }))), faults };
}

type Vector = readonly [spec: string, more: Readonly<Record<string, string>>, passes: boolean];

const json = { datacontenttype: 'application/json; charset=utf-8' };
const v = { myext: 'v' };
const good = 'exact: {type: com.example.someevent}';
const bad = 'exact: {type: x}';

const vectors: readonly Vector[] = [
  ['{}', {}, true],
  ['filter: {attributes: {}}', {}, true],
  ['filter: {attributes: {type: com.example.someevent}}', {}, true],
  ['filter: {attributes: {type: x}}', {}, false],
  ['filter: {attributes: {type: ""}}', {}, true],
  ['filter: {attributes: {subject: ""}}', {}, false],
  ['filter: {attributes: {subject: ""}}', { subject: 's' }, true],
  ['filter: {attributes: {myext: ""}}', {}, false],
  ['filter: {attributes: {myext: ""}}', v, true],
  ['filter: {attributes: {myext: v}}', v, true],
  ['filter: {attributes: {myext: V}}', v, false],
  ['filter: {attributes: {time: ""}}', {}, true],
  ['filter: {attributes: {specversion: "1.0"}}', {}, true],
  ['filter: {attributes: {datacontenttype: application/json; charset=utf-8}}', json, true],
  ['filter: {attributes: {datacontenttype: application/json}}', json, false],
  ['filter: {attributes: {datamediatype: application/json}}', json, true],
  [`{filter: {attributes: {type: x}}, filters: [{${good}}]}`, {}, true],
  ['{filter: {attributes: {type: x}}, filters: []}', {}, false],
  ['filters: [{exact: {myext: v}}]', {}, false],
  ['filters: [{exact: {type: com.example.someevent, source: /other}}]', {}, false],
  ['filters: [{exact: {type: com.example.someevent, source: /mysource}}]', {}, true],
  ['filters: [{prefix: {type: com.example.}}]', {}, true],
  ['filters: [{prefix: {type: COM.}}]', {}, false],
  ['filters: [{prefix: {subject: a}}]', {}, false],
  ['filters: [{suffix: {type: .someevent}}]', {}, true],
  ['filters: [{prefix: {type: com.}}, {exact: {source: /other}}]', {}, false],
  [`filters: [{all: [{${good}}, {${bad}}]}]`, {}, false],
  ['filters: [{all: []}]', {}, true],
  [`filters: [{any: [{${bad}}, {${good}}]}]`, {}, true],
  [`filters: [{any: [{${bad}}, {${bad}}]}]`, {}, false],
  ['filters: [{any: []}]', {}, true],
  [`filters: [{any: [{${bad}}, {}]}]`, {}, false],
  [`filters: [{not: {${good}}}]`, {}, false],
  ['filters: [{not: {exact: {myext: v}}}]', {}, true],
  ['filters: [{}]', {}, true],
];

describe('vectors measured on a real filter', () => {
  for (const [spec, more, wanted] of vectors) {
    test(`${spec} ${JSON.stringify(more)}: ${wanted ? 'pass' : 'drop'}`, () => {
      const filter = read(parse(spec));
      assert.deepEqual(filter.faults, []);
      assert.equal(filter.passes(more), wanted);
    });
  }
});

describe('what the webhook refuses, or a cluster dies of, is a fault; it decides all the same as there', () => {
  const faulty: readonly (readonly [spec: string, message: RegExp, passes: boolean | null])[] = [
    ['filters: [{exact: {type: ""}}]', /filters\[0\]\.exact\.type: wanted a text, found ''/, true],
    ['filters: [{exact: {type: x}, prefix: {type: com.}}]', /filters\[0\]: wanted one dialect, found exact and prefix/, false],
    ['filters: [{not: {}}]', /filters\[0\]\.not: wanted a filter, found an empty one/, null],
    ['filters: [{exact: {Type: x}}]', /wanted the name of an attribute in a-z and 0-9, found 'Type'/, null],
    ['filters: [{exact: {type: 5}}]', /wanted a text, found 5/, null],
    ['filters: [{exakt: {type: x}}]', /wanted one of exact, prefix, .*, found the unknown field 'exakt'/, null],
    ['filters: {exact: {type: x}}', /filters: wanted a list, found a map/, null],
    [
      `filters: ${'[{not: '.repeat(1)}${'{not: '.repeat(30)}{exact: {type: x}}${'}'.repeat(31)}]`,
      /wanted at most 20 levels of filters/,
      null,
    ],
  ];
  for (const [spec, message, wanted] of faulty) {
    test(spec.slice(0, 80), () => {
      const filter = read(parse(spec));
      assert.match(filter.faults.map(({ place, message }) => `${place}: ${message}`).join('\n'), message);
      if (wanted !== null) assert.equal(filter.passes(), wanted);
    });
  }
});

describe('laws', () => {
  const name = fc.constantFrom('type', 'source', 'subject', 'myext', 'time', 'id');
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/'), minLength: 1, maxLength: 4 });
  const attributes = fc.dictionary(name, text);
  const leaf = fc
    .tuple(fc.constantFrom('exact', 'prefix', 'suffix'), name, text)
    .map(([dialect, key, value]): unknown => ({ [dialect]: { [key]: value } }));
  const { filter } = fc.letrec<{ filter: unknown }>((tie) => ({
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((filters) => ({ all: filters })),
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((filters) => ({ any: filters })),
      tie('filter').map((inner) => ({ not: inner })),
    ),
  }));
  const decide = (spec: readonly unknown[], more: Readonly<Record<string, string>>): boolean => {
    const found = read({ filters: spec });
    assert.deepEqual(found.faults, []);
    return found.passes(more);
  };

  test('not turns the answer round', () =>
    fc.assert(fc.property(filter, attributes, (one, more) => assert.equal(decide([{ not: one }], more), !decide([one], more)))));

  test('a list is all of them, and all is the same as not any of not', () =>
    fc.assert(
      fc.property(fc.array(filter, { minLength: 1, maxLength: 3 }), attributes, (some, more) => {
        const each = some.map((one) => decide([one], more));
        assert.equal(decide(some, more), each.every(Boolean));
        assert.equal(decide([{ all: some }], more), each.every(Boolean));
        assert.equal(decide([{ any: some }], more), each.some(Boolean));
        assert.equal(decide([{ not: { any: some.map((one) => ({ not: one })) } }], more), each.every(Boolean));
      }),
    ));

  test('exact is prefix and suffix of the same text', () =>
    fc.assert(
      fc.property(name, text, attributes, (key, value, more) => {
        const exact = decide([{ exact: { [key]: value } }], more);
        if (exact) assert.ok(decide([{ prefix: { [key]: value } }, { suffix: { [key]: value } }], more));
      }),
    ));
});
