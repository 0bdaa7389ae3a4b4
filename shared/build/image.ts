/**
 * `npm run build [-- FOLDER]`: the application folder of the image in dist/image: all functions and the command line as one file, the files
 * that it reads at the same places as in the tree, licences, a bill of materials (CycloneDX), and V8's compiled code for a fast start.
 *
 * A CommonJS file, because its `require('node:http')` costs nothing: an ES module that imports it also loads undici, which takes 25 ms.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { build, type Plugin } from 'esbuild';
import { bundleOptions, copyPackageFiles, nodeFlags, sourcePlaces, top } from './bundle-options.ts';
import { writeThirdParty } from './third-party.ts';

const dist = resolve(top, process.argv[2] ?? 'dist/image');
const cache = join(dist, 'compile-cache');

/** Files that the code reads. */
const read = [
  'functions/explorer/assets',
  'knative/base',
  'knative/overlays',
  'shared/cli/recordings',
  'shared/history/migrations',
  'shared/store/redis/lua',
  'package.json',
  'LICENSE',
];

/** As large as all the rest and seldom used: a file of its own. */
const kubeClient = 'kube-client';
const kubeClientApart: Plugin = {
  name: 'kube-client-apart',
  setup(builder) {
    builder.onResolve({ filter: /\/kube-client\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `./${kubeClient}.cjs`, external: true } : undefined,
    );
  },
};

async function bundle(): Promise<void> {
  const { metafile } = await build({
    ...bundleOptions,
    entryPoints: { main: 'functions/main.ts', [kubeClient]: `shared/kubernetes/${kubeClient}.ts` },
    outdir: dist,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    define: { 'import.meta.url': 'importMetaUrl' },
    plugins: [kubeClientApart, sourcePlaces('./'), ...bundleOptions.plugins],
  });
  for (const path of read) cpSync(join(top, path), join(dist, path), { recursive: true });
  copyPackageFiles(dist);
  writeThirdParty(dist, metafile);
}

/** Starts and stops the function that needs most code: Node then writes down what it has compiled. */
async function compile(): Promise<void> {
  const env = {
    PORT: '0',
    K_SINK: 'http://127.0.0.1:1',
    KNSPAN_CLUSTER: 'build',
    NODE_COMPILE_CACHE: cache,
    NODE_COMPILE_CACHE_PORTABLE: '1',
  };
  const child = spawn(process.execPath, [...nodeFlags, join(dist, 'main.cjs'), 'correlator'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) if (line.includes('"listening"')) child.kill('SIGTERM');
  const [code] = await ended;
  if (code !== 0) throw new Error(`Cannot bundle: the correlator ended with ${code}, wanted 0`);
}

/** Node writes the cache for its own user alone; the user of the image is another. */
function makeReadable(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

rmSync(dist, { recursive: true, force: true });
await bundle();
await compile();
makeReadable(cache);
process.stdout.write(`${dist}: ${(sizeOf(dist) / 1e6).toFixed(1)} MB, of which compiled code ${(sizeOf(cache) / 1e6).toFixed(1)} MB\n`);
