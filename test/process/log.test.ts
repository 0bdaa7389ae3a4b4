/** Logs: one line of JSON per entry, whatever a sender puts into it; sampled entries are bounded. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../shared/process/clock.ts';
import { Log, type LogLevel, messageOf } from '../../shared/process/log.ts';
import { seed } from '../helpers/seed.ts';

fc.configureGlobal({ seed });

function logTo(lines: string[], level: LogLevel = 'info', clock = new ManualClock(1_763_680_000_000)): Log {
  return new Log({ function: 'exporter', level, clock, write: (line) => lines.push(line) });
}

describe('Log', () => {
  test('time, level, function, message, then the fields', () => {
    const lines: string[] = [];
    logTo(lines).warn('refused', { status: 400, type: 'x', nothing: null, error: new Error('why') });
    assert.deepEqual(lines, [
      '{"time":"2025-11-20T23:06:40.000Z","level":"warn","function":"exporter","message":"refused","status":400,"type":"x","nothing":null,"error":"why"}\n',
    ]);
  });

  test('no value can forge a line, a field of ours or a terminal command', () => {
    const lines: string[] = [];
    const forged = 'a\r\n{"level":"error","message":"forged"}\u001b[2J\u2028\u0085';
    logTo(lines).warn(forged, {
      type: forged,
      level: 'error',
      message: 'other',
      time: 0,
      function: 'correlator',
      nested: { deep: forged },
    });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]*\n$/);
    assert.equal((lines[0] ?? '').indexOf('\n'), (lines[0] ?? '').length - 1);
    const entry = JSON.parse(lines[0] ?? '');
    assert.deepEqual([entry.level, entry.function, entry.time], ['warn', 'exporter', '2025-11-20T23:06:40.000Z']);
    assert.match(entry.message, /^a {2}\{"level":"error"/);
  });

  test('one line of bounded length, whatever the fields are', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 2_000 }),
        fc.dictionary(fc.string({ maxLength: 50 }), fc.anything(), { maxKeys: 60 }),
        (message, fields) => {
          const lines: string[] = [];
          logTo(lines).info(message, fields);
          assert.equal(lines.length, 1);
          assert.equal(lines[0]?.trimEnd().includes('\n'), false);
          assert.ok((lines[0]?.length ?? 0) < 200_000);
          assert.equal(JSON.parse(lines[0] ?? '').level, 'info');
        },
      ),
    );
  });

  test('what cannot be put into JSON is said, and throws nothing', () => {
    const lines: string[] = [];
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    logTo(lines).info('x', { circle, big: 7n, none: undefined, call: () => 1, symbol: Symbol('s') });
    const { circle: said, big } = JSON.parse(lines[0] ?? '');
    assert.deepEqual([said, big], ['not representable', '7']);
  });

  test('only what its level lets through', () => {
    const counts = (['debug', 'info', 'warn', 'error', 'off'] as const).map((level) => {
      const lines: string[] = [];
      const log = logTo(lines, level);
      log.debug('x');
      log.info('x');
      log.warn('x');
      log.error('x');
      return lines.length;
    });
    assert.deepEqual(counts, [4, 3, 2, 1, 0]);
  });

  test('samples: so many a minute for each key, then the number held back', async () => {
    const lines: string[] = [];
    const clock = new ManualClock(1_763_680_000_000);
    const log = logTo(lines, 'info', clock);
    for (let index = 0; index < 10; index += 1) log.sampled('a', 3)?.warn('bad');
    log.sampled('b', 3)?.warn('bad');
    assert.equal(lines.length, 4);
    await clock.advance(60_000);
    log.sampled('a', 3)?.warn('bad', { id: '1' });
    log.sampled('a', 3)?.warn('bad');
    assert.deepEqual(
      lines.slice(4).map((line) => JSON.parse(line).heldBack),
      [7, undefined],
    );
  });
});

describe('messageOf', () => {
  test('the message, never the stack; the code where there is no message', () => {
    assert.equal(messageOf(new Error('no\nroom')), 'no room');
    assert.equal(messageOf(Object.assign(new Error(''), { code: 'ECONNREFUSED' })), 'ECONNREFUSED');
    assert.equal(messageOf(new TypeError('')), 'TypeError');
    assert.equal(messageOf('text'), 'text');
    assert.ok(messageOf(new Error('x'.repeat(10_000))).length < 600);
  });
});
