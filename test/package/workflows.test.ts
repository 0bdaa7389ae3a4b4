/** The workflows of GitHub Actions: actionlint, and what it does not check: pins, time limits, permissions. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { field, isJson } from '../../shared/events/json.ts';

const top = fileURLToPath(new URL('../..', import.meta.url));
const workflows = join(top, '.github/workflows');
const module = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12';

/** That of the machine, else built from its Go module. */
function actionlint(): { readonly status: number | null; readonly out: string } {
  const commands = [['actionlint'], ['go', 'run', module]] as const;
  for (const [command, ...args] of commands) {
    const { error, status, stdout, stderr } = spawnSync(command, args, { cwd: top, encoding: 'utf8' });
    if (error === undefined) return { status, out: `${stdout}${stderr}` };
  }
  throw new Error(`Cannot check the workflows: actionlint and Go are missing, install one of them (go install ${module})`);
}

it('actionlint finds nothing', () => {
  const { status, out } = actionlint();
  assert.equal(status, 0, out);
});

for (const name of readdirSync(workflows)) {
  describe(name, () => {
    const text = readFileSync(join(workflows, name), 'utf8');
    const jobs = field(parse(text), 'jobs');
    assert.ok(isJson(jobs));

    it('pins each action by its commit, and says which version that is', () => {
      const uses = [...text.matchAll(/^ *- uses: (.*)$/gm)].map(([, one = '']) => one);
      assert.ok(uses.length > 0);
      for (const one of uses) assert.match(one, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });

    it('gives each job a time limit, and no right that it has not asked for', () => {
      const all = field(parse(text), 'permissions');
      assert.match(JSON.stringify(all), /^\{("contents":"read")?\}$/);
      for (const [job, one] of Object.entries(jobs)) assert.equal(typeof field(one, 'timeout-minutes'), 'number', job);
    });

    it('puts no expression into a script', () => {
      const scripts = Object.values(jobs).flatMap((job) => {
        const steps = field(job, 'steps');
        return Array.isArray(steps) ? steps.map((step) => String(field(step, 'run') ?? '')) : [];
      });
      for (const script of scripts) assert.doesNotMatch(script, /\$\{\{/);
    });
  });
}
