/** How esbuild bundles knspan for the image and for the npm package, and how Node starts the image. */
import { copyFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, OnResolveResult, Plugin } from 'esbuild';

export const top = fileURLToPath(new URL('../../', import.meta.url));

/** 10,000 Events leave a correlator with 108 MiB; without this bound on the space for new objects, with 214 (test/bench/cold-start.ts). */
export const nodeFlags = ['--max-semi-space-size=4'] as const;

/** What packages load at their start although no function uses it: package -> what it imports. */
const unused: readonly (readonly [importer: string, imports: RegExp])[] = [
  ['express', /^(body-parser|mime-types|qs|send|serve-static)$/],
  ['accepts', /^mime-types$/],
  ['prom-client', /^\.\/lib\/(cluster|defaultMetrics|pushgateway)$/],
];

/** Empty modules in their place. They would take 35 ms of the 160 ms of CPU that a cold start of the exporter takes. */
const unusedPartsLeftOut: Plugin = {
  name: 'unused-parts-left-out',
  setup(builder) {
    builder.onResolve({ filter: /^[./a-zA-Z-]+$/ }, ({ path, importer }): OnResolveResult | undefined => {
      const isUnused = unused.some(([name, imports]) => importer.includes(`/node_modules/${name}/`) && imports.test(path));
      return isUnused ? { path, namespace: 'left-out' } : undefined;
    });
    builder.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** Files of packages that are read at run time: copied beside the bundle, where `import.meta.resolve` then finds them. */
export const packageFiles = ['idiomorph/dist/idiomorph.esm.js'] as const;

export function copyPackageFiles(folder: string): void {
  for (const file of packageFiles) copyFileSync(fileURLToPath(import.meta.resolve(file)), join(folder, basename(file)));
}

/**
 * `import.meta.url` of a source file keeps its value relative to the top of the tree, which is at `up` from the bundle; a file of a
 * package is beside the bundle.
 */
export function sourcePlaces(up: './' | '../../'): Plugin {
  return {
    name: 'source-places',
    setup(builder) {
      builder.onLoad({ filter: /[\\/](?:shared|functions)[\\/].*\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        const place = `new URL(${JSON.stringify(up + relative(top, path))}, import.meta.url).href`;
        const contents = packageFiles.reduce(
          (all, file) => all.replaceAll(`import.meta.resolve('${file}')`, `new URL('./${basename(file)}', import.meta.url).href`),
          text.replaceAll('import.meta.url', place),
        );
        return { loader: 'ts', contents };
      });
    },
  };
}

export const bundleOptions = {
  absWorkingDir: top,
  bundle: true,
  metafile: true,
  platform: 'node',
  target: 'node24',
  minify: true,
  legalComments: 'linked',
  // ES modules first, where a library has both: what is not used of them is left out.
  mainFields: ['module', 'main'],
  alias: { 'knspan/extension': join(top, 'shared/extension/index.ts') },
  plugins: [unusedPartsLeftOut],
} as const satisfies BuildOptions;
