/** The completion scripts in real shells: each loads its script and lists candidates. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { knspan } from '../../helpers/cli.ts';

const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../../shared/cli/', import.meta.url));
let folder = '';
let env: NodeJS.ProcessEnv = {};

/** A PATH with knspan, its plugin for kubectl, and a kubectl that knows two Deployments. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knspan-completion-'));
  await symlink(join(cli, 'bin.js'), join(folder, 'knspan'));
  await symlink(join(cli, 'kubectl_complete-knspan.js'), join(folder, 'kubectl_complete-knspan'));
  await writeFile(
    join(folder, 'kubectl'),
    '#!/bin/sh\ncase "$*" in\n  *get-contexts*) printf "arn:aws:eks:one\\narn:aws:eks:two\\n";;\n  *) printf "deployment.apps/web\\ndeployment.apps/worker\\n";;\nesac\n',
  );
  await chmod(join(folder, 'kubectl'), 0o755);
  await writeFile(join(folder, 'dump.json'), '');
  env = { ...process.env, HOME: folder, PATH: `${folder}:${process.env['PATH']}` };
  for (const shell of ['bash', 'zsh', 'fish']) await writeFile(join(folder, shell), (await knspan(['completion', shell])).out);
});
after(() => rm(folder, { recursive: true }));

interface Shell {
  /** Prints what it offers for the words, a line each. */
  readonly script: (words: readonly string[]) => string;
}

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

/** As readline: it splits words at `=` and `:`, and replaces the last part. */
const bash: Shell = {
  script: (words) => {
    const split = words.flatMap((word) => word.split(/([=:])/).filter((part) => part !== '' || word === ''));
    return `source ./bash; COMP_WORDS=(knspan ${quoted(split)}); COMP_CWORD=${split.length}
      compopt() { [[ $2 == default ]] && COMPREPLY+=(*); }; _knspan knspan; printf '%s\\n' "\${COMPREPLY[@]}"`;
  },
};
const zsh: Shell = {
  script: (words) => `compdef() { :; }; source ./zsh; _files() { print -l -- *; }
    _describe() { local -a all; all=("\${(@P)3}"); print -l -- "\${(@)all%%:*}"; }
    words=(knspan ${quoted(words)}); CURRENT=${words.length + 1}; _knspan`,
};
const fish: Shell = {
  script: (words) => `source ./fish; complete --do-complete 'knspan ${words.join(' ')}' | string replace -r '\\t.*' ''; true`,
};

const cases: readonly (readonly [words: readonly string[], wanted: RegExp])[] = [
  [['fi'], /^find$/],
  [['demo', 'cra'], /^crashloop$/],
  [['replay', '--view', 'l'], /^list$/],
  [['replay', '--fa'], /^--failed$/],
  [['find', 'deployment/w'], /^deployment\/web\n(deployment\/)?worker$/],
  [['replay', 'du'], /^dump\.json$/m],
];

for (const [name, shell] of Object.entries({ bash, zsh, fish })) {
  // Not every machine has every shell; bash is on all that run this suite.
  if (spawnSync(name, ['-c', ':']).error) continue;
  describe(name, () => {
    const offers = async (words: readonly string[]) =>
      (await run(name, ['-c', shell.script(words)], { env, cwd: folder })).stdout.trim().replace(/ +$/gm, '');
    for (const [words, wanted] of cases) test(`knspan ${words.join(' ')}<tab>`, async () => assert.match(await offers(words), wanted));
    test('nothing for what cannot be completed', async () => assert.equal(await offers(['watch', '--for', 'x']), ''));
  });
}

describe('bash', () => {
  for (const [words, wanted] of [
    [['replay', '--view=l'], 'list'],
    [['replay', '--view='], 'tree\nlist'],
    [['watch', '--context', 'arn:aws:eks:t'], 'two'],
    [['watch', '--otlp', 'http://localhost:4318', '--fail'], '--failed'],
  ] as const)
    test(`knspan ${words.join(' ')}<tab> replaces the part behind the last = or :`, async () => {
      const { stdout } = await run('bash', ['-c', bash.script(words)], { env, cwd: folder });
      assert.equal(stdout.trim(), wanted);
    });
});

test('kubectl_complete-knspan: kubectl asks for the words behind `kubectl knspan`', async () => {
  const { stdout } = await run('kubectl_complete-knspan', ['find', 'deployment/we'], { env });
  assert.equal(stdout, 'deployment/web\n:4\n');
});
