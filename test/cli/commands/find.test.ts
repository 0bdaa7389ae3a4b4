/** `knspan find`: the traces of one object. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crashloop, knspan, rollout } from '../../helpers/cli.ts';

describe('knspan find', () => {
  test('each trace of the object with its link', async () => {
    const env = { KNSPAN_TRACE_URL: 'http://jaeger.example/trace/{traceId}' };
    const { status, out } = await knspan(['find', 'deployment/cart', rollout], { env });
    assert.equal(status, 0);
    assert.equal(out.match(/^ {2}http:\/\/jaeger\.example\/trace\/[0-9a-f]{32}$/gm)?.length, 3);
    const page = await knspan(['find', 'deployment/cart', rollout, '--last'], { env: { KNSPAN_PAGE_URL: 'http://knspan.example/' } });
    assert.match(page.out, /\n {2}http:\/\/knspan\.example\/traces\/[0-9a-f]{32}\n$/);
    const last = await knspan(['find', 'deploy/cart', rollout, '--last']);
    assert.match(last.out, /^\S+ +.*\n {2}trace [0-9a-f]{32}\n$/);
    const tree = await knspan(['find', 'deploy/cart', rollout, '--last', '--view', 'tree']);
    assert.match(tree.out, /^Deployment checkout\/cart: rollback [\s\S]* {2}trace [0-9a-f]{32}\n[├└]─ /);
    const troubled = await knspan(['find', 'deploy/worker', crashloop, '--last']);
    assert.match(troubled.out, /Deployment payments\/worker: rollout /);
    const none = await knspan(['find', 'deployment/nobody', rollout]);
    assert.deepEqual([none.status, none.out, none.err], [0, '', 'No trace of deployment/nobody among 101 events\n']);
  });

  test('names an object as kubectl prints it', async () => {
    const { out } = await knspan(['find', 'deployment/cart', rollout]);
    for (const name of ['deployment.apps/cart', 'deployments/cart', 'Deployment/cart'])
      assert.equal((await knspan(['find', name, rollout])).out, out, name);
  });
});
