/** `knspan replay --ui` and the page of `knspan serve`, as a browser asks for them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openerOf } from '../../../shared/cli/output/browser.ts';
import { listField } from '../../../shared/events/json.ts';
import { temporaryFolder } from '../../../shared/history/embedded/temporary.ts';
import { captures, knspan } from '../../helpers/cli.ts';
import { Serving } from '../../helpers/serving.ts';
import { until } from '../../helpers/until.ts';

const bin = fileURLToPath(new URL('../../../shared/cli/bin.js', import.meta.url));
const folder = temporaryFolder();
after(() => folder.remove());

describe('knspan replay --ui', () => {
  it('shows a dump in the page, in the range of its Events, until it is interrupted', async () => {
    const capture = join(captures, 'crashloop');
    const args = [bin, 'replay', join(capture, 'watch.jsonl'), '--objects', join(capture, 'objects-watch.jsonl'), '--ui', '--no-open'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const closed = once(child, 'close');
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    try {
      await until('the page is there', () => /Page at \S+/.test(err), 60_000);
      const url = new URL(/Page at (\S+)/.exec(err)?.[1] ?? '');
      assert.match(err, /events read; \d+ traces/);
      url.pathname = '/changes.json';
      const response = await fetch(url);
      assert.equal(response.status, 200);
      const changes = listField(await response.json(), 'changes', 1_000);
      assert.ok(changes.length > 3);
      assert.match(JSON.stringify(changes), /"outcome":"failed"/);
      const home = await fetch(new URL('/', url));
      assert.deepEqual([home.status, new URL(home.url).pathname], [200, '/changes']);
    } finally {
      child.kill('SIGINT');
    }
    assert.deepEqual(await closed, [0, null]);
  });

  it('refuses options that the page has no use for', async () => {
    const { status, err } = await knspan(['replay', 'events.json', '--ui', '--format', 'otlp-json']);
    assert.equal(status, 2);
    assert.match(err, /option '--ui' cannot be used with option '--format/);
  });
});

describe('openerOf()', () => {
  it('is a program where somebody sees a browser', () => {
    assert.equal(openerOf('darwin', {}, true), 'open');
    assert.equal(openerOf('linux', { DISPLAY: ':0' }, true), 'xdg-open');
    for (const environment of [{}, { DISPLAY: ':0', SSH_CONNECTION: 'a b' }]) assert.equal(openerOf('linux', environment, true), null);
    assert.equal(openerOf('darwin', {}, false), null);
  });
});

describe('the page of knspan serve', () => {
  it('is at the address that takes CloudEvents', async () => {
    const serving = new Serving(['--data', folder.path]);
    try {
      const url = await serving.url();
      const page = await fetch(url.replace('127.0.0.1', 'localhost'));
      assert.deepEqual([page.status, new URL(page.url).pathname], [200, '/changes']);
      assert.match(await page.text(), /<main/);
      assert.equal((await fetch(url, { method: 'POST', body: '{}' })).status, 400);
      const live = await fetch(new URL('/live', url));
      assert.equal(live.headers.get('content-type'), 'text/event-stream');
      assert.deepEqual(await serving.kill('SIGTERM'), [0, null]);
    } finally {
      await serving.kill('SIGKILL');
    }
  });
});
