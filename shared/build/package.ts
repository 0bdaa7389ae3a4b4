/**
 * `npm pack` (its `prepack`): the command line, all functions and the extension kit as ES modules for Node 20 and newer, in dist/package.
 * All dependencies are in the bundle: the package installs nothing else, and kubectl's plugin manager can unpack it as it is. Files that
 * the code reads (manifests, recordings, Lua scripts) stay at their places in the tree; `files` in package.json lists them.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateDtsBundle } from 'dts-bundle-generator';
import { build } from 'esbuild';
import { isJson, listField } from '../events/json.ts';
import { bundleOptions, copyPackageFiles, sourcePlaces, top } from './bundle-options.ts';
import { writeThirdParty } from './third-party.ts';

const out = join(top, 'dist/package');
const maxSources = 10_000;
const kit = join(top, 'shared/extension/index.ts');

/** All files of the bundle lie in one folder, two levels below the top: see `sourcePlaces`. */
async function bundle(): Promise<void> {
  const { outputFiles, metafile } = await build({
    ...bundleOptions,
    entryPoints: { main: 'functions/main.ts', extension: kit },
    outdir: out,
    splitting: true,
    format: 'esm',
    target: 'node20',
    // So that a stack trace is readable without the maps.
    minify: false,
    sourcemap: 'linked',
    write: false,
    inject: ['shared/build/node-20.ts'],
    banner: { js: "import { createRequire as requireFor } from 'node:module';\nconst require = requireFor(import.meta.url);" },
    plugins: [...bundleOptions.plugins, sourcePlaces('../../')],
  });
  const texts = new Map(outputFiles.map(({ path, text }) => [path, text]));
  mkdirSync(out, { recursive: true });
  for (const [path, text] of texts) {
    if (path.endsWith('.map')) continue;
    const map = ownSources(texts.get(`${path}.map`) ?? '{}');
    writeFileSync(path, map === null ? text.replace(/\n\/\/# sourceMappingURL=.*\n$/, '\n') : text);
    if (map !== null) writeFileSync(`${path}.map`, map);
  }
  copyPackageFiles(out);
  writeThirdParty(out, metafile);
}

/** A source map without the text of packages, which would be most of it; null where there is nothing else. */
function ownSources(text: string): string | null {
  const map: unknown = JSON.parse(text);
  const [sources, contents] = [listField(map, 'sources', maxSources), listField(map, 'sourcesContent', maxSources)];
  const isOwn = sources.map((source) => !String(source).includes('node_modules/'));
  if (!isJson(map) || !isOwn.includes(true)) return null;
  return JSON.stringify({ ...map, sourcesContent: contents.map((content, index) => (isOwn[index] ? content : null)) });
}

rmSync(out, { recursive: true, force: true });
await bundle();
const [types = ''] = generateDtsBundle([{ filePath: kit, output: { noBanner: true } }], {
  preferredConfigPath: join(top, 'tsconfig.json'),
});
writeFileSync(join(out, 'extension.d.ts'), types);
