/**
 * For the bundle: Node's own modules as late as possible. To import `node:http` as an ES module reads all its exports, of which one loads
 * undici (25 ms); and https and tls, which libraries require at once, take 12 ms where most functions speak http alone.
 */
import { builtinModules } from 'node:module';
import type { Plugin } from 'esbuild';

/** Loaded when something of them is used first; all others at once, since nearly everything uses them. */
const late = [
  'crypto',
  'https',
  'tls',
  'zlib',
  'dns',
  'perf_hooks',
  'child_process',
  'cluster',
  'worker_threads',
  'tty',
  'v8',
  'fs/promises',
];

export const builtinsLate: Plugin = {
  name: 'builtins-late',
  setup(builder) {
    builder.onResolve({ filter: /^(node:)?[a-z_/0-9]+$/ }, ({ path, kind, importer }) => {
      const name = path.replace(/^node:/, '');
      if (!builtinModules.includes(name)) return undefined;
      // One for each importer: a shared one would become a file of its own, and reading each file takes its time.
      return { path: name, suffix: `?${importer}`, namespace: kind === 'dynamic-import' ? 'builtin-named' : 'builtin' };
    });
    builder.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: late.includes(path) ? lateModule(path) : `module.exports = ${got(path)};`,
    }));
    builder.onLoad({ filter: /.*/, namespace: 'builtin-named' }, ({ path }) => ({ contents: namedModule(path) }));
  },
};

function got(name: string): string {
  return `process.getBuiltinModule(${JSON.stringify(name)})`;
}

function lateModule(name: string): string {
  const all = process.getBuiltinModule(name) ?? {};
  const itself = typeof all === 'function' ? `module.exports = (...given) => ${got(name)}(...given);` : '';
  const get = `get: () => ${got(name)}[name]`;
  return `${itself}for (const name of ${JSON.stringify(Object.keys(all))}) Object.defineProperty(module.exports, name, { enumerable: true, ${get} });`;
}

/** What `import()` gives needs names; those that are computed, as http.WebSocket is, are what must not be touched. */
function namedModule(name: string): string {
  const properties = Object.getOwnPropertyDescriptors(process.getBuiltinModule(name) ?? {});
  const names = Object.entries(properties).flatMap(([key, { value }]) =>
    value !== undefined && /^[A-Za-z]\w*$/.test(key) && key !== 'default' ? key : [],
  );
  return `const all = ${got(name)};\nexport default all;\nexport const { ${names.join(', ')} } = all;`;
}
