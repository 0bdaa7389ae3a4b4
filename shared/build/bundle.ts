/**
 * `npm run build`: all functions as a bundle in dist/, for an image. It is cut so that a cold start reads its own function only, brings
 * the Lua scripts of the store, a list of what went in (CycloneDX), and V8's compiled code of each function (NODE_COMPILE_CACHE).
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { functionNames } from '../process/function-names.ts';
import { builtinsLate } from './builtins.ts';
import { redisClientSooner } from './redis-client.ts';
import { warm } from './warm.ts';

const top = fileURLToPath(new URL('../../', import.meta.url));
const dist = join(top, 'dist');

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

/** Common to all bundles. */
const common: BuildOptions = {
  absWorkingDir: top,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minify: true,
  legalComments: 'linked',
  // ES modules first, where a library has both: what is not used of them is left out.
  mainFields: ['module', 'main'],
  banner: { js: "const require = process.getBuiltinModule('module').createRequire(import.meta.url);" },
};

/** The command line and whatever it starts. */
async function bundleCommandLine(): Promise<void> {
  await build({
    ...common,
    entryPoints: { main: 'functions/start.ts' },
    outdir: dist,
    splitting: true,
    plugins: [partsOfClient, builtinsLate],
  });
  bringScripts(dist);
}

/**
 * A function in one file, and one for each part that it loads late. If esbuild split them, what several have in common would be files
 * of their own, and a start would read a handful of them one by one: 8 ms. The price is that late parts have their own copies of it.
 */
async function bundleFunction(name: string): Promise<void> {
  const outdir = join(dist, name);
  const parts = new Map([['main', join(top, 'functions', name, 'main.ts')]]);
  for (const [part, file] of parts)
    await build({
      ...common,
      entryPoints: { [part]: file },
      outdir,
      plugins: [lateParts(parts), partsOfClient, redisClientSooner, builtinsLate],
    });
  bringScripts(outdir);
}

/** Notes what is imported late in `parts`, to be bundled next. */
function lateParts(parts: Map<string, string>): Plugin {
  return {
    name: 'late-parts',
    setup(builder) {
      builder.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const part = basename(path, '.ts');
        const file = join(resolveDir, path);
        if ((parts.get(part) ?? file) !== file) throw new Error(`Cannot bundle: ${file} and ${parts.get(part)} have one name, wanted two`);
        parts.set(part, file);
        return { path: `./${part}.js`, external: true };
      });
    },
  };
}

function bringScripts(folder: string): void {
  cpSync(join(top, 'shared/store/redis/lua'), join(folder, 'lua'), { recursive: true });
}

async function bundleAll(): Promise<void> {
  await bundleCommandLine();
  for (const name of functionNames) await bundleFunction(name);
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ name: 'knspan', type: 'module', main: 'main.js' })}\n`);
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

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** Node writes the cache for its own user alone; the user of the image is another. */
function makeReadable(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}

rmSync(dist, { recursive: true, force: true });
await bundleAll();
listOfParts();
for (const name of functionNames) await warm(join(dist, 'main.js'), name);
makeReadable(join(dist, 'compile-cache'));
process.stdout.write(
  `dist: ${(sizeOf(dist) / 1e6).toFixed(1)} MB, of which compiled code ${(sizeOf(join(dist, 'compile-cache')) / 1e6).toFixed(1)} MB\n`,
);
