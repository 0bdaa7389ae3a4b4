/** Settings: every fault is reported with variable, value and permitted values; no message shows a secret. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, type Environment, Settings } from '../../shared/process/settings.ts';

type Read = (settings: Settings) => unknown;
const number: Read = (settings) => settings.number('N', { default: 7, min: 1, max: 10, what: 'a number' });
const flag: Read = (settings) => settings.flag('N', false, 'a flag');
const duration: Read = (settings) => settings.duration('N', '30s', 'a time', '1s', '1h');
const choice: Read = (settings) => settings.choice('N', ['redis', 'memory'], 'memory', 'a choice');
const url: Read = (settings) => settings.url('N', { what: 'a URL' });
const text: Read = (settings) => settings.text('N', { pattern: /^[a-z]+$/, what: 'a name' });

function faultsOf(read: Read, env: Environment): string {
  const settings = new Settings(env);
  read(settings);
  try {
    settings.finish('exporter');
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  return '';
}

describe('Settings', () => {
  const good: readonly (readonly [Read, string | undefined, unknown])[] = [
    [number, undefined, 7],
    [number, '  ', 7],
    [number, ' 3 ', 3],
    [flag, undefined, false],
    [flag, 'TRUE', true],
    [flag, '1', true],
    [flag, 'off', false],
    [duration, undefined, 30_000],
    [duration, '1500ms', 1_500],
    [duration, '1h', 3_600_000],
    [choice, 'redis', 'redis'],
    [url, 'https://a:1/b', 'https://a:1/b'],
    [text, 'abc', 'abc'],
  ];
  for (const [read, value, wanted] of good) {
    test(`reads ${JSON.stringify(value)} as ${JSON.stringify(wanted)}`, () => {
      const settings = new Settings({ N: value });
      assert.equal(read(settings), wanted);
      settings.finish('exporter');
    });
  }

  const bad: readonly (readonly [Read, readonly string[], string])[] = [
    [number, ['0', '11', '1.5', '1e1', '0x5', 'ten', '٣', '99999999999999999999'], 'an integer from 1 to 10'],
    [flag, ['maybe', '2'], 'true or false'],
    [duration, ['5', '30', '1d', '-1s', '0s', '2h', '1 s', 's'], 'a duration from 1s to 1h such as 500ms, 30s, 5m or 2h'],
    [choice, ['Redis', 'constructor', 'redis,memory'], 'one of redis, memory'],
    [url, ['ftp://a', 'a:80', '//a', 'http://'], 'a URL that begins with http:// or https://'],
    [text, ['ABC', 'a b'], 'text that matches ^[a-z]+$'],
  ];
  for (const [read, values, wanted] of bad) {
    for (const value of values) {
      test(`refuses '${value}' where ${wanted} is wanted`, () => {
        assert.equal(faultsOf(read, { N: value }), `Cannot start exporter: N is '${value}', wanted ${wanted}`);
      });
    }
  }

  test('what must be set and is not', () => {
    assert.equal(faultsOf(url, {}), 'Cannot start exporter: N is not set, wanted a URL that begins with http:// or https://');
    assert.equal(faultsOf(text, { N: '' }), 'Cannot start exporter: N is not set, wanted text that matches ^[a-z]+$');
  });

  test('all faults at once, in the order of reading', () => {
    const settings = new Settings({ A: 'x', B: 'y' });
    settings.number('A', { default: 1, min: 0, max: 1, what: '' });
    settings.flag('B', true, '');
    settings.url('C', { what: '' });
    assert.throws(
      () => settings.finish('correlator'),
      (error) => error instanceof ConfigError && /^.* A is .*\n.* B is .*\n.* C is not set.*$/.test(error.message),
    );
  });

  test('no message shows a secret: neither one that is declared nor the password in a URL', () => {
    const settings = new Settings({ SECRET: 'hush', U: 'redis://user:hush@host', V: 'x hush@host' });
    assert.equal(settings.secret('SECRET', 'a key'), 'hush');
    settings.optionalUrl('U', { what: '' });
    settings.optionalUrl('V', { what: '' });
    assert.throws(
      () => settings.finish('exporter'),
      (error) => error instanceof ConfigError && !error.message.includes('hush') && error.message.includes("U is '***@host'"),
    );
    assert.doesNotMatch(JSON.stringify(settings.table), /hush/);
  });

  test('a value cannot write lines of its own, and a long one is cut', () => {
    const message = faultsOf(number, { N: `1\nCannot start: lies\u001b[31m${'x'.repeat(1_000)}` });
    assert.equal(message.split('\n').length, 1);
    assert.doesNotMatch(message, /\u001b/);
    assert.ok(message.length < 250);
  });

  test('the table tells all that was read once, defaults and what is permitted included', () => {
    const settings = new Settings({ N: '3' });
    number(settings);
    number(settings);
    settings.secret('S', 'a key');
    assert.deepEqual(settings.table, [
      { name: 'N', default: '7', wanted: 'an integer from 1 to 10', what: 'a number' },
      { name: 'S', default: '', wanted: 'a secret', what: 'a key' },
    ]);
  });

  test('names that every object has are not set', () => {
    assert.equal(new Settings({}).optionalText('constructor', { what: '' }), undefined);
  });
});
