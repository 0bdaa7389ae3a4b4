/** Occurrences: derived from notifications of Events, with times and order. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareVersions, keyOf, nameKeyOf, occurrencesOf, type Routed } from '../../shared/correlation/occurrence.ts';
import type { Meaning } from '../../shared/correlation/rules/rule.ts';
import type { Instant } from '../../shared/events/observation.ts';
import { meaningWith } from '../helpers/meaning.ts';
import { type ObservationFields, observation } from '../helpers/observation.ts';

const nothing = () => false;
const second = 1_000_000;
const began = 1_763_680_000 * second;

function at(micros: number, uncertainty = 0): Instant {
  return { at: began + micros, uncertainty };
}

function routed(fields: ObservationFields, means: Partial<Meaning> = {}, tellsFirst = true): Routed {
  const made = observation({ first: at(0), last: fields.first ?? at(0), ...fields });
  return { observation: made, meaning: meaningWith(means), chain: [made.involved], owners: 1, tellsFirst };
}

const ids = (list: readonly Routed[], known: (id: string) => boolean = nothing) => occurrencesOf(list, known).map((one) => one.id);

describe('which occurrences notifications tell of', () => {
  it('one of a count of 1; the first and the last of a higher count', () => {
    assert.deepEqual(ids([routed({ uid: 'a' })]), ['a#1']);
    assert.deepEqual(ids([routed({ uid: 'a', n: 7, last: at(5 * second) })]), ['a#1', 'a#7']);
  });

  it('those that came by themselves, and no first one made up when a notification of its own told it', () => {
    const list = [routed({ uid: 'a' }), routed({ uid: 'a', n: 3, last: at(3 * second) }), routed({ uid: 'a', n: 4, last: at(4 * second) })];
    assert.deepEqual(ids(list), ['a#1', 'a#3', 'a#4']);
    assert.ok(occurrencesOf(list, nothing).every((one) => one.messageKnown));
  });

  it('none that is known, and the first one in one domain only', () => {
    const list = [routed({ uid: 'a', n: 3, last: at(second) })];
    assert.deepEqual(
      ids(list, (id) => id === 'a#1'),
      ['a#3'],
    );
    assert.deepEqual(
      ids(list, (id) => id === 'a#3'),
      ['a#1'],
    );
    assert.deepEqual(ids([routed({ uid: 'a', n: 3, last: at(second) }, {}, false)]), ['a#3']);
  });

  it('of a merged Event the message of the first is lost', () => {
    const [first, last] = occurrencesOf([routed({ uid: 'a', n: 8, last: at(second), merged: true })], nothing);
    assert.deepEqual([first?.id, first?.messageKnown, last?.id, last?.messageKnown], ['a#1', false, 'a#8', true]);
  });

  it('a notification that came again changes nothing; of two with one count the one that was written first counts', () => {
    const earlier = routed({ uid: 'a', resourceVersion: '9', message: 'first' });
    const later = routed({ uid: 'a', resourceVersion: '10', message: 'annotated' });
    for (const list of [
      [earlier, later],
      [later, earlier, later, earlier],
    ]) {
      const found = occurrencesOf(list, nothing);
      assert.deepEqual(
        found.map((one) => one.routed.observation.message),
        ['first'],
      );
    }
  });
});

describe('when they happened', () => {
  const from = { reporter: 'kubelet', instance: 'node-1' };
  const precise = routed({ ...from, uid: 'a', resourceVersion: '100', first: at(700_000) });
  const rough = (fields: ObservationFields) =>
    routed({ ...from, uid: 'b', n: 2, resourceVersion: '101', first: at(-60 * second), last: at(0, 999_999), ...fields });
  const found = (list: readonly Routed[]) => occurrencesOf(list, (id) => id === 'b#1').find((one) => one.id === 'b#2');

  it('a time cut to the second lies behind what the same reporter wrote before in that second', () => {
    const one = found([precise, rough({})]);
    assert.deepEqual([one?.at, one?.uncertainty], [began + 700_000, 299_999]);
  });

  it('also when that was placed in an earlier call', () => {
    const placed = occurrencesOf([precise], nothing);
    const [one] = occurrencesOf([rough({})], (id) => id === 'b#1', placed);
    assert.equal(one?.at, began + 700_000);
  });

  for (const [what, fields] of [
    ['what was written later', { resourceVersion: '99' }],
    ['what another reporter wrote', { reporter: 'default-scheduler' }],
    ['what another node wrote', { instance: 'node-2' }],
    ['what was written in another second', { last: at(-second, 999_999) }],
  ] as const)
    it(`not behind ${what}`, () => {
      const one = found([precise, rough(fields)]);
      assert.deepEqual([one?.at, one?.uncertainty], [began + (what.endsWith('another second') ? -second : 0), 999_999]);
    });

  it('a precise time stays as it is', () => {
    assert.equal(found([precise, rough({ last: at(100) })])?.at, began + 100);
  });
});

describe('the order of the walk', () => {
  it('is that of time; of a container at one time: scheduled, pulling, pulled, stopped, in trouble', () => {
    const list = [
      routed({ uid: 'z-action' }, { class: 'action', verb: 'create' }),
      routed({ uid: 'y-pulling' }, { class: 'start', phase: 'pull' }),
      routed({ uid: 'x-pulled' }, { class: 'end', phase: 'pull' }),
      routed({ uid: 'w-present' }, { remark: true }),
      routed({ uid: 'v-created' }, { class: 'start' }),
      routed({ uid: 'u-started' }, { class: 'end' }),
      routed({ uid: 't-killing' }, { class: 'state', verb: 'stop' }),
      routed({ uid: 's-state' }),
      routed({ uid: 'r-failure' }, { class: 'failure' }),
      routed({ uid: 'q-noise' }, { class: 'noise' }),
      routed({ uid: 'a-later', first: at(1) }, { class: 'action' }),
    ];
    const wanted = list.map((one) => `${one.observation.uid}#1`);
    assert.deepEqual(ids(list.toReversed()), wanted);
  });

  it('does not depend on the order of arrival', () => {
    const some = fc.record({
      uid: fc.constantFrom('a', 'b', 'c'),
      n: fc.integer({ min: 1, max: 4 }),
      version: fc.integer({ min: 1, max: 20 }),
      micros: fc.integer({ min: 0, max: 3_000_000 }),
      rough: fc.boolean(),
    });
    const observed = fc.array(some, { maxLength: 12 }).map((list) =>
      list.map(({ uid, n, version, micros, rough }) => {
        const last = rough ? { at: began + Math.floor(micros / second) * second, uncertainty: 999_999 } : at(micros);
        return routed({ uid, n, resourceVersion: String(version), first: n === 1 ? last : at(0), last, message: `${micros}` });
      }),
    );
    fc.assert(
      fc.property(
        observed.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, mixed]) => assert.deepEqual(occurrencesOf(mixed, nothing), occurrencesOf(list, nothing)),
      ),
      { seed: 20_261_121, numRuns: 500 },
    );
  });
});

describe('keys and versions', () => {
  it('an object is known by its uid, without one by its name', () => {
    const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web', uid: 'u' };
    assert.equal(keyOf(ref), 'u');
    assert.equal(keyOf({ ...ref, uid: '' }), nameKeyOf('Pod', 'shop', 'web'));
    assert.notEqual(keyOf({ ...ref, uid: '__proto__' }), '__proto__');
  });

  it('versions are numbers of any length, anything else is text', () => {
    assert.ok(compareVersions('9', '10') < 0);
    assert.ok(compareVersions('184467440737095516160', '99') > 0);
    assert.ok(compareVersions('b', 'ab') > 0);
    assert.equal(compareVersions('7', '7'), 0);
  });
});
