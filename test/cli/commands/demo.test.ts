/** `knspan demo` needs nothing: no cluster, no files beside the program. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { knspan } from '../../helpers/cli.ts';

describe('knspan demo', () => {
  test('rollout: three changes and hints', async () => {
    const { status, out, err } = await knspan(['demo']);
    assert.equal(status, 0, err);
    assert.match(out, /^Deployment checkout\/cart: create.* ok /m);
    assert.match(out, /^Deployment checkout\/cart: rollout.* ok /m);
    assert.match(out, /^Deployment checkout\/cart: rollback.* ok /m);
    assert.match(out, /pull 127\.0\.0\.1:5055\/checkout\/cart:2 \(4\.1 MB\)/);
    assert.match(err, /^101 events read; 3 traces shown, 0 failed, \d+ spans$/m);
  });

  test('its own hint works: no Event twice, nothing skipped', async () => {
    const { out: hints } = await knspan(['demo']);
    const [, hint = ''] = /^ {2}knspan (demo .*?) {2}/m.exec(hints) ?? [];
    const { status, out, err } = await knspan(hint.split(' '));
    assert.equal(status, 0, err);
    assert.match(out, /^Deployment payments\/worker: .* failed /m);
    assert.match(out, /↳ rule /);
    assert.match(err, /^101 events read; [^\n]*\n$/);
  });

  test('--format otlp-json: nothing but traces on standard output', async () => {
    const { out } = await knspan(['demo', '--format', 'otlp-json', '--quiet']);
    for (const line of out.trimEnd().split('\n')) assert.ok('resourceSpans' in JSON.parse(line));
  });
});
