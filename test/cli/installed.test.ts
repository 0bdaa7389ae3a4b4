/** The package as npm installs it: what it holds is enough to run, and the command lies where npx has remembered it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { field } from '../../shared/events/json.ts';

const run = promisify(execFile);
const top = fileURLToPath(new URL('../..', import.meta.url));
// npx keeps a link to this file for every folder that it ever ran from; the link outlives an update.
const remembered = 'shared/cli/bin.js';

describe('the package, installed', () => {
  let folder = '';
  const command = () => join(folder, 'node_modules/knspan', remembered);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'knspan-installed-'));
    const modules = join(folder, 'node_modules');
    mkdirSync(join(modules, 'knspan'), { recursive: true });
    for (const name of readdirSync(join(top, 'node_modules')))
      if (!name.startsWith('.') && name !== 'knspan') symlinkSync(join(top, 'node_modules', name), join(modules, name));
    await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: top });
    const packed = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    await run('tar', ['-xzf', join(folder, packed), '--strip-components=1', '-C', join(modules, 'knspan')]);
  });

  after(() => rmSync(folder, { recursive: true }));

  it('has its command where it always was', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
    assert.equal(field(field(manifest, 'bin'), 'knspan'), remembered);
  });

  it('runs the demo with this Node', async () => {
    const { stdout } = await run(process.execPath, [command(), 'demo']);
    assert.match(stdout, /^Deployment checkout\/cart: rollback.* ok /m);
  });

  it('runs a copy of the template', async () => {
    cpSync(join(folder, 'node_modules/knspan/functions/samples/template'), join(folder, 'mine'), { recursive: true });
    const { stdout } = await run(process.execPath, [command(), 'extension', 'test', join(folder, 'mine/index.ts')]);
    assert.match(stdout, /^ {2}7 segments to the exporter$/m);
  });

  it('is installed by the README in a way that the template’s Dockerfile takes into the image', async () => {
    const readme = readFileSync(join(top, 'README.md'), 'utf8');
    const steps = /\n```\n(cp -r functions\/samples\/template[^`]*)```/.exec(readme)?.[1]?.trim().split('\n') ?? [];
    const packs = steps.filter((step) => step.startsWith('cp ') || step.startsWith('npm pack '));
    assert.deepEqual(steps.slice(packs.length), ['cd ../my-function', 'npm install ./knspan-*.tgz', 'npm test']);
    const checkout = join(folder, 'checkout');
    symlinkSync(top, checkout);
    const away = packs.map((step) =>
      step.replaceAll('../my-function', join(folder, 'my-function')).replace('functions/', `${checkout}/functions/`),
    );
    for (const step of away) await run('sh', ['-c', step], { cwd: checkout });
    const docker = readFileSync(join(folder, 'my-function/Dockerfile'), 'utf8');
    const copied = (/^COPY (.*) \.\/$/m.exec(docker)?.[1] ?? '').split(' ');
    const taken = readdirSync(join(folder, 'my-function')).filter((name) => copied.some((pattern) => matchesGlob(name, pattern)));
    assert.deepEqual(
      taken.sort().map((name) => name.replace(/\d[\d.]*\d/, 'N')),
      ['knspan-N.tgz', 'package.json'],
    );
  });
});
