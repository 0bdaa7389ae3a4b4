/**
 * The image of this working tree, in the cluster: built by docker, podman or buildah from the Containerfile and loaded into kind or k3d, or,
 * without a container tool, made by a script from a folder and a Node.js (KNSPAN_E2E_NODE_IMAGE).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../../shared/build/bundle-options.ts';
import { kubectl } from './kubectl.ts';

export const top = fileURLToPath(new URL('../../', import.meta.url));
const script = process.env['KNSPAN_E2E_NODE_IMAGE'] ?? join(top, '../shared/cluster/node-image');
const buildMostMs = 600_000;

export interface Image {
  readonly repository: string;
  readonly tag: string;
  /** Where the image does not know how to start. */
  readonly command?: readonly string[];
}

const run = (file: string, ...args: string[]) =>
  execFileSync(file, args, {
    cwd: top,
    encoding: 'utf8',
    timeout: buildMostMs,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_BINARY: process.execPath },
  });

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The same sources have the same tag, so that Knative makes a Revision only for what is new. */
function tagOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\.(cjs|lua)$/.test(name)) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return `e2e-${hash.digest('hex').slice(0, 12)}`;
}

function load(name: string, tool: string): void {
  const context = kubectl('config', 'current-context').trim();
  if (context.startsWith('kind-')) run('kind', 'load', 'docker-image', '--name', context.slice('kind-'.length), name);
  else if (context.startsWith('k3d-')) run('k3d', 'image', 'import', '--cluster', context.slice('k3d-'.length), name);
  else run(tool, 'push', name);
}

export function buildImage(): Image {
  const repository = process.env['KNSPAN_E2E_REPOSITORY'] ?? 'dev.local/knspan';
  run('npm', 'run', 'build');
  const tag = tagOf(join(top, 'dist/image'));
  const name = `${repository}:${tag}`;
  if (executable(script)) {
    run(script, 'dist/image', name);
    return { repository, tag, command: ['/usr/local/bin/node', ...nodeFlags, '/app/main.cjs'] };
  }
  const tool = ['docker', 'podman', 'buildah'].find((one) => spawnSync(one, ['info']).status === 0);
  if (tool === undefined) throw new Error(`Cannot build the image: wanted docker, podman or buildah, or a script at ${script}`);
  run(tool, 'build', '-f', 'Containerfile', '-t', name, '.');
  load(name, tool);
  return { repository, tag };
}
