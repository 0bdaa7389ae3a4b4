/** How functions are bundled by esbuild, and how Node starts the bundle. */
import type { BuildOptions, OnResolveResult, Plugin } from 'esbuild';

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

export const bundleOptions: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  minify: true,
  legalComments: 'linked',
  // ES modules first, where a library has both: what is not used of them is left out.
  mainFields: ['module', 'main'],
  plugins: [unusedPartsLeftOut],
};
