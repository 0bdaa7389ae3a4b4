/**
 * `npm run build`: all functions as a bundle in dist/, for an image. It is cut so that a cold start reads its own function only, brings
 * the Lua scripts of the store, a list of what went in (CycloneDX), and V8's compiled code of each function (NODE_COMPILE_CACHE).
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { builtinsLate } from './builtins.ts';

const top = fileURLToPath(new URL('../', import.meta.url));
const dist = join(top, 'dist');
const firstPort = 18_470;

/** Its index loads every API of Kubernetes, of which none is used: without side effects, esbuild leaves them out (15 MB). */
const partsOfClient: Plugin = {
  name: 'parts-of-kubernetes-client',
  setup(builder) {
    builder.onResolve({ filter: /.*/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      const concerned = path === '@kubernetes/client-node' || importer.includes('/@kubernetes/client-node/');
      if (!concerned || pluginData === 'resolved') return undefined;
      const found = await builder.resolve(path, { kind, importer, resolveDir, pluginData: 'resolved' });
      return { ...found, sideEffects: false };
    });
  },
};

async function bundle(): Promise<void> {
  await build({
    absWorkingDir: top,
    entryPoints: { main: 'functions/start.ts' },
    outdir: dist,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    legalComments: 'linked',
    minify: true,
    // ES modules first, where a library has both: what is not used of them is left out.
    mainFields: ['module', 'main'],
    plugins: [partsOfClient, builtinsLate],
    banner: { js: "const require = process.getBuiltinModule('module').createRequire(import.meta.url);" },
  });
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ name: 'knspan', type: 'module', main: 'main.js' })}\n`);
  cpSync(join(top, 'shared/store/lua'), join(dist, 'lua'), { recursive: true });
  cpSync(join(top, 'LICENSE'), join(dist, 'LICENSE'));
}

/** What is in the image, by name, version and licence. */
function listOfParts(): void {
  const list = execFileSync('npm', ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx'], {
    cwd: top,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  writeFileSync(join(dist, 'sbom.json'), list);
}

const warmups: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  correlator: { 'ce-type': 'dev.knative.apiserver.resource.add' },
  exporter: { 'ce-type': 'dev.knspan.trace.segment' },
  reconciler: { 'ce-type': 'dev.knative.sources.ping' },
};

/** Runs a function for one request: what is compiled when it ends is what the cache holds. */
async function warm(name: string, port: number): Promise<void> {
  const env = {
    PORT: String(port),
    K_SINK: 'http://127.0.0.1:1',
    KNSPAN_CLUSTER: 'warm',
    KNSPAN_LOG_LEVEL: 'error',
    KUBECONFIG: '/nowhere',
  };
  const child = spawn(process.execPath, [join(dist, 'main.js'), name], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const ended = once(child, 'exit');
  const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/bundle', 'content-type': 'application/json', ...warmups[name] };
  for (let tries = 0; tries < 100 && child.exitCode === null; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: '{}' }).catch(() => undefined);
    if (answer) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill('SIGTERM');
  await ended;
  if (child.exitCode !== 0) throw new Error(`Cannot bundle: ${name} ended with ${child.exitCode} and says\n${said}`);
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

rmSync(dist, { recursive: true, force: true });
await bundle();
listOfParts();
for (const [place, name] of Object.keys(warmups).entries()) await warm(name, firstPort + place);
process.stdout.write(
  `dist: ${(sizeOf(dist) / 1e6).toFixed(1)} MB, of which compiled code ${(sizeOf(join(dist, 'compile-cache')) / 1e6).toFixed(1)} MB\n`,
);
