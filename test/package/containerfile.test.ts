/**
 * The image of the Containerfile, built by buildah and run by runc as the manifests require: non-root, without capabilities, on a read-only
 * root file system. Requires root on Debian or Ubuntu; buildah and runc are installed if missing.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { field, listField, textField } from '../../shared/events/json.ts';
import { crashloop } from '../helpers/cli.ts';
import { eventJson } from '../helpers/event.ts';
import { makeDistrolessImage, makeNodeImage } from './stand-ins.ts';

const top = fileURLToPath(new URL('../..', import.meta.url));
const containerfile = join(top, 'Containerfile');
const folder = mkdtempSync(join(tmpdir(), 'knspan-image-'));
const image = 'localhost/knspan:test';
const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run')];
const buildah = (...args: string[]): string =>
  execFileSync('buildah', [...storage, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  }).trim();
const isThere = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;

function installTools(): void {
  const missing = ['buildah', 'runc'].filter((tool) => !isThere(tool));
  if (missing.length === 0) return;
  const install = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  spawnSync('sh', ['-c', `${install} || { apt-get update && ${install}; }`], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (!missing.every(isThere))
    throw new Error(`Cannot build the image: ${missing.join(' and ')} missing, install with: ${install} (as root)`);
}

function makeBase(name: string, make: (folder: string) => void): void {
  const files = join(folder, `base-${name.replaceAll(/\W/g, '-')}`);
  mkdirSync(files);
  make(files);
  const container = buildah('from', 'scratch');
  buildah('add', container, files, '/');
  buildah('config', '--env', 'PATH=/usr/local/bin:/usr/bin:/bin', container);
  buildah('commit', '--quiet', '--rm', container, name);
  rmSync(files, { recursive: true });
}

describe('the image of the Containerfile', () => {
  let config: unknown;
  let root = '';

  before(() => {
    installTools();
    const [node = '', distroless = ''] = [...readFileSync(containerfile, 'utf8').matchAll(/^FROM (\S+)/gm)].map(([, name = '']) => name);
    makeBase(node, (files) => makeNodeImage(files, join(top, 'node_modules/node/bin/node')));
    makeBase(distroless, makeDistrolessImage);
    buildah('build', '--pull=never', '--isolation', 'chroot', '--network', 'host', '--file', containerfile, '--tag', image, top);
    config = field(field(JSON.parse(buildah('inspect', '--type', 'image', image)), 'OCIv1'), 'config');
    root = buildah('mount', buildah('from', '--pull=never', image));
  });

  after(() => {
    buildah('rm', '--all');
    rmSync(folder, { recursive: true, force: true });
  });

  /** With the network of this machine, and otherwise like a container of the manifests. */
  function start(name: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const texts = (key: string) => listField(config, key, 100).map(String);
    const [uid = 0, gid = 0] = textField(config, 'User').split(':').map(Number);
    const spec = {
      ociVersion: '1.0.2',
      process: {
        user: { uid, gid },
        args: [...texts('Entrypoint'), ...args],
        env: [...texts('Env'), ...Object.entries(env).map(([key, value]) => `${key}=${value}`)],
        cwd: textField(config, 'WorkingDir'),
        noNewPrivileges: true,
      },
      root: { path: root, readonly: true },
      mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
      linux: { namespaces: ['mount', 'pid', 'ipc', 'uts'].map((type) => ({ type })) },
    };
    const bundle = join(folder, name);
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
    return spawn('runc', ['--root', join(folder, 'runc'), 'run', '--bundle', bundle, name]);
  }

  it('answers an Event, as a user without rights, on a read-only root', async () => {
    const env = { PORT: '0', K_SINK: 'http://127.0.0.1:1', KNSPAN_CLUSTER: 'test', KNSPAN_LOOKUPS: 'false' };
    const child = start('correlator', ['correlator'], env);
    const ended = once(child, 'exit');
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    assert.ok(child.stdout);
    let port: unknown;
    for await (const line of createInterface(child.stdout)) {
      port = field(JSON.parse(line), 'port');
      if (port !== undefined) break;
    }
    child.stdout.resume();
    assert.equal(typeof port, 'number', errors);
    try {
      const state: unknown = JSON.parse(
        execFileSync('runc', ['--root', join(folder, 'runc'), 'state', 'correlator'], { encoding: 'utf8' }),
      );
      const pid = String(field(state, 'pid'));
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      for (const line of [/^Uid:\t65532\t65532\t65532\t65532$/m, /^CapEff:\t0+$/m, /^NoNewPrivs:\t1$/m]) assert.match(status, line);
      assert.match(readFileSync(`/proc/${pid}/mounts`, 'utf8'), /^\S+ \/ \S+ ro[, ]/m);
      const body = JSON.stringify({
        ...{ specversion: '1.0', id: '1', source: '/s', type: 'dev.knative.apiserver.resource.add' },
        ...{ datacontenttype: 'application/json', data: eventJson() },
      });
      const headers = { 'content-type': 'application/cloudevents+json' };
      const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body });
      assert.equal(answer.status, 202, await answer.text());
    } finally {
      execFileSync('runc', ['--root', join(folder, 'runc'), 'kill', 'correlator', 'TERM']);
    }
    assert.deepEqual(await ended, [0, null], errors);
  });

  it('has the command line', async () => {
    const child = start('replay', ['replay', '-'], {});
    let out = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stdin?.end(readFileSync(crashloop));
    await once(child, 'close');
    assert.match(out, /^Deployment payments\/worker: create .* failed /m);
  });
});
