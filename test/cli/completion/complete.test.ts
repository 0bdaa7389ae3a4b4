/** The candidates of completion: from the definition of the commands, and names from the cluster. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createProgram } from '../../../shared/cli/commands/index.ts';
import type { Wanted } from '../../../shared/cli/completion/cluster-names.ts';
import { complete, completionLines } from '../../../shared/cli/completion/complete.ts';
import { localFunctions } from '../../helpers/local-run.ts';

const program = createProgram(localFunctions);
const asked: Wanted[] = [];
const names = async (wanted: Wanted) => {
  asked.push(wanted);
  return wanted.what === 'context' ? ['arn:aws:eks:one', 'arn:aws:eks:two'] : ['web', 'web-2', 'db'];
};
const completed = (...words: string[]) => complete(program, words, names);
const textsOf = async (...words: string[]) => (await completed(...words)).candidates.map(({ text }) => text);

describe('complete', () => {
  for (const [words, wanted] of [
    [['de'], ['deadletters', 'demo']],
    [['rules', ''], ['check']],
    [
      ['extension', ''],
      ['test', 'run', 'yaml'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['demo', 'c'], ['crashloop']],
    [
      ['replay', '--view', ''],
      ['tree', 'list'],
    ],
    [['replay', '--view=l'], ['--view=list']],
    [['replay', '--view', '=', 'l'], ['--view=list']],
    [
      ['replay', '--view', '='],
      ['--view=tree', '--view=list'],
    ],
    [['replay', 'dump.json', '--fo'], ['--format']],
    [['watch', '--kind', 'Dep'], ['Deployment']],
    [['watch', '--context', 'arn', ':', 'aws', ':', 'eks', ':', 't'], ['arn:aws:eks:two']],
    [['find', 'dep'], ['deployment/']],
    [
      ['find', 'deploy/w'],
      ['deploy/web', 'deploy/web-2'],
    ],
    [
      ['find', '-n', 'w'],
      ['web', 'web-2'],
    ],
    [['watch', '--for', ''], []],
    [['demo', 'rollout', ''], []],
    [['nonsense', ''], []],
  ] as const)
    test(`knspan ${words.join(' ')}|`, async () => assert.deepEqual(await textsOf(...words), wanted));

  test('every visible command, and no other', async () => {
    const offered = await textsOf('');
    assert.deepEqual(
      offered,
      program
        .createHelp()
        .visibleCommands(program)
        .map((command) => command.name()),
    );
  });

  test('options that are given already are not offered, unless they may be repeated', async () => {
    const offered = await textsOf('replay', '--failed', '--rules', 'a.yaml', '--view=list', '--');
    for (const option of ['--failed', '--view']) assert.ok(!offered.includes(option), option);
    for (const option of ['--rules', '--namespace', '--help']) assert.ok(offered.includes(option), option);
  });

  test('objects are asked for in the given namespace and context', async () => {
    asked.length = 0;
    await completed('find', '-n', 'shop', '--context', 'c', 'sts/');
    assert.deepEqual(asked, [{ what: 'object', kind: 'sts', namespace: 'shop', context: 'c' }]);
  });

  test('files where a path is wanted, and nowhere else', async () => {
    for (const words of [
      ['replay', ''],
      ['find', 'deployment/web', ''],
      ['replay', '--objects', ''],
      ['rules', 'check', 'a', ''],
      ['extension', 'run', ''],
    ])
      assert.deepEqual(await completed(...words), { candidates: [], files: true, isWhole: true }, words.join(' '));
    for (const words of [[''], ['watch', ''], ['find', ''], ['replay', '--view', ''], ['watch', '--since', '']])
      assert.equal((await completed(...words)).files, false, words.join(' '));
  });

  test('no blank behind the kind, since the name follows', async () => assert.equal((await completed('find', 'pod')).isWhole, false));
});

test('completionLines: as kubectl expects it of a plugin', () => {
  const candidates = [
    { text: 'find', description: 'show traces' },
    { text: 'watch', description: '' },
  ];
  assert.equal(completionLines({ candidates, files: false, isWhole: true }), 'find\tshow traces\nwatch\n:4\n');
  assert.equal(completionLines({ candidates: [], files: true, isWhole: true }), ':0\n');
  assert.equal(completionLines({ candidates: [], files: false, isWhole: false }), ':6\n');
});
