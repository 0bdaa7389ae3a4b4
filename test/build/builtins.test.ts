/** Node's own modules in a bundle: there when they are used, in whatever way they are imported, and not before. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { build } from 'esbuild';
import { builtinsLate } from '../../shared/build/builtins.ts';
import { redisClientSooner } from '../../shared/build/redis-client.ts';

/** What the bundled text prints, as JSON. */
async function printed(contents: string): Promise<unknown> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    minify: true,
    banner: { js: "const require = process.getBuiltinModule('module').createRequire('file:///');" },
    plugins: [redisClientSooner, builtinsLate],
  });
  const child = spawnSync(process.execPath, ['--input-type=module', '-'], { input: outputFiles[0]?.text ?? '', encoding: 'utf8' });
  assert.equal(child.stderr, '');
  return JSON.parse(child.stdout);
}

const loaded = "const loaded = (name) => process.moduleLoadList.some((one) => one.endsWith(' ' + name));";
const print = (value: string) => `process.stdout.write(JSON.stringify(${value}));`;

describe('builtinsLate', () => {
  test('to import node:http loads no undici, https no TLS until it is used', async () => {
    const text = `import { createServer } from 'node:http'; import { Agent } from 'node:https'; import * as tls from 'tls'; ${loaded}
      createServer(); const before = [loaded('internal/deps/undici/undici'), loaded('tls')]; new Agent(); ${print("[before, loaded('tls'), typeof tls.connect]")}`;
    assert.deepEqual(await printed(text), [[false, false], true, 'function']);
  });

  test('import() gives names and default, require and import of a function can be called', async () => {
    const text = `import check from 'node:assert'; const http = await import('http'); const strict = require('assert'); check(true); strict.equal(1, 1);
      let failed = ''; try { check(false); } catch (error) { failed = error.code; }
      ${print('[typeof http.request, typeof http.default.request, failed]')}`;
    assert.deepEqual(await printed(text), ['function', 'function', 'ERR_ASSERTION']);
  });

  test('ioredis has its commands', async () => {
    const text = `import { Cluster, Redis } from 'ioredis'; const redis = new Redis({ lazyConnect: true });
      ${print("[redis, redis.pipeline(), Cluster.prototype].map((one) => [typeof one.evalsha, typeof one.getBuffer, '_a' in one])")}`;
    assert.deepEqual(
      await printed(text),
      [1, 2, 3].map(() => ['function', 'function', false]),
    );
  });
});
