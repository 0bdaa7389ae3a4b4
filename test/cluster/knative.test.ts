/**
 * knspan on a real cluster with Knative (KUBECONFIG), with one image: the overlay `dev`, faults, extensions, removal; then the overlay `plain`.
 * One installation serves all tests of an overlay.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { endOfDemo } from './demo.ts';
import { describeExtensions } from './extensions.ts';
import { home, Installation } from './installation.ts';
import { knativeIsReady } from './knative-tracing.ts';
import { tryKubectl } from './kubectl.ts';
import { describePipeline } from './pipeline.ts';
import { describePlain } from './plain.ts';
import { inJaeger } from './traces.ts';

/** To run some of these tests again and again on what the last run has left. */
const isThere = process.env['KNSPAN_E2E_INSTALLED'] === 'true';

describe('knspan on a cluster with Knative', () => {
  let installation: Installation;

  before(async () => {
    installation = new Installation('dev');
    await (isThere ? installation.ready() : installation.install());
  });

  after(async () => {
    if (!isThere) await installation.remove();
  });

  describe('the pipeline', () => describePipeline(() => installation));

  describe('extensions', describeExtensions);

  describe('the end', () => {
    it('leaves nothing behind', async () => {
      assert.ok(inJaeger().length > 0);
      await Promise.all([installation.remove(), endOfDemo()]);
      knativeIsReady();
      assert.deepEqual(installation.left(), []);
      assert.equal(tryKubectl('get', 'all,configmap,pvc', '-n', home, '-o', 'name'), '');
    });
  });
});

describe('knspan on a cluster without Knative Serving', describePlain);
