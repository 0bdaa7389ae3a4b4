/** `knspan rules check`, and the effect of a faulty rules file on other commands. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { crashloop, knspan } from '../../helpers/cli.ts';

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

describe('rules files', () => {
  test('a bad rules file is named with line, column and what would do', async () => {
    const bad = await file('bad.yaml', 'rules:\n  - id: my-rule\n    class: explode\n    reason: Boom\n');
    const good = await file('good.yaml', 'rules:\n  - id: my-rule\n    class: failure\n    reason: Boom\n');
    const { status, out } = await knspan(['rules', 'check', bad]);
    assert.equal(status, 1);
    assert.match(out, new RegExp(`^Cannot use rule 'my-rule' in ${bad} line 3, column 12: class is 'explode', permitted are .*failure`));
    const fine = await knspan(['rules', 'check', good]);
    assert.deepEqual([fine.status, fine.out], [0, '1 file checked: no faults\n']);
  });

  for (const args of [
    ['replay', crashloop],
    ['replay', crashloop, '--through', 'serve'],
    ['find', 'deployment/web', crashloop],
    ['serve', '--no-history', '--port', '0'],
  ])
    test(`${args[0]} ${args.slice(2).join(' ')}: a fault is exit 1`, async () => {
      const bad = await file('bad.yaml', 'rules:\n  - id: my-rule\n    class: explode\n    reason: Boom\n');
      const { status, out, err } = await knspan([...args, '--rules', bad]);
      assert.deepEqual([status, out], [1, '']);
      assert.match(err, /line 3, column 12[\s\S]*--lenient/);
    });

  test('--lenient: the good rules of the file are used, the faults reported', async () => {
    const half = await file(
      'half.yaml',
      'rules:\n  - {id: my-rule, class: explode, reason: Boom}\n  - {id: my-own, class: failure, reason: Scheduled}\n',
    );
    for (const way of [[], ['--through', 'serve']]) {
      const { status, out, err } = await knspan(['replay', crashloop, ...way, '--rules', half, '--lenient', '--why']);
      assert.equal(status, 0, err);
      assert.match(err, /class is 'explode'/);
      assert.match(out, /✗ Scheduled: Successfully/);
    }
  });
});
