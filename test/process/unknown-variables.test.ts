/** A misspelled KNSPAN_ variable is reported, with the one that was probably meant. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { knownVariables, unknownVariables } from '../../shared/process/unknown-variables.ts';
import { knspan } from '../helpers/cli.ts';
import { FunctionRun } from '../helpers/function-run.ts';

describe('unknownVariables()', () => {
  for (const [name, meant] of [
    ['KNSPAN_CLUSTR', 'KNSPAN_CLUSTER'],
    ['KNSPAN_EXCLUDED_NAMESPACES', 'KNSPAN_EXCLUDE_NAMESPACES'],
    ['KNSPAN_OUTBOX_MOST', 'KNSPAN_OUTBOX_MAX'],
    ['KNSPAN_log_level', 'KNSPAN_LOG_LEVEL'],
  ] as const)
    it(`names ${meant} for ${name}`, () => {
      assert.deepEqual(unknownVariables({ [name]: '1' }), [`Unknown variable ${name} is ignored: the nearest known one is ${meant}`]);
    });

  it('is silent about known variables, those of others, and those that Kubernetes sets for a Service', () => {
    const known = Object.fromEntries(knownVariables.map((name) => [name, '1']));
    const services = { KNSPAN_SERVICE_HOST: '10.0.0.1', KNSPAN_PORT_80_TCP_ADDR: '10.0.0.1', KNSPAN_PORT: 'tcp://10.0.0.1:80' };
    assert.deepEqual(unknownVariables({ ...known, ...services, PATH: '/bin', REDIS_UR: '' }), []);
  });

  it('finds the variable for one character more, less or other', () => {
    const edit = fc.tuple(fc.constantFrom(...knownVariables), fc.nat(), fc.constantFrom('', 'x', 'xx'));
    fc.assert(
      fc.property(edit, ([name, place, inserted]) => {
        const at = 7 + (place % (name.length - 7));
        const typo = name.slice(0, at) + inserted + name.slice(at + 1);
        const [sentence = ''] = unknownVariables({ [typo]: '' });
        assert.ok(sentence.endsWith(` ${name}`), `${typo}: ${sentence}`);
      }),
    );
  });
});

describe('at start', () => {
  it('a function logs it and runs', async () => {
    const run = new FunctionRun('exporter', { PORT: '0', KNSPAN_GRAC: '5s' });
    await run.url();
    run.child.kill('SIGTERM');
    assert.deepEqual(await run.ended, [0, null]);
    assert.match(run.stdout, /"level":"warn".*Unknown variable KNSPAN_GRAC is ignored: the nearest known one is KNSPAN_GRACE/);
  });

  it('the command line prints it on standard error and runs', async () => {
    const { status, err } = await knspan(['demo', '--quiet'], { env: { KNSPAN_CLUSTR: 'x' } });
    assert.equal(status, 0);
    assert.equal(err, 'Unknown variable KNSPAN_CLUSTR is ignored: the nearest known one is KNSPAN_CLUSTER\n');
  });
});
