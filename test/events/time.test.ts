/** Times: RFC 3339 stamps to the microsecond, the nanoseconds in an Event's name, Go durations; what is absurd is no time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { goDurationMicros, nameSuffixTime, parseTimestamp } from '../../shared/events/time.ts';
import { suffix, suffixMicros } from '../helpers/event.ts';

const second = Date.UTC(2025, 10, 20, 23, 6, 40) * 1_000;

describe('parseTimestamp', () => {
  const good: readonly (readonly [string, number])[] = [
    ['2025-11-20T23:06:40Z', second],
    ['2025-11-20T23:06:40.1Z', second + 100_000],
    ['2025-11-20T23:06:40.123456Z', second + 123_456],
    ['2025-11-20T23:06:40.123456789Z', second + 123_456],
    ['2025-11-20T23:06:40.000001Z', second + 1],
    ['2025-11-21T01:06:40+02:00', second],
    ['2025-11-20T17:36:40.5-05:30', second + 500_000],
  ];
  for (const [text, at] of good) test(`reads ${text}`, () => assert.equal(parseTimestamp(text), at));

  const bad: readonly unknown[] = [
    '',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '1970-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '2100-01-01T00:00:00Z',
    '2025-13-20T23:06:40Z',
    '2025-11-20T25:06:40Z',
    '2025-11-20',
    '2025-11-20T23:06:40',
    '2025-11-20T23:06:40.1234567890Z',
    ' 2025-11-20T23:06:40Z',
    '2025-11-20T23:06:40Z\n',
    'x'.repeat(100),
    null,
    undefined,
    second,
    {},
    [],
  ];
  for (const text of bad) test(`refuses ${JSON.stringify(text) ?? 'undefined'}`, () => assert.equal(parseTimestamp(text), null));

  test('every microsecond between 2006 and 2100 comes back exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(2006, 0, 1), max: Date.UTC(2099, 11, 31) }), fc.integer({ min: 0, max: 999 }), (ms, us) => {
        const text = new Date(ms).toISOString().replace('Z', `${String(us).padStart(3, '0')}Z`);
        assert.equal(parseTimestamp(text), ms * 1_000 + us);
      }),
    );
  });
});

describe('nameSuffixTime', () => {
  test('reads the nanoseconds, cut to microseconds', () => assert.equal(nameSuffixTime(`web-1.${suffix}`), suffixMicros));
  test('reads the last suffix of a name with dots', () => assert.equal(nameSuffixTime(`a.b.${suffix}.${suffix}`), suffixMicros));
  test('reads names of nodes with colons and capitals', () => assert.equal(nameSuffixTime(`NODE:1.${suffix}`), suffixMicros));
  for (const name of [
    '',
    'web',
    `web${suffix}`,
    'web.18799',
    `web.${suffix}0`,
    `web.${suffix.toUpperCase()}`,
    'web.0000000000000000',
    'web.ffffffffffffffff',
    'web.0000000000000001',
  ])
    test(`finds none in '${name}'`, () => assert.equal(nameSuffixTime(name), null));
});

describe('goDurationMicros', () => {
  const good: readonly (readonly [string, number])[] = [
    ['0s', 0],
    ['1.5s', 1_500_000],
    ['893.5ms', 893_500],
    ['1m2.5s', 62_500_000],
    ['2h', 7_200_000_000],
    ['1h0m0.5s', 3_600_500_000],
    ['12µs', 12],
    ['12μs', 12],
    ['12us', 12],
    ['1500ns', 2],
  ];
  for (const [text, micros] of good) test(`reads ${text}`, () => assert.equal(goDurationMicros(text), micros));
  for (const text of ['', '5', 's', '-1s', '1.s', '.5s', '1d', '1s ', '1 s', `${'1s'.repeat(40)}`])
    test(`refuses '${text}'`, () => assert.equal(goDurationMicros(text), null));

  test('never throws and never gives anything but a finite number from 0 on', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(\d{1,4}(\.\d{1,4})?(h|m|s|ms|us|ns)){1,6}$/)), (text) => {
        const micros = goDurationMicros(text);
        assert.ok(micros === null || (Number.isSafeInteger(micros) && micros >= 0));
      }),
    );
  });
});
