/** `knspan replay` as a user runs it: its output, its messages and its exit code. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { captures, crashloop, knspan, rollout } from '../../helpers/cli.ts';
import { eventJson } from '../../helpers/event.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knspan-cli-'));
});
after(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const heads = (text: string) => text.split('\n').filter((line) => /^\S/.test(line) && !/^[├└│]/.test(line));

describe('knspan replay', () => {
  test('from standard input the same as from the file', async () => {
    const [piped, read] = await Promise.all([knspan(['replay', '-'], { stdin: await readFile(crashloop) }), knspan(['replay', crashloop])]);
    assert.deepEqual([piped.status, read.status], [0, 0]);
    assert.equal(piped.out, read.out);
    assert.match(piped.out, /^Deployment payments\/worker: /m);
  });

  test('--view list: a line a trace; --quiet: nothing on standard error', async () => {
    const { status, out, err } = await knspan(['replay', crashloop, '--view', 'list', '--quiet']);
    assert.equal(status, 0);
    assert.equal(err, '');
    const lines = out.trimEnd().split('\n');
    assert.ok(lines.length > 2);
    for (const line of lines)
      assert.match(
        line,
        /^2026-11-20T20:4\d:\d\dZ +(·|\S+ \S+( \d+ s)?) +(ok|recovered|failing|failed) .* (1 event |\d+ events) +[0-9a-f]{8}$/,
      );
  });

  test('--failed, --since, --namespace, --exit-code', async () => {
    const all = heads((await knspan(['replay', crashloop])).out);
    const failed = await knspan(['replay', crashloop, '--failed', '--exit-code']);
    assert.equal(failed.status, 1);
    assert.deepEqual(
      heads(failed.out),
      all.filter((line) => / failed /.test(line)),
    );
    assert.ok(heads(failed.out).length < all.length);
    const since = await knspan(['replay', crashloop, '--since', '2026-11-20T20:44:12Z']);
    assert.ok(since.status === 0 && heads(since.out).length > 0 && heads(since.out).length < all.length);
    const none = await knspan(['replay', crashloop, '--namespace', 'nobody', '--exit-code']);
    assert.deepEqual([none.status, none.out], [0, '']);
    assert.match(none.err, / 0 of \d+ traces shown/);
  });

  test('--why, --orphans, --deliver', async () => {
    const why = await knspan(['replay', crashloop, '--why', '--orphans', 'each']);
    assert.ok(why.status === 0 && /↳ rule /.test(why.out));
    const shuffled = await knspan(['replay', rollout, '--view', 'list', '--deliver', 'shuffle=3,duplicate=0.5,split=5']);
    assert.equal(shuffled.out, (await knspan(['replay', rollout, '--view', 'list'])).out);
  });

  test('escapes in a message do not reach the terminal raw', async () => {
    const evil = { message: 'Error: \u001b[31mred\u001b[0m \u001b]0;owned\u0007', reason: '\u001b[2J', type: 'Warning' };
    const source = { component: '\u001b[5mblink' };
    const path = await file('evil.json', JSON.stringify(eventJson({ ...evil, source })));
    for (const args of [['--why'], ['--view', 'list'], ['--orphans', 'each', '--why']]) {
      const { status, out, err } = await knspan(['replay', path, ...args]);
      assert.equal(status, 0);
      assert.ok(out.length > 0 && !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(out + err), JSON.stringify(out + err));
    }
    const uid = '11111111-0000-4000-8000-000000000001';
    assert.ok(!(await knspan(['explain', uid, path])).out.includes('\u001b'));
  });

  test('a closed pipe ends quietly', async () => {
    const { status, err } = await knspan(['replay', captures, '--why', '--quiet'], { closes: true });
    assert.deepEqual([status, err], [0, '']);
  });
});
